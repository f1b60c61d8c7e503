package journald

import (
	"encoding/binary"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// Field is a NAME=value to send.
type Field struct{ Name, Value string }

// Native is a connection to the native socket, see https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
type Native struct {
	conn net.Conn
	buf  []byte
}

// Native connects to the native socket.
func (i *Instance) Native(t *testing.T) *Native {
	t.Helper()
	return &Native{conn: i.dial(t, "unixgram", "socket")}
}

// Send logs one entry. It blocks while journald is behind.
func (n *Native) Send(fields ...Field) error {
	b := n.buf[:0]
	for _, f := range fields {
		b = append(b, f.Name...)
		b = append(b, '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(f.Value)))
		b = append(b, f.Value...)
		b = append(b, '\n')
	}
	n.buf = b
	_, err := n.conn.Write(b)
	return err
}

// Message logs an entry that has nothing but a text.
func (n *Native) Message(text string) error { return n.Send(Field{"MESSAGE", text}) }

// Stream is a connection like a service's standard output: every line becomes an entry.
type Stream struct{ conn net.Conn }

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

// Syslog is a connection to the socket that /dev/log usually is.
type Syslog struct{ conn net.Conn }

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

func (i *Instance) dial(t *testing.T, network, name string) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), network, filepath.Join(i.sockets, name))
	if err != nil {
		t.Fatalf("connecting to journald: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
