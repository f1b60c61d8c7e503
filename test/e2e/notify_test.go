package e2e

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// notifications is the service manager's side of sd_notify(3).
type notifications struct {
	socket string
	ended  chan struct{}
	mu     sync.Mutex
	got    []string // the assignments, in the order they came
}

func listenNotify(t *testing.T) *notifications {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // t.TempDir() may be too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	n := &notifications{socket: filepath.Join(dir, "socket"), ended: make(chan struct{})}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(n.ended)
		if err := n.receive(conn); err != nil {
			t.Errorf("reading notifications: %v", err)
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-n.ended
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return n
}

// receive receives until the connection is closed.
func (n *notifications) receive(conn *net.UnixConn) error {
	buf := make([]byte, 4096)
	for {
		size, err := conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		n.mu.Lock()
		n.got = append(n.got, strings.Split(strings.TrimSpace(string(buf[:size])), "\n")...)
		n.mu.Unlock()
	}
}

func (n *notifications) env() string { return "NOTIFY_SOCKET=" + n.socket }

// all returns what came so far.
func (n *notifications) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got...)
}

// await waits until, after the first `from` ones, notifications with these beginnings have come in this order. It returns
// how many have come up to the last of them.
func (n *notifications) await(t *testing.T, from int, want ...string) int {
	t.Helper()
	program.Until(t, "notifications "+strings.Join(want, ", "), func() bool {
		got, next := n.all(), from
		for _, w := range want {
			for next < len(got) && !strings.HasPrefix(got[next], w) {
				next++
			}
			if next == len(got) {
				return false
			}
			next++
		}
		from = next
		return true
	})
	return from
}

func TestNotify(t *testing.T) {
	t.Parallel()
	n := listenNotify(t)
	s := newSetup(t)
	s.write(t, object{"journal_path": numberedJournal(t, 100)})
	pump := program.Start(t, []string{n.env(), "WATCHDOG_USEC=400000"}, s.config())

	seen := n.await(t, 0, "READY=1")
	n.await(t, 0, "STATUS=")
	seen = n.await(t, seen, "WATCHDOG=1", "WATCHDOG=1")
	pump.Signal(t, syscall.SIGHUP)
	// Type=notify-reload wants the time with RELOADING=1, see sd_notify(3); it comes in the same datagram.
	seen = n.await(t, seen, "RELOADING=1", "READY=1")
	if !strings.Contains(strings.Join(n.all(), "\n"), "MONOTONIC_USEC=") {
		t.Error("RELOADING=1 came without MONOTONIC_USEC")
	}
	pump.Stop(t)
	n.await(t, seen, "STOPPING=1")
	if status := n.statuses(); strings.ContainsAny(strings.Join(status, ""), "\x00\x1b") {
		t.Errorf("STATUS is no plain text: %q", status)
	}
}

func (n *notifications) statuses() (statuses []string) {
	for _, s := range n.all() {
		if text, ok := strings.CutPrefix(s, "STATUS="); ok {
			statuses = append(statuses, text)
		}
	}
	return statuses
}
