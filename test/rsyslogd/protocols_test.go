package rsyslogd

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/certs"
	"journalpump/test/program"
)

// protocol is a way to send to rsyslogd.
type protocol struct {
	name   string
	needs  []string // modules
	inputs string
	sender map[string]any
	acked  bool // rsyslogd acknowledges: nothing may be missing, whatever happens
	datagr bool // nothing is promised
}

const gtls = `global(DefaultNetstreamDriverCAFile="${ca.pem}" DefaultNetstreamDriverCertFile="${server.pem}" DefaultNetstreamDriverKeyFile="${server.key}")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
`

func protocols(ca *certs.Authority, cert, key string) []protocol {
	secure := map[string]any{"ca_certs": ca.Path("ca.pem"), "client_cert": cert, "client_key": key}
	with := func(more map[string]any, m map[string]any) map[string]any {
		out := maps.Clone(m)
		maps.Copy(out, more)
		return out
	}
	const tcp = "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"${port}\" ruleset=\"store\")"
	return []protocol{
		{name: "tcp", inputs: "module(load=\"imtcp\")\n" + tcp, sender: map[string]any{}},
		{name: "tcp, RFC 3164", inputs: "module(load=\"imtcp\")\n" + tcp, sender: map[string]any{"format": "rfc3164"}},
		{name: "octet-counted", inputs: "module(load=\"imtcp\")\n" + tcp, sender: map[string]any{"framing": "octet-counted"}},
		{name: "tls", needs: []string{"lmnsd_gtls"}, inputs: gtls + tcp, sender: with(secure, map[string]any{"framing": "octet-counted"})},
		{
			name: "relp", needs: []string{"imrelp"}, acked: true, sender: map[string]any{"protocol": "relp"},
			inputs: "module(load=\"imrelp\")\ninput(type=\"imrelp\" address=\"127.0.0.1\" port=\"${port}\" ruleset=\"store\")",
		},
		{
			name: "relp with TLS", needs: []string{"imrelp"}, acked: true, sender: with(secure, map[string]any{"protocol": "relp"}),
			inputs: "module(load=\"imrelp\" tls.tlslib=\"openssl\")\ninput(type=\"imrelp\" address=\"127.0.0.1\" port=\"${port}\" ruleset=\"store\" tls=\"on\" " +
				"tls.cacert=\"${ca.pem}\" tls.mycert=\"${server.pem}\" tls.myprivkey=\"${server.key}\" tls.authmode=\"certvalid\")",
		},
		{
			name: "udp", needs: []string{"imudp"}, datagr: true, sender: map[string]any{"protocol": "udp"},
			inputs: "module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"${port}\" ruleset=\"store\" rcvbufSize=\"8m\")",
		},
		{
			name: "unix", needs: []string{"imuxsock"}, datagr: true, sender: map[string]any{"protocol": "unix"},
			inputs: "module(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=\"${dir}/socket\" CreatePath=\"on\" ruleset=\"store\" " +
				"useSpecialParser=\"off\" useSysTimeStamp=\"off\" parseHostname=\"on\" RateLimit.Interval=\"0\")",
		},
	}
}

// configure writes a configuration with one sender, whose batches are small so that a server that goes away finds some.
func configure(t *testing.T, journal string, s *server, p protocol) string {
	t.Helper()
	dir := t.TempDir()
	sender := map[string]any{"output_type": "rsyslog", "rsyslog_server": "127.0.0.1", "rsyslog_port": s.port}
	if p.name == "unix" {
		sender["rsyslog_server"] = filepath.Join(filepath.Dir(s.conf), "socket")
	}
	maps.Copy(sender, p.sender)
	text, err := json.Marshal(map[string]any{
		"json_state_file_path":  filepath.Join(dir, "state.json"),
		"msg_buffer_max_length": batch,
		"readers": map[string]any{"r": map[string]any{
			"journal_path": journal, "initial_position": "head", "senders": map[string]any{"s": sender},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// batch is how many entries a batch has at most.
const batch = 500

// each runs a test with each protocol.
func each(t *testing.T, f func(t *testing.T, journal string, s *server, p protocol)) {
	t.Helper()
	journal := numberedJournal(t)
	ca := certs.New(t)
	ca.Server(t)
	cert, key := ca.Client(t)
	for _, p := range protocols(ca, cert, key) {
		t.Run(strings.ReplaceAll(p.name, " ", "_"), func(t *testing.T) {
			f(t, journal, newServer(t, p.needs, p.inputs, ca), p)
		})
	}
}

// TestEverythingArrives: while nothing fails, everything is there once and in order.
func TestEverythingArrives(t *testing.T) { //nolint:paralleltest // rsyslogd and journalpump keep two cores busy
	each(t, func(t *testing.T, journal string, s *server, p protocol) {
		t.Helper()
		s.start(t)
		if r := program.Run(t, "--once", "--timeout", "50s", configure(t, journal, s, p)); r.Code != 0 {
			t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
		}
		if !p.acked {
			s.awaitRead(t, p.datagr)
		} // else everything is there already
		s.end(t, syscall.SIGTERM)
		c := count(s.numbers(t, 0))
		t.Logf("%+v", c)
		if p.name == "udp" {
			c.missing = 0
		}
		if c != (tally{}) {
			t.Errorf("%+v", c)
		}
	})
}

// awaitRead waits until rsyslogd has read what it can, after the program has ended.
func (s *server) awaitRead(t *testing.T, datagrams bool) {
	t.Helper()
	program.Until(t, "rsyslogd has read its connections to their ends", func() bool { return !s.connected(t) })
	if datagrams { // nobody can tell
		program.Until(t, "rsyslogd has read what it can", s.steady())
	}
}

// connected reports whether rsyslogd has connections that it has not closed, which it does at their ends (proc_net_tcp(5)).
func (s *server) connected(t *testing.T) bool {
	t.Helper()
	const established, synReceived, closeWait = "01", "03", "08"
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // number, local address, remote address, state
		if len(fields) > 3 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", s.port)) && slices.Contains([]string{established, synReceived, closeWait}, fields[3]) {
			return true
		}
	}
	return false
}

// steady returns whether the file of messages has stopped growing.
func (s *server) steady() func() bool {
	last, same := -1, 0
	return func() bool {
		size := s.size()
		if same++; size != last {
			last, same = size, 0
		}
		const polls = 100 // of 5 ms
		return same > polls
	}
}

// TestServerIsKilled: rsyslogd is killed, and later stopped, while messages come.
func TestServerIsKilled(t *testing.T) { //nolint:paralleltest // likewise
	each(t, func(t *testing.T, journal string, s *server, p protocol) {
		t.Helper()
		s.start(t)
		config := configure(t, journal, s, p)
		pump := program.Start(t, nil, "--once", "--timeout", "50s", config)
		stored := 0        // messages at each end, which are all that can be there twice over a stream
		var accepted []int // how many messages were known to be accepted at each end
		signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM}
		for i, signal := range signals {
			before := s.size()
			program.Until(t, "some messages have come", func() bool { return s.size() > before+(i+1)*batch || pump.Ended() })
			accepted = append(accepted, program.Accepted(t, filepath.Join(filepath.Dir(config), "state.json"), "r", "s"))
			s.end(t, signal)
			stored += len(s.numbers(t, i+1))
			s.start(t)
		}
		if r := pump.Wait(t); r.Code != 0 {
			t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
		}
		if !p.acked {
			s.awaitRead(t, p.datagr)
		}
		s.end(t, syscall.SIGTERM)
		numbers := s.numbers(t, len(signals))
		c := count(numbers)
		t.Logf("%+v; accepted at the ends: %v", c, accepted)
		checkRepetitions(t, numbers, accepted)
		onTheWay := len(signals) * batch
		switch {
		case p.acked && c.missing > 0:
			t.Errorf("%d acknowledged messages are missing", c.missing)
		case !p.acked && !p.datagr && c.missing > 2*onTheWay: // as a rule none; nothing tells for certain
			t.Errorf("%d messages are missing, which is more than the server can have had unread", c.missing)
		case (p.acked || p.datagr) && c.twice > onTheWay, c.twice > stored:
			t.Errorf("%d messages are there twice, which is more than was on the way", c.twice)
		}
	})
}

// checkRepetitions: an end of the server has those messages sent again at most that had not been accepted before it.
func checkRepetitions(t *testing.T, numbers, accepted []int) {
	t.Helper()
	times := make([]int, entries)
	for _, n := range numbers {
		times[n]++
	}
	for n, there := range times {
		most := 1
		for _, a := range accepted {
			if n >= a {
				most++
			}
		}
		if there > most {
			t.Errorf("message %d is there %d times, at most %d times it may be; accepted at the ends: %v", n, there, most, accepted)
			return
		}
	}
}
