package journald

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Native is a connection to the native socket, see https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
type Native struct {
	conn *net.UnixConn
	buf  []byte
}

// Native connects to the native socket.
func (i *Instance) Native(t *testing.T) *Native {
	t.Helper()
	return &Native{conn: i.dial(t, "unixgram", "socket")}
}

// Send logs one entry of NAME=value fields as the user uid. It blocks while journald is behind.
func (n *Native) Send(uid int, fields ...string) error {
	b := n.buf[:0]
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		b = append(append(b, name...), '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
		b = append(append(b, value...), '\n')
	}
	n.buf = b
	if uid == os.Getuid() {
		_, err := n.conn.Write(b)
		return err
	}
	return n.sendAs(uid, b)
}

// sendAs sends with credentials that are not this process's own, which net.UnixConn cannot on a connected socket.
func (n *Native) sendAs(uid int, b []byte) error {
	raw, err := n.conn.SyscallConn()
	if err != nil {
		return err
	}
	rights := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(uid), Gid: uint32(uid)})
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		sent = unix.Sendmsg(int(fd), b, rights, nil, 0)
		return !errors.Is(sent, unix.EAGAIN)
	})
	return errors.Join(err, sent)
}

// Message logs an entry that has nothing but a text.
func (n *Native) Message(text string) error { return n.Send(os.Getuid(), "MESSAGE="+text) }

// Close ends the connection before the test ends.
func (n *Native) Close() error { return n.conn.Close() }

// Stream is a connection like a service's standard output: every line becomes an entry.
type Stream struct{ conn *net.UnixConn }

// Stream connects to the stdout socket, as systemd-cat(1) does for its command, and sends the header that says who is
// talking (src/journal/journald-stream.c): identifier, unit, priority, level prefix, and whether to forward to syslog,
// kmsg and the console.
func (i *Instance) Stream(t *testing.T, identifier string) *Stream {
	t.Helper()
	conn := i.dial(t, "unix", "stdout")
	if _, err := fmt.Fprintf(conn, "%s\n\n6\n0\n0\n0\n0\n", identifier); err != nil {
		t.Fatalf("opening a stream to journald: %v", err)
	}
	return &Stream{conn}
}

// Message logs one line.
func (s *Stream) Message(text string) error {
	_, err := s.conn.Write([]byte(strings.ReplaceAll(text, "\n", " ") + "\n"))
	return err
}

// Messages logs several lines at once, which journald stamps alike if it reads them at once.
func (s *Stream) Messages(texts ...string) error {
	_, err := s.conn.Write([]byte(strings.Join(texts, "\n") + "\n"))
	return err
}

// Syslog is a connection to the socket that /dev/log usually is.
type Syslog struct{ conn *net.UnixConn }

// Syslog connects to the syslog socket.
func (i *Instance) Syslog(t *testing.T) *Syslog {
	t.Helper()
	return &Syslog{i.dial(t, "unixgram", "dev-log")}
}

// SyslogSocket is the path of the syslog socket, for `logger --socket`.
func (i *Instance) SyslogSocket() string { return filepath.Join(i.sockets, "dev-log") }

// Message logs one message in the form of RFC 3164 as syslog(3) writes it.
func (s *Syslog) Message(text string) error {
	_, err := s.conn.Write([]byte("<14>Nov 21 08:00:00 e2e[1]: " + text))
	return err
}

func (i *Instance) dial(t *testing.T, network, name string) *net.UnixConn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), network, filepath.Join(i.sockets, name))
	if err != nil {
		t.Fatalf("connecting to journald: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.UnixConn)
}
