package compat

import (
	"encoding/json"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"journalpump/test/program"
)

// statsd is a statsd server that adds up counters.
type statsd struct {
	conn  *net.UDPConn
	ended chan struct{} // closed when receive has ended, and lines may be looked at
	lines []string
}

func listen(t *testing.T) *statsd {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &statsd{conn: conn, ended: make(chan struct{})}
	go s.receive()
	t.Cleanup(func() {
		conn.Close()
		<-s.ended
	})
	return s
}

// receive reads until the connection is closed or s is told to end.
func (s *statsd) receive() {
	defer close(s.ended)
	packet := make([]byte, 1<<16)
	for {
		n, err := s.conn.Read(packet)
		if err != nil {
			return
		}
		s.lines = append(s.lines, strings.Split(string(packet[:n]), "\n")...)
	}
}

// end ends receive and reads what it has left. The program has ended by now, so all that it sent is in the socket's buffer.
func (s *statsd) end(t *testing.T) {
	t.Helper()
	if err := s.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, packet := range program.Datagrams(t, s.conn) {
		s.lines = append(s.lines, strings.Split(packet, "\n")...)
	}
}

func (s *statsd) port() int { return s.conn.LocalAddr().(*net.UDPAddr).Port }

// check compares the counters that the case knows with what came.
func (s *statsd) check(t *testing.T, expected []byte) {
	t.Helper()
	var want map[string]int
	if err := json.Unmarshal(expected, &want); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for key := range want {
		known[metricName(key)] = true
	}
	got := s.counters(t)
	maps.DeleteFunc(got, func(key string, _ int) bool { return !known[metricName(key)] })
	if !maps.Equal(got, want) {
		t.Errorf("statsd counters differ:\n    got  %v\n    want %v", got, want)
	}
}

func metricName(key string) string { name, _, _ := strings.Cut(key, ","); return name }

// counters returns the sums by name and sorted tags.
func (s *statsd) counters(t *testing.T) map[string]int {
	t.Helper()
	s.end(t)
	sums := make(map[string]int)
	for _, line := range s.lines {
		head, rest, ok := cutLast(line, ":")
		fields := strings.Split(rest, "|")
		if !ok || len(fields) < 2 || fields[1] != "c" {
			continue
		}
		value, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			t.Errorf("statsd got %q: %v", line, err)
			continue
		}
		parts := strings.Split(head, ",")
		slices.Sort(parts[1:])
		sums[strings.Join(parts, ",")+"|c"] += int(value)
	}
	return sums
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
