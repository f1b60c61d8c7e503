package statsd

import (
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"journalpump/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ pump.Metrics = (*Client)(nil)

// server listens on a port of its own and returns what arrives, a datagram at a time.
func server(t *testing.T) (port int, receive func() string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	receive = func() string {
		t.Helper()
		buf := make([]byte, 1<<16)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("reading a metric: %v", err)
		}
		return string(buf[:n])
	}
	return conn.LocalAddr().(*net.UDPAddr).Port, receive
}

func TestLines(t *testing.T) {
	port, receive := server(t)
	global := map[string]string{"sometag": "somevalue"}
	tests := []struct {
		name   string
		prefix string
		tags   map[string]string
		send   func(*Client)
		want   []string
	}{
		{
			name: "gauge", prefix: "user-", tags: global,
			send: func(c *Client) { c.Gauge("journal.read_lines", 12, map[string]string{"reader": "r"}) },
			want: []string{"user-journal.read_lines,reader=r,sometag=somevalue:12|g"},
		},
		{
			name: "counter", prefix: "user-", tags: global,
			send: func(c *Client) { c.Count("journal.secret_filter_match", 3, nil) },
			want: []string{"user-journal.secret_filter_match,sometag=somevalue:3|c"},
		},
		{
			name: "no tags, no prefix",
			send: func(c *Client) { c.Count("x", 1, nil) },
			want: []string{"x:1|c"},
		},
		{
			name: "a metric's tag wins", tags: global,
			send: func(c *Client) { c.Count("x", 1, map[string]string{"sometag": "other"}) },
			want: []string{"x,sometag=other:1|c"},
		},
		{
			name: "sorted",
			send: func(c *Client) { c.Count("x", 1, map[string]string{"c": "3", "a": "1", "b": "2"}) },
			want: []string{"x,a=1,b=2,c=3:1|c"},
		},
		{
			name: "what would break the line is replaced",
			send: func(c *Client) { c.Count("a b:c|d,e=f", 1, map[string]string{"k =:": "v | \n=,:w\x00"}) },
			want: []string{"a_b_c_d_e_f,k_=v_w_:1|c"},
		},
		{
			name: "tags without name or value are left out", tags: map[string]string{"gone": "x"},
			send: func(c *Client) { c.Count("x", 1, map[string]string{"": "v", "k": "", "gone": ""}) },
			want: []string{"x:1|c"},
		},
		{
			name: "floats have no exponent",
			send: func(c *Client) { c.Gauge("x", 1e21, nil); c.Gauge("x", 0.000000125, nil); c.Gauge("x", 1.5, nil) },
			want: []string{"x:1000000000000000000000|g", "x:0.000000125|g", "x:1.5|g"},
		},
		{
			name: "below zero",
			send: func(c *Client) { c.Gauge("x", -2.5, nil); c.Gauge("x", math.Copysign(0, -1), nil) },
			want: []string{"x:0|g", "x:-2.5|g", "x:0|g"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := New(t.Context(), Config{Host: "127.0.0.1", Port: port, Prefix: tt.prefix, Tags: tt.tags})
			defer func() { _ = c.Close() }()
			tt.send(c)
			for _, want := range tt.want {
				if got := receive(); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if n := c.Dropped(); n != 0 {
				t.Errorf("%d metrics dropped", n)
			}
		})
	}
}

func TestSwitchedOff(t *testing.T) {
	for _, cfg := range []Config{{}, {Host: "localhost"}, {Port: 8125}} {
		c := New(t.Context(), cfg)
		if c != nil {
			t.Fatalf("%+v is not off", cfg)
		}
		c.Count("x", 1, nil)
		c.Gauge("x", 1, nil)
		if err := c.Close(); err != nil || c.Dropped() != 0 {
			t.Errorf("close: %v, dropped %d", err, c.Dropped())
		}
	}
}

func TestDropped(t *testing.T) {
	port, _ := server(t)
	c := New(t.Context(), Config{Host: "127.0.0.1", Port: port})
	c.Gauge("x", math.NaN(), nil)
	c.Gauge("x", math.Inf(1), nil)
	c.Count(strings.Repeat("x", maxDatagramSize), 1, nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c.Count("x", 1, nil)
	if n := c.Dropped(); n != 4 {
		t.Errorf("dropped %d, want 4", n)
	}
}

// A server that went away must not cost the first metric after it came back.
func TestServerRestarts(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := conn.LocalAddr().(*net.UDPAddr)
	c := New(t.Context(), Config{Host: "127.0.0.1", Port: addr.Port})
	defer func() { _ = c.Close() }()
	_ = conn.Close()
	c.Count("lost", 1, nil) // answered by an ICMP error that the next write would return
	if conn, err = net.ListenUDP("udp4", addr); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	c.Count("x", 1, nil)
	buf := make([]byte, 64)
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(buf)
	if err != nil || string(buf[:n]) != "x:1|c" {
		t.Fatalf("got %q, %v", buf[:n], err)
	}
}

func TestLooksUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers [][]netip.Addr // nil: the lookup fails
		lookup := func(context.Context, string, string) ([]netip.Addr, error) {
			if len(answers) == 0 || answers[0] == nil {
				answers = answers[min(1, len(answers)):]
				return nil, errors.New("no such host")
			}
			a := answers[0]
			answers = answers[1:]
			return a, nil
		}
		v4, v6 := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")
		moved := netip.MustParseAddr("127.0.0.2")
		answers = [][]netip.Addr{nil, {v6, v4}, nil, {moved}}

		c := newClient(t.Context(), Config{Host: "statsd.test", Port: 9}, lookup)
		want := []netip.Addr{{}, v4, v4, moved}
		for i, addr := range want {
			synctest.Wait()
			c.socket.mu.RLock()
			got := c.socket.addr.Addr()
			c.socket.mu.RUnlock()
			if got != addr {
				t.Errorf("in minute %d the address is %v, want %v", i, got, addr)
			}
			if i == 0 {
				c.Count("x", 1, nil)
			}
			time.Sleep(lookupInterval) // in synctest's time
		}
		if c.Dropped() != 1 {
			t.Errorf("dropped %d, want the one without an address", c.Dropped())
		}
		_ = c.Close()
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a=b|c:d,e f\ng")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if strings.ContainsAny(got, "|=:, \t\r\n\x00") {
			t.Errorf("clean(%q) = %q", s, got)
		}
	})
}
