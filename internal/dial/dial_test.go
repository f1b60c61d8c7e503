package dial

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// socks answers one SOCKS5 client (RFC 1928) that wants no authentication, and says what address it asked for.
func socks(t *testing.T) (address string, asked <-chan string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	out := make(chan string, 1)
	go func() {
		defer close(out)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if _, err := io.ReadFull(c, make([]byte, head[1])); err != nil {
			return
		}
		_, _ = c.Write([]byte{5, 0})
		request := make([]byte, 5) // version, connect, reserved, domain name, its length
		if _, err := io.ReadFull(c, request); err != nil || request[3] != 3 {
			return
		}
		rest := make([]byte, int(request[4])+2)
		if _, err := io.ReadFull(c, rest); err != nil {
			return
		}
		_, _ = c.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 80})
		out <- string(rest[:request[4]])
	}()
	return l.Addr().String(), out
}

func TestTheProxyLooksUpNames(t *testing.T) {
	address, asked := socks(t)
	dial, err := New("socks5://" + address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(t.Context(), "tcp", "kafka.invalid:9092")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if host := <-asked; host != "kafka.invalid" {
		t.Errorf("the proxy was asked for %q", host)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, proxy := range []string{"", "127.0.0.1:1"} {
		dial, err := New(proxy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dial(ctx, "tcp", "127.0.0.1:1"); err == nil {
			t.Errorf("proxy %q: connected", proxy)
		}
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:1080":              "127.0.0.1:1080",
		"socks5://proxy":              "proxy:1080",
		"proxy":                       "proxy:1080",
		"socks5h://u:secret@proxy:12": "proxy:12 u secret",
		"socks5://[::1]:1080":         "[::1]:1080",
	} {
		address, auth, err := parse(in)
		if auth != nil {
			address += " " + auth.User + " " + auth.Password
		}
		if err != nil || address != want {
			t.Errorf("%s: got %q, %v", in, address, err)
		}
	}
	for _, in := range []string{"", "http://u:secret@proxy:1", "socks5://", "socks5://u:secret@%zz"} {
		if _, _, err := parse(in); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got error %v", in, err)
		}
	}
}
