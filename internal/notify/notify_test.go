package notify

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// manager listens as systemd does and returns what arrives, a message at a time.
func manager(t *testing.T) (receive func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		buf := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("reading a notification: %v", err)
		}
		return string(buf[:n])
	}
}

func TestMessages(t *testing.T) {
	receive := manager(t)
	var n Notifier
	tests := []struct {
		name string
		send func() error
		want string // regular expression
	}{
		{"ready", func() error { return n.Ready("") }, `READY=1`},
		{"ready with status", func() error { return n.Ready("2 readers") }, `READY=1\nSTATUS=2 readers`},
		{"reloading", n.Reloading, `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+`},
		{"stopping", func() error { return n.Stopping("delivering 3 entries") }, `STOPPING=1\nSTATUS=delivering 3 entries`},
		{"status", func() error { return n.Status("all well") }, `STATUS=all well`},
		{"a status is one line", func() error { return n.Status("a\nREADY=1\r\n") }, `STATUS=a READY=1  `},
		{"watchdog", n.Watchdog, `WATCHDOG=1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.send(); err != nil {
				t.Fatal(err)
			}
			if got := receive(); !regexp.MustCompile(`^` + tt.want + `$`).MatchString(got) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	var n Notifier
	if n.Enabled() {
		t.Error("enabled without a socket")
	}
	for _, send := range []func() error{
		func() error { return n.Ready("x") }, n.Reloading, func() error { return n.Stopping("x") },
		func() error { return n.Status("x") }, func() error { return n.Status("") }, n.Watchdog,
	} {
		if err := send(); err != nil {
			t.Error(err)
		}
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	if err := n.Ready(""); err == nil {
		t.Error("no error although the socket is gone")
	}
}

func TestWatchdogInterval(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	tests := []struct {
		usec, pid string
		want      time.Duration
		wantErr   bool
	}{
		{"", "", 0, false},
		{"30000000", "", 15 * time.Second, false},
		{"30000000", own, 15 * time.Second, false},
		{"30000000", "1", 0, false},
		{"soon", own, 0, true},
		{"-1", own, 0, true},
	}
	for _, tt := range tests {
		t.Setenv("WATCHDOG_USEC", tt.usec)
		t.Setenv("WATCHDOG_PID", tt.pid)
		got, err := Notifier{}.WatchdogInterval()
		if got != tt.want || (err != nil) != tt.wantErr {
			t.Errorf("WATCHDOG_USEC=%q WATCHDOG_PID=%q: %v, %v", tt.usec, tt.pid, got, err)
		}
	}
}
