package websocket

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
	"journalpump/test/certs"
)

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

// All that can be between us and the server at once: its certificate, ours, a proxy, a password, compression twice.
func TestClientCertificateThroughProxy(t *testing.T) {
	serverCert, serverKey := certs.SelfSigned(t, "server", "127.0.0.1")
	clientCert, clientKey := certs.SelfSigned(t, "client", "127.0.0.1")
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
