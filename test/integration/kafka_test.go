//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// kafka is a broker of Apache Kafka from Maven, which is its own controller. Its second port asks for a login.
type kafka struct {
	*daemon
	classpath, properties   string
	port, loginPort, quorum string
}

// The last version that speaks the oldest requests, and the newest one, which does no more.
const (
	oldKafka = "3.9.1"
	newKafka = "4.4.0"
)

func prepareKafka(t *testing.T, version string) *kafka {
	t.Helper()
	for _, tool := range []string{"java", "mvn", "kcat"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("a Kafka broker needs %s", tool)
		}
	}
	file := filepath.Join(cacheDir(t, "kafka"), "classpath-"+version)
	if _, err := os.Stat(file); err != nil {
		mvn := exec.CommandContext(t.Context(), "mvn", "-B", "-q", "-f", "testdata/kafka/pom.xml", "dependency:build-classpath", "-Dkafka="+version, "-Dmdep.outputFile="+file)
		if said, err := mvn.CombinedOutput(); err != nil {
			t.Skipf("fetching Kafka from Maven: %v\n%s", err, said)
		}
	}
	classpath, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	k := &kafka{classpath: strings.TrimSpace(string(classpath)), port: freePort(t), loginPort: freePort(t), quorum: freePort(t)}
	k.format(t)
	return k
}

// format prepares the broker's directory, with the users of its second port.
func (k *kafka) format(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	k.properties = filepath.Join(dir, "server.properties")
	settings := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[3]s
listeners=PLAINTEXT://127.0.0.1:%[1]s,SASL_PLAINTEXT://127.0.0.1:%[2]s,CONTROLLER://127.0.0.1:%[3]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_me="hush";
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
offsets.topic.replication.factor=1
log.dirs=%[4]s
`, k.port, k.loginPort, k.quorum, filepath.Join(dir, "data"))
	if err := os.WriteFile(k.properties, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	format := exec.CommandContext(t.Context(), "java", "-cp", k.classpath, "kafka.tools.StorageTool", "format", "-t", "5L6g3nShT-eMCtK--X86sw", "-c", k.properties,
		"--add-scram", "SCRAM-SHA-256=[name=me,password=hush]", "--add-scram", "SCRAM-SHA-512=[name=me,password=hush]")
	if said, err := format.CombinedOutput(); err != nil {
		t.Fatalf("formatting: %v\n%s", err, said)
	}
}

func (k *kafka) start(t *testing.T) {
	t.Helper()
	k.daemon = start(t, "java", "-Xmx512m", "-cp", k.classpath, "kafka.Kafka", k.properties)
}

func (k *kafka) address() string { return "127.0.0.1:" + k.port }

// lines has kcat, which is librdkafka, read a topic to its end, in the format.
func (k *kafka) lines(t *testing.T, topic, format string) []string {
	t.Helper()
	var out []byte
	until(t, "kcat has read "+topic, func() bool { // a busy broker may not answer it in time
		kcat := exec.CommandContext(t.Context(), "kcat", "-b", k.address(), "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", format+"\n")
		var said bytes.Buffer
		kcat.Stderr = &said
		var err error
		if out, err = kcat.Output(); err != nil {
			t.Logf("kcat: %v: %s", err, said.String())
		}
		return err == nil
	})
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func (k *kafka) numbers(t *testing.T, topic string) []int {
	t.Helper()
	var numbers []int
	for _, line := range k.lines(t, topic, "%s") {
		var entry struct {
			Message string `json:"MESSAGE"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		numbers = append(numbers, number(t, entry.Message))
	}
	return numbers
}

// has waits until a topic has so many records, by the offsets that the broker tells.
func (k *kafka) has(t *testing.T, topic string, partitions, records int) {
	t.Helper()
	until(t, fmt.Sprintf("%d records are there", records), func() bool {
		args := []string{"-b", k.address(), "-Q", "-m", "5"}
		for p := range partitions {
			args = append(args, "-t", fmt.Sprintf("%s:%d:-1", topic, p))
		}
		out, err := exec.CommandContext(t.Context(), "kcat", args...).Output()
		if err != nil {
			return false
		}
		sum := 0
		for line := range strings.Lines(string(out)) {
			var offset int
			if _, err := fmt.Sscanf(line[strings.LastIndex(line, " ")+1:], "%d", &offset); err == nil {
				sum += offset
			}
		}
		return sum >= records
	})
}

// The broker is killed when it has some of the entries, in one case the program too. With an idempotent producer nothing is
// there twice because of the broker.
func TestKafka(t *testing.T) {
	k, whole := prepareKafka(t, newKafka), t
	k.start(t)
	for name, c := range map[string]struct {
		properties map[string]any
		killing    bool // the program
		broker     int  // how many entries may be there again because of the broker
		maxAgain   int
	}{
		"kafka":      {nil, false, batch, batch}, // the one that was in flight
		"idempotent": {map[string]any{"enable.idempotence": true}, false, 0, 0},
		"killed":     {nil, true, batch, 2 * batch}, // and the one of the program that was killed
	} {
		t.Run(name, func(t *testing.T) {
			config := configure(t, numberedJournal(t), map[string]any{
				"output_type": "kafka", "kafka_address": k.address(), "kafka_topic": name, "kafka_properties": c.properties,
				"kafka_topic_config": map[string]any{"num_partitions": 3, "replication_factor": 1},
			})
			p := program.Start(t, nil, config)
			k.has(t, name, 3, entries/10)
			k.end(t, syscall.SIGKILL)
			if p.Ended() {
				t.Fatalf("the program has ended:\n%s", p.Output())
			}
			k.start(whole) // it is there for the next case too
			k.has(t, name, 3, entries/2)
			accepted := entries
			if c.killing {
				p.Kill(t)
				accepted = sent(t, config)
			} else {
				p.Stop(t)
			}
			if r := program.Run(t, "--once", "--timeout", "2m", config); r.Code != 0 {
				t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
			}
			allOnce(t, k.numbers(t, name), c.maxAgain)
			onceBefore(t, k.numbers(t, name), accepted, c.broker)
		})
	}
}

// librdkafka reads every codec, and finds key and header; the brokers are reached through a SOCKS5 proxy, with every login.
func TestKafkaRecords(t *testing.T) {
	journal := numberedJournal(t)
	for _, version := range []string{oldKafka, newKafka} {
		t.Run(version, func(t *testing.T) { testKafkaRecords(t, prepareKafka(t, version), journal) })
	}
}

func testKafkaRecords(t *testing.T, k *kafka, journal string) {
	t.Helper()
	k.start(t)
	until(t, "the broker answers", func() bool {
		return exec.CommandContext(t.Context(), "kcat", "-b", k.address(), "-L", "-m", "5").Run() == nil
	})
	for topic, keys := range map[string]map[string]any{
		"zstd":   {"compression": "zstd"},
		"snappy": {"compression": "snappy", "kafka_msg_key": "{PRIORITY}"},
		"lz4":    {"compression": "lz4", "kafka_address": "127.0.0.1:" + k.loginPort, "sasl_mechanism": "PLAIN"},
		"gzip":   {"compression": "gzip", "kafka_address": "127.0.0.1:" + k.loginPort, "sasl_mechanism": "SCRAM-SHA-256"},
		"none":   {"compression": "none", "kafka_address": "127.0.0.1:" + k.loginPort, "sasl_mechanism": "SCRAM-SHA-512"},
		"proxy":  {"socks5_proxy": proxy(t), "kafka_properties": map[string]any{"acks": 1}},
	} {
		t.Run(topic, func(t *testing.T) {
			sender := map[string]any{"output_type": "kafka", "kafka_address": k.address(), "kafka_topic": topic}
			maps.Copy(sender, keys)
			if sender["sasl_mechanism"] != nil {
				sender["sasl_username"], sender["sasl_password"] = "me", "hush"
			}
			if r := program.Run(t, "--once", "--timeout", "2m", configure(t, journal, sender)); r.Code != 0 {
				t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
			}
			allOnce(t, k.numbers(t, topic), 0)
			key, header, _ := strings.Cut(k.lines(t, topic, "%k %h")[0], " ")
			if (key == "") != (sender["kafka_msg_key"] == nil) || !strings.HasPrefix(header, "journalpump-id=") {
				t.Errorf("key %q, header %q", key, header)
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		p := program.Start(t, nil, "--once", "--timeout", "5m", configure(t, journal, map[string]any{
			"output_type": "kafka", "kafka_address": "127.0.0.1:" + k.loginPort, "kafka_topic": "refused",
			"sasl_mechanism": "SCRAM-SHA-256", "sasl_username": "me", "sasl_password": "hushhush",
		}))
		until(t, "the program says what is wrong", func() bool { return strings.Contains(p.Output(), "user name") })
		p.Signal(t, syscall.SIGTERM)
		if r := p.Wait(t); r.Code != 1 || strings.Contains(r.Output, "hush") {
			t.Errorf("exit status %d:\n%s", r.Code, r.Output)
		}
	})
}

// proxy starts a SOCKS5 proxy and returns its address.
func proxy(t *testing.T) string {
	t.Helper()
	microsocks, err := exec.LookPath("microsocks")
	if err != nil {
		t.Skip("a SOCKS5 proxy needs microsocks")
	}
	port := freePort(t)
	start(t, microsocks, "-i", "127.0.0.1", "-p", port)
	return "socks5://127.0.0.1:" + port
}
