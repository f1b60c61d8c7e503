package tlsfiles

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/certs"
)

// serve accepts one TLS connection and says whose certificate the client showed.
func serve(t *testing.T, cert, key string) (address string, shown <-chan string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12})
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
		_, _ = io.ReadAll(c)
		if tc, ok := c.(*tls.Conn); ok && len(tc.ConnectionState().PeerCertificates) > 0 {
			out <- tc.ConnectionState().PeerCertificates[0].Subject.CommonName
		}
	}()
	return l.Addr().String(), out
}

func dial(t *testing.T, address string, c *tls.Config) error {
	t.Helper()
	conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestServerIsVerified(t *testing.T) {
	cert, key := certs.SelfSigned(t, "server", "127.0.0.1")
	other, _ := certs.SelfSigned(t, "other", "127.0.0.1")
	for name, c := range map[string]struct {
		files Files
		ok    bool
	}{
		"its CA":      {Files{CA: cert}, true},
		"another CA":  {Files{CA: other}, false},
		"the system":  {Files{}, false},
		"no checking": {Files{Insecure: true}, true},
	} {
		address, _ := serve(t, cert, key)
		config, err := c.files.Config()
		if err != nil {
			t.Fatal(err)
		}
		if err := dial(t, address, config); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARenewedCertificateIsUsed(t *testing.T) {
	cert, key := certs.SelfSigned(t, "server", "127.0.0.1")
	mine, myKey := certs.SelfSigned(t, "old", "127.0.0.1")
	config, err := Files{CA: cert, Cert: mine, Key: myKey}.Config()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"old", "new"} {
		address, shown := serve(t, cert, key)
		if err := dial(t, address, config); err != nil {
			t.Fatal(err)
		}
		if got := <-shown; got != want {
			t.Errorf("the server saw %q, want %q", got, want)
		}
		renewed, renewedKey := certs.SelfSigned(t, "new", "127.0.0.1")
		for from, to := range map[string]string{renewed: mine, renewedKey: myKey} {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	cert, key := certs.SelfSigned(t, "a", "127.0.0.1")
	_, otherKey := certs.SelfSigned(t, "b", "127.0.0.1")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]Files{
		"no such file or directory": {CA: "/nonexistent"},
		"no certificate in":         {CA: empty},
		"does not match":            {Cert: cert, Key: otherKey},
		"failed to find any PEM":    {Cert: empty, Key: key},
	} {
		if _, err := f.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got error %v, want %q", f, err, want)
		}
	}
	if _, err := (Files{Cert: cert}).Config(); !errors.Is(err, ErrHalf) {
		t.Errorf("got error %v", err)
	}
}

func TestAServerShowsARenewedCertificate(t *testing.T) {
	cert, key := certs.SelfSigned(t, "old", "127.0.0.1")
	config, err := Files{Cert: cert, Key: key}.ServerConfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"old", "new"} {
		shown, err := config.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		if got := shown.Leaf.Subject.CommonName; got != want {
			t.Errorf("it shows %q, want %q", got, want)
		}
		renewed, renewedKey := certs.SelfSigned(t, "new", "127.0.0.1")
		for from, to := range map[string]string{renewed: cert, renewedKey: key} {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := (Files{Cert: cert}).ServerConfig(); !errors.Is(err, ErrHalf) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := (Files{Cert: "/nonexistent", Key: key}).ServerConfig(); err == nil {
		t.Error("a certificate that is not there is taken")
	}
}
