package websocket

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func open(t *testing.T, c *Config) pump.Sender {
	t.Helper()
	s, err := c.Open(t.Context(), "ws", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func bodies(texts ...string) pump.Batch {
	return sendertest.Batch(0, len(texts), sendertest.Bodies(func(n int) []byte { return []byte(texts[n]) }))
}

// What goes over the wire is what the original sends, byte by byte.
func TestWireFormat(t *testing.T) {
	entries := []string{`{"a": 1}`, `{"b": 2}`, `{"c": "` + strings.Repeat("x", 40) + `"}`, `{"d": 4}`}
	for name, c := range map[string]struct {
		set     func(*Config)
		headers map[string]string
		want    []string // messages
	}{
		"default": {
			func(*Config) {},
			map[string]string{"Journalpump-Batch-Size": "1048576", "Journalpump-Compression": "snappy"},
			[]string{strings.Join(entries, "\x00")},
		},
		"no compression": {
			func(c *Config) { c.Compression = None },
			map[string]string{"Journalpump-Batch-Size": "1048576", "Journalpump-Compression": ""},
			[]string{strings.Join(entries, "\x00")},
		},
		"full batches": {
			func(c *Config) { c.Compression, c.MaxBatchSize = None, 17 },
			map[string]string{"Journalpump-Batch-Size": "17"},
			[]string{entries[0] + "\x00" + entries[1], entries[2], entries[3]},
		},
		"one byte less": {
			func(c *Config) { c.Compression, c.MaxBatchSize = None, 16 },
			map[string]string{"Journalpump-Batch-Size": "16"},
			entries,
		},
		"no batches": {
			func(c *Config) { c.Compression, c.MaxBatchSize = None, 0 },
			map[string]string{"Journalpump-Batch-Size": ""},
			entries,
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultConfig()
			c.set(config)
			s := newServer(t, config)
			if err := open(t, config).Send(t.Context(), bodies(entries...)); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range s.messages {
				if c.headers["Journalpump-Compression"] == "snappy" {
					if m, _ = snappy.Decode(nil, m); m == nil {
						t.Fatal("not snappy's block format")
					}
				}
				got = append(got, string(m))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			r := s.request()
			for h, want := range c.headers {
				if got := r.Header.Get(h); got != want {
					t.Errorf("%s is %q, want %q", h, got, want)
				}
			}
			if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "journalpump/") || len(agent) < 13 {
				t.Errorf("User-Agent is %q", agent)
			}
			if r.URL.Path != "/logs" || r.Header.Get("Sec-WebSocket-Extensions") != "" {
				t.Errorf("asked for %s, extensions %q", r.URL, r.Header.Get("Sec-WebSocket-Extensions"))
			}
		})
	}
}

func TestDeflateIsOffered(t *testing.T) {
	c := DefaultConfig()
	c.WebsocketCompression = Deflate
	s := newServer(t, c)
	open(t, c)
	if got := s.request().Header.Get("Sec-WebSocket-Extensions"); got != "permessage-deflate" {
		t.Errorf("offered %q", got)
	}
}

// Python's servers may say something; the original reads and ignores it.
func TestWhatTheServerSaysIsIgnored(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c, func(s *server) { s.hello = strings.Repeat("hello ", 1<<19) })
	sender := open(t, c)
	for i := range 3 {
		if err := sender.Send(t.Context(), sendertest.Batch(i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if requests, messages := s.counts(); requests != 1 || messages != 3 {
		t.Errorf("%d connections, %d messages", requests, messages)
	}
}

// A connection that ended while there was nothing to send is no reason for an error.
func TestIdleConnectionIsMadeAnew(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c)
	opened := open(t, c)
	for i := range 3 {
		if err := opened.Send(t.Context(), sendertest.Batch(i, 1)); err != nil {
			t.Fatal(err)
		}
		if err := opened.(pump.Committer).Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.drop()
		<-opened.(*sender).link.done
	}
	if requests, messages := s.counts(); requests != 3 || messages != 3 {
		t.Errorf("%d connections, %d messages", requests, messages)
	}
}

// A server that died had read more than its application had seen.
func TestWhatWasNotCommittedIsSentAgainWhenTheConnectionBreaks(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c)
	opened := open(t, c).(*sender)
	for name, call := range map[string]func() error{
		"Commit": func() error { return opened.Commit(t.Context()) },
		"Send":   func() error { return opened.Send(t.Context(), sendertest.Batch(1, 1)) },
	} {
		if err := opened.Send(t.Context(), sendertest.Batch(0, 1)); err != nil {
			t.Fatal(err)
		}
		s.drop()
		<-opened.link.done
		if err := call(); err == nil || !strings.Contains(err.Error(), "committed") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// A server that vanished without a word is noticed between batches.
func TestKeepAlive(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c)
	opened := open(t, c)
	s.Script(sendertest.Hang)
	l := opened.(*sender).link
	if err := l.ws.Write(t.Context(), 2, []byte("x")); err != nil {
		t.Fatal(err)
	}
	l.wg.Go(func() { l.keepAlive(t.Context(), 20*time.Millisecond) })
	select {
	case <-l.done:
	case <-time.After(10 * time.Second): //nolint:forbidigo // how long the test waits at most
		t.Fatal("the dead connection is not noticed")
	}
}

func TestRefusedHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		least  time.Duration
	}{
		"credentials":  {401, "", 0},
		"busy":         {503, "7", 7 * time.Second},
		"too many":     {429, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 59 * time.Minute},
		"no time":      {503, "soon", 0},
		"no websocket": {200, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
			}))
			defer h.Close()
			config := DefaultConfig()
			config.URI = conf.NewSecret("ws://user:hunter2@" + h.Listener.Addr().String() + "/?token=hunter2")
			_, err := config.Open(t.Context(), "ws", testLog(t))
			if err == nil || pump.IsPermanent(err) || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("got error %v", err)
			}
			if !strings.Contains(err.Error(), fmt.Sprint(c.status)) {
				t.Errorf("the error does not say what the server said: %v", err)
			}
			if got := pump.RetryDelay(err); got < c.least || got > c.least+time.Minute {
				t.Errorf("wait %v, want %v", got, c.least)
			}
		})
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	for _, uri := range []string{
		"ws://user:hunter2@127.0.0.1:1/?hunter2", "wss://user:hunter2@127.0.0.1:1/hunter2", "ws://user:hunter2@%zz/", "http://hunter2",
	} {
		c := DefaultConfig()
		c.URI = conf.NewSecret(uri)
		if _, err := c.Open(t.Context(), "ws", testLog(t)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got error %v", uri, err)
		}
	}
}

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "crt"), filepath.Join(t.TempDir(), "key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// All that can be between us and the server at once: its certificate, ours, a proxy, a password, compression twice.
func TestClientCertificateThroughProxy(t *testing.T) {
	serverCert, serverKey := certificate(t, "server")
	clientCert, clientKey := certificate(t, "client")
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	pem, err := os.ReadFile(clientCert)
	if err != nil || !trusted.AppendCertsFromPEM(pem) {
		t.Fatal(err)
	}
	c := DefaultConfig()
	s := newServer(t, c, func(s *server) {
		s.http.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted, MinVersion: tls.VersionTLS12}
	})
	proxy, through := socks5(t)
	c.CA, c.Cert, c.Key, c.SSL = serverCert, clientCert, clientKey, true
	c.SOCKS5Proxy = conf.NewSecret("socks5://" + proxy)
	c.WebsocketCompression = Deflate
	c.URI = conf.NewSecret(strings.Replace(c.URI.Reveal(), "://", "://user:secret@", 1))
	sender := open(t, c)
	b := sendertest.Batch(0, 1000)
	if err := sender.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	got := s.Accepted()
	for i := range b.Records {
		if !bytes.Equal(b.Records[i].Body, got[i]) {
			t.Fatalf("record %d is %s", i, got[i])
		}
	}
	r := s.request()
	if name := r.TLS.PeerCertificates[0].Subject.CommonName; name != "client" {
		t.Errorf("the certificate of %q was shown", name)
	}
	if user, password, ok := r.BasicAuth(); !ok || user != "user" || password != "secret" {
		t.Errorf("user %q, %t", user, ok)
	}
	if n := through(); n != 1 {
		t.Errorf("%d connections through the proxy", n)
	}

	c.Cert, c.Key = "", ""
	if _, err := c.Open(t.Context(), "ws", testLog(t)); err == nil || !strings.Contains(err.Error(), "certificate") || pump.IsPermanent(err) {
		t.Errorf("without a certificate: %v", err)
	}
	c.CA = clientCert
	if _, err := c.Open(t.Context(), "ws", testLog(t)); err == nil || !strings.Contains(err.Error(), "certificate") || pump.IsPermanent(err) {
		t.Errorf("with another CA: %v", err)
	}
	c.CA = "/nonexistent"
	if _, err := c.Open(t.Context(), "ws", testLog(t)); err == nil || !strings.Contains(err.Error(), "/nonexistent") || pump.IsPermanent(err) {
		t.Errorf("without a CA: %v", err)
	}
}

// socks5 is a proxy without authentication (RFC 1928); through returns how many connections it made.
func socks5(t *testing.T) (address string, through func() int) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
			wg.Go(func() { proxyOne(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func proxyOne(c net.Conn) {
	defer c.Close()
	head := make([]byte, 3+4+4+2) // greeting with one method; request for an IPv4 address
	if _, err := io.ReadFull(c, head[:3]); err != nil {
		return
	}
	_, _ = c.Write([]byte{5, 0})
	if _, err := io.ReadFull(c, head[3:]); err != nil || head[6] != 1 {
		return
	}
	to, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: head[7:11], Port: int(head[11])<<8 | int(head[12])})
	if err != nil {
		return
	}
	defer to.Close()
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(to, c)
		_ = to.CloseWrite()
	})
	_, _ = io.Copy(c, to)
	_ = c.Close()
	wg.Wait()
}

func TestValidate(t *testing.T) {
	for src, want := range map[string]string{
		`{}`:                          `f:1:1: websocket_uri: is required: the address of the server, such as wss://logs.example.org/journal`,
		`{"websocket_uri": "ws://h"}`: ``,
		`{"websocket_uri": "wss://h:1/p?q", "ssl": true, "ca": "c"}`:        ``,
		`{"websocket_uri": "wss://h", "max_batch_size": "2MiB"}`:            ``,
		`{"websocket_uri": "https://hunter2"}`:                              `f:1:19: websocket_uri: must be ws://HOST[:PORT]/PATH or wss://HOST[:PORT]/PATH`,
		`{"websocket_uri": "wss://"}`:                                       `f:1:19: websocket_uri: must be ws://HOST[:PORT]/PATH or wss://HOST[:PORT]/PATH`,
		`{"websocket_uri": "ws://h", "ssl": true}`:                          `f:1:19: websocket_uri: must begin with wss:// when ssl is true`,
		`{"websocket_uri": "ws://h", "ca": "c"}`:                            `f:1:19: warning: websocket_uri: begins with ws://, which uses no certificates: write wss:// to have TLS`,
		`{"websocket_uri": "wss://h", "ssl": false}`:                        `f:1:37: warning: ssl: has no effect: wss:// always means TLS`,
		`{"websocket_uri": "wss://h", "certfile": "c"}`:                     `f:1:42: certfile: a certificate needs its key, and a key its certificate`,
		`{"websocket_uri": "wss://h", "socks5_proxy": "http://u:hunter2@"}`: `f:1:46: socks5_proxy: socks5_proxy must be socks5://[USER:PASSWORD@]HOST:PORT`,
		`{"websocket_uri": "wss://h", "compression": "gzip"}`:               `f:1:45: compression: "gzip" is not one of "snappy", "none"`,
	} {
		o, report := conf.Parse("f", []byte(src))
		c := DefaultConfig()
		if o.Decode(c) {
			c.Validate(o)
		}
		var got []string
		for _, p := range report.Problems() {
			got = append(got, p.String())
		}
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, text, want)
		}
	}
}

func TestLimitsLeaveRoomForTheNULs(t *testing.T) {
	for size, want := range map[conf.Size]int{0: 1<<20 - 1<<14, 1 << 20: 1<<20 - 1<<14, 1: 1, 6400: 6300} {
		c := DefaultConfig()
		c.MaxBatchSize = size
		if got := c.Limits(); got.Bytes != want || got.Age != time.Second {
			t.Errorf("%v: got %+v", size, got)
		}
	}
}

// Our own share of the work: what the network and the protocol cost is left out.
func BenchmarkPack(b *testing.B) {
	p := &packer{limit: defaultBatchSize, snappy: true}
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	b.SetBytes(int64(batch.Bytes))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.pack(batch.Records, func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// Against a server in the same process, which takes its share of the CPU.
func BenchmarkSend(b *testing.B) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow() //nolint:errcheck // it may be closed
		ws.SetReadLimit(-1)
		for {
			_, m, err := ws.Reader(context.WithoutCancel(r.Context()))
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, m); err != nil {
				return
			}
		}
	}))
	defer h.Close()
	c := DefaultConfig()
	c.URI = conf.NewSecret("ws" + strings.TrimPrefix(h.URL, "http"))
	s, err := c.Open(b.Context(), "ws", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
}
