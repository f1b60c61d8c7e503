package rsyslog

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/senders/sendertest"
	"journalpump/test/certs"
)

func openTo(t *testing.T, p *peer, change func(*Config)) (pump.Sender, error) {
	t.Helper()
	return configFor(p, change).Open(t.Context(), "test", logger(t))
}

func configFor(p *peer, change func(*Config)) *Config {
	c := DefaultConfig()
	c.Server, c.MaxMessageSize = "127.0.0.1", suiteSize
	if a, ok := p.listener.Addr().(*net.TCPAddr); ok {
		c.Port = a.Port
	} else {
		c.Protocol, c.Server = UnixStream, p.listener.Addr().String()
	}
	change(c)
	return c
}

// openPatiently is openTo with a sender that waits much longer for what a server does soon.
func openPatiently(t *testing.T, p *peer, change func(*Config)) (pump.Sender, error) {
	t.Helper()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return patient{conn.(*net.TCPConn)}, nil
	}
	return configFor(p, change).newSender(t.Context(), dial, logger(t))
}

// patient is a connection whose deadlines are not over before the server does something, however busy the machine is.
type patient struct{ *net.TCPConn }

func (p patient) SetDeadline(d time.Time) error     { return p.TCPConn.SetDeadline(later(d)) }
func (p patient) SetReadDeadline(d time.Time) error { return p.TCPConn.SetReadDeadline(later(d)) }

// later puts off what is in the future.
func later(d time.Time) time.Time {
	if time.Until(d) <= 0 {
		return d
	}
	return d.Add(time.Minute)
}

// deliver sends a batch and has it committed.
func deliver(ctx context.Context, s pump.Sender, b pump.Batch) error {
	if err := s.Send(ctx, b); err != nil {
		return err
	}
	return s.(pump.Committer).Commit(ctx)
}

func mustOpen(t *testing.T, p *peer) pump.Sender {
	t.Helper()
	s, err := openTo(t, p, func(*Config) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// large is, with largeSettings, more than the kernel takes for a connection that nobody reads.
func large() pump.Batch { return sendertest.Batch(0, 16) }

// largeSettings make every message large.
func largeSettings(c *Config) { c.Format, c.Logline = Custom, strings.Repeat("x", 1<<20) }

func TestServerThatDoesNotRead(t *testing.T) {
	over := make(chan struct{})
	p := newPeer(t, "tcp", "127.0.0.1:0", nil, func(*peer, net.Conn) { <-over })
	defer close(over)
	s, err := openTo(t, p, largeSettings)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := deliver(ctx, s, large()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// TestServerThatResets: what lies unread in the server's kernel is lost with a reset, and Send says so.
func TestServerThatResets(t *testing.T) {
	p := newPeer(t, "tcp", "127.0.0.1:0", nil, func(p *peer, conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
			t.Error(err)
		}
		conn.(*watched).reset()
	})
	s, err := openTo(t, p, largeSettings)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := deliver(t.Context(), s, large()); !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) {
		t.Errorf("error %v", err)
	}
}

// TestServerThatEndsWithSomethingUnread: its kernel had acknowledged everything. Only the reset tells.
func TestServerThatEndsWithSomethingUnread(t *testing.T) {
	p := newPeer(t, "tcp", "127.0.0.1:0", nil, func(p *peer, conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
			t.Error(err)
		}
	})
	s := mustOpen(t, p)
	if err := s.Send(t.Context(), sendertest.Batch(0, 10)); err != nil {
		t.Fatal(err)
	}
	until(t, "the server has ended", func() bool { return p.count() == 1 && p.conn(0).through(1<<30) })
	if err := s.(pump.Committer).Commit(t.Context()); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("error %v", err)
	}
	if err := s.Send(t.Context(), sendertest.Batch(0, 10)); err != nil {
		t.Fatal(err)
	}
	until(t, "the server has ended again", func() bool { return p.count() == 2 && p.conn(1).through(1<<30) })
	if err := s.Send(t.Context(), sendertest.Batch(10, 10)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("what was not committed is forgotten: %v", err)
	}
}

// TestServerThatWasRestartedWhileIdle: the closed connection is seen before anything is written to it.
func TestServerThatWasRestartedWhileIdle(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "socket")
			}
			p := newPeer(t, network, address, nil, serveLines)
			s := mustOpen(t, p)
			for i := range 5 {
				if err := deliver(t.Context(), s, sendertest.Batch(10*i, 10)); err != nil {
					t.Fatal(err)
				}
				until(t, "the server has read all", func() bool { return len(p.accepted()) == 10*(i+1) })
				p.reset()
			}
			if err := deliver(t.Context(), s, sendertest.Batch(50, 10)); err != nil {
				t.Fatal(err)
			}
			until(t, "the server has read all", func() bool { return len(p.accepted()) == 60 })
		})
	}
}

// TestUnixStreamIsRead: the kernel tells what the server has read, not only what it has got.
func TestUnixStreamIsRead(t *testing.T) {
	read := make(chan struct{})
	p := newPeer(t, "unix", filepath.Join(t.TempDir(), "socket"), nil, func(p *peer, conn net.Conn) {
		<-read
		serveLines(p, conn)
	})
	s := mustOpen(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := deliver(ctx, s, sendertest.Batch(0, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody has read it, and the error is %v", err)
	}
	close(read)
	if err := deliver(t.Context(), s, sendertest.Batch(0, 1)); err != nil {
		t.Error(err)
	}
}

// TestCloseLosesNothing: a client that closes with something unread resets the connection, and what it had sent is lost
// when the server is slow.
func TestCloseLosesNothing(t *testing.T) {
	closed := make(chan struct{})
	ended := make(chan error, 1)
	p := newPeer(t, "tcp", "127.0.0.1:0", nil, func(p *peer, conn net.Conn) {
		if _, err := io.WriteString(conn, "welcome"); err != nil {
			t.Error(err)
		}
		<-closed
		_, err := io.Copy(io.Discard, conn)
		ended <- err
	})
	s, err := openPatiently(t, p, func(*Config) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := deliver(t.Context(), s, sendertest.Batch(0, 1000)); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(100*time.Millisecond, func() { close(closed) }) // Close has to wait for it
	defer timer.Stop()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server could not read to the end: %v", err)
	}
}

func TestTLS(t *testing.T) {
	ca, other := certs.New(t), certs.New(t)
	cert, key := ca.Client(t)
	both := filepath.Join(t.TempDir(), "both.pem")
	var pems []byte
	for _, file := range []string{cert, key} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pems = append(pems, b...)
	}
	if err := os.WriteFile(both, pems, 0o600); err != nil {
		t.Fatal(err)
	}
	strict := func(c *tls.Config) { c.ClientAuth = tls.RequireAndVerifyClientCert }
	for _, test := range []struct {
		name   string
		server func(*tls.Config)
		client func(*Config)
		want   string // in the error; "": none
	}{
		{"verified", func(*tls.Config) {}, func(*Config) {}, ""},
		{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, func(*Config) {}, ""},
		{"TLS 1.1", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }, func(*Config) {}, "protocol version"},
		{"another authority", func(*tls.Config) {}, func(c *Config) { c.CACerts = other.Path("ca.pem") }, "unknown authority"},
		{"system's authorities", func(*tls.Config) {}, func(c *Config) { c.CACerts, c.SSL = "", true }, "unknown authority"},
		{"no file", func(*tls.Config) {}, func(c *Config) { c.CACerts = "/nonexistent/ca.pem" }, "no such file"},
		{"another name", func(*tls.Config) {}, func(c *Config) { c.ServerName = "log.example" }, "log.example"},
		{"any name", func(*tls.Config) {}, func(c *Config) { c.ServerName, c.CheckHostname = "log.example", false }, ""},
		{"any name, another authority", func(*tls.Config) {}, func(c *Config) { c.CACerts, c.CheckHostname = other.Path("ca.pem"), false }, "unknown authority"},
		{"client's certificate", strict, func(c *Config) { c.ClientCert, c.ClientKey = cert, key }, ""},
		{"client's certificate with its key", strict, func(c *Config) { c.ClientCert = both }, ""},
		{"no client's certificate", strict, func(*Config) {}, "certificate required"},
		{"no client's certificate, TLS 1.2", func(c *tls.Config) { strict(c); c.MaxVersion = tls.VersionTLS12 }, func(*Config) {}, "remote error"},
		{"no TLS", nil, func(*Config) {}, "TLS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var config *tls.Config
			serve := serveLines
			if test.server != nil {
				config = ca.Server(t)
				test.server(config)
			} else {
				serve = func(_ *peer, conn net.Conn) { _, _ = io.WriteString(conn, "hello\n") }
			}
			p := newPeer(t, "tcp", "127.0.0.1:0", config, serve)
			open := openTo
			if test.want != "" { // the server says so
				open = openPatiently
			}
			s, err := open(t, p, func(c *Config) { c.CACerts = ca.Path("ca.pem"); test.client(c) })
			switch {
			case err == nil:
				defer s.Close()
				err = deliver(t.Context(), s, sendertest.Batch(0, 10))
				if test.want != "" {
					t.Fatalf("no error, want one with %q", test.want)
				}
				if err != nil {
					t.Fatal(err)
				}
				until(t, "the messages have come", func() bool { return len(p.accepted()) == 10 })
			case test.want == "" || !strings.Contains(err.Error(), test.want):
				t.Errorf("error %v, want one with %q", err, test.want)
			case pump.IsPermanent(err):
				t.Errorf("it may be mended: %v", err)
			}
		})
	}
}

func TestServersThatCannotBeReached(t *testing.T) {
	for _, protocol := range []Protocol{TCP, RELP, Unix, UnixStream} {
		c := DefaultConfig()
		c.Protocol, c.Server, c.Port = protocol, "127.0.0.1", 1
		if protocol.isUnix() {
			c.Server = filepath.Join(t.TempDir(), "nobody")
		}
		_, err := c.Open(t.Context(), "test", logger(t))
		var errno syscall.Errno
		if err == nil || pump.IsPermanent(err) || !errors.As(err, &errno) {
			t.Errorf("%s: error %v", protocol, err)
		}
	}
}

func TestUDP(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig()
	c.Protocol, c.Server, c.Port = UDP, "127.0.0.1", server.LocalAddr().(*net.UDPAddr).Port
	c.MaxMessageSize = maxDatagram + 1
	c.Format, c.Logline = Custom, "%msg%"
	s, err := c.Open(t.Context(), "test", logger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := server.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", `b\nc`, strings.Repeat("x", maxDatagram), strings.Repeat("y", maxDatagram+1)} {
		body := `{"MESSAGE": "` + text + `"}`
		if err := s.Send(t.Context(), sendertest.Batch(0, 1, sendertest.Bodies(func(int) []byte { return []byte(body) }))); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1<<17)
		n, err := server.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(text, `\n`, "\n")
		if got := string(b[:n]); got != want[:min(len(want), maxDatagram)] {
			t.Errorf("%.20q of %d bytes, want %.20q", got, n, want)
		}
	}
	server.Close() // the kernel says that nobody listens any more
	if err := s.Send(t.Context(), sendertest.Batch(0, 3)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
}

// TestDatagramThatIsTooLarge: a UNIX socket has a limit of its own.
func TestDatagramThatIsTooLarge(t *testing.T) {
	c := DefaultConfig()
	c.Protocol, c.MaxMessageSize = Unix, 8<<20
	m := newMailbox(t, *c)
	s, err := m.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Send(t.Context(), sendertest.Batch(0, 3, sendertest.Bodies(func(number int) []byte {
		text := "small"
		if number == 1 {
			text = strings.Repeat("x", 4<<20)
		}
		return []byte(`{"MESSAGE": "` + text + `"}`)
	})))
	var partial *pump.PartialError
	if !errors.As(err, &partial) || len(partial.Errs) != 1 || !errors.Is(partial.Errs[1], pump.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if got := len(m.Accepted()); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
}
