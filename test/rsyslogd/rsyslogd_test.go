// Package rsyslogd tests the whole program against a real rsyslogd: 20,000 numbered entries by every protocol, and
// with rsyslogd killed and restarted in between.
package rsyslogd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"journalpump/test/certs"
	"journalpump/test/program"
	"journalpump/test/sample"
)

func TestMain(m *testing.M) { program.Main(m) }

// entries is how many entries each test sends.
const entries = 20000

// numberedJournal makes a journal of numbered messages, from 0, and returns its directory.
func numberedJournal(t *testing.T) string {
	t.Helper()
	if _, err := sample.Remote(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	err := sample.BuildJournal(t.Context(), dir, func(w io.Writer) error {
		for i := range entries {
			_, err := fmt.Fprintf(w, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=numbered %d\nPRIORITY=%d\n"+
				"_HOSTNAME=host\nSYSLOG_IDENTIFIER=numbers\n_PID=%d\n\n", 1_760_000_000_000_000+int64(i)*1000, 1000*(i+1), 1, i, i%8, 1000+i)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// server is a rsyslogd that writes the messages it gets into a file before it takes the next ones.
type server struct {
	conf, out, pid string
	port           int
	cmd            *exec.Cmd
	said           *bytes.Buffer
}

// newServer configures a rsyslogd. inputs are the modules and inputs, with the port and the directory of certificates to be
// filled in.
func newServer(t *testing.T, needs []string, inputs string, ca *certs.Authority) *server {
	t.Helper()
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("no rsyslogd here")
	}
	for _, module := range needs {
		found, err := filepath.Glob("/usr/lib/*/rsyslog/" + module + ".so")
		if err != nil || len(found) == 0 {
			t.Skipf("rsyslogd has no module %s here", module)
		}
	}
	dir := t.TempDir()
	s := &server{
		conf: filepath.Join(dir, "conf"), out: filepath.Join(dir, "messages"), pid: filepath.Join(dir, "pid"),
		port: program.FreePort(t), said: new(bytes.Buffer),
	}
	inputs = os.Expand(inputs, func(name string) string {
		switch name {
		case "port":
			return strconv.Itoa(s.port)
		case "dir":
			return dir
		default:
			return ca.Path(name)
		}
	})
	conf := inputs + "\n" + `template(name="message" type="string" string="%pri% %timereported:::date-rfc3339,date-utc% %hostname% %app-name% %procid% %msg%\n")` + "\n" +
		`ruleset(name="store" queue.type="Direct") { action(type="omfile" file="` + s.out + `" template="message") }` + "\n"
	if err := os.WriteFile(s.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("rsyslogd", "-n", "-f", s.conf, "-i", s.pid) //nolint:noctx // its end is the cleanup below
	s.cmd.Stdout, s.cmd.Stderr = s.said, s.said
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := s.cmd
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended by itself
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("rsyslogd said:\n%s", s.said)
		}
	})
}

// end ends rsyslogd with the signal; with SIGTERM it deals with what it has got first.
func (s *server) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	err := s.cmd.Wait()
	if _, killed := errors.AsType[*exec.ExitError](err); err != nil && !killed {
		t.Fatal(err)
	}
	_ = os.Remove(s.pid) // a killed rsyslogd leaves it, and its successor would not start
}

// size returns how many messages there are, about.
func (s *server) size() int {
	info, err := os.Stat(s.out)
	if err != nil {
		return 0
	}
	const line = 76
	return int(info.Size() / line)
}

var message = regexp.MustCompile(`^(\d+) (\S+) (\S+) (\S+) (\S+) +(.*)$`)

// numbers returns the numbers of the messages in the order they are there. A line that is no message of ours is an error,
// but for a few that were cut short when a connection broke.
func (s *server) numbers(t *testing.T, torn int) []int {
	t.Helper()
	text, err := os.ReadFile(s.out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var numbers []int
	for line := range bytes.Lines(text) {
		m := message.FindSubmatch(bytes.TrimSuffix(line, []byte("\n")))
		n, err := 0, errors.New("no message")
		if m != nil {
			n, err = strconv.Atoi(string(bytes.TrimPrefix(m[6], []byte("numbered "))))
		}
		pri := strconv.Itoa(8 + n%8)
		if err != nil || string(m[1]) != pri || string(m[3]) != "host" || string(m[4]) != "numbers" || string(m[5]) != strconv.Itoa(1000+n) {
			if torn--; torn < 0 {
				t.Fatalf("%q is no message of ours", line)
			}
			continue
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// tally is what has become of the numbers.
type tally struct{ missing, twice, disorder int }

func count(numbers []int) tally {
	seen := make([]int, entries)
	var c tally
	last := -1
	for _, n := range numbers {
		seen[n]++
		if n < last {
			c.disorder++
		}
		last = n
	}
	for _, n := range seen {
		switch {
		case n == 0:
			c.missing++
		case n > 1:
			c.twice += n - 1
		}
	}
	return c
}
