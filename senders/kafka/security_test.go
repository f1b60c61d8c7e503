package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
	"journalpump/test/certs"
)

// serverTLS has a broker show a certificate and want one of a client.
func serverTLS(t *testing.T, cert, key, clients string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients != "" {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		text, err := os.ReadFile(clients)
		if err != nil || !c.ClientCAs.AppendCertsFromPEM(text) {
			t.Fatalf("no certificate: %v", err)
		}
	}
	return c
}

func TestTLS(t *testing.T) {
	cert, key := certs.SelfSigned(t, "127.0.0.1", "127.0.0.1")
	other, otherKey := certs.SelfSigned(t, "kafka.example", "kafka.example")
	mine, myKey := certs.SelfSigned(t, "client", "client")
	plainly := func(c *Config) { c.SSL, c.CA = true, cert }
	for name, test := range map[string]struct {
		broker *tls.Config
		change func(*Config)
		want   string // the error
	}{
		"trusted":             {serverTLS(t, cert, key, ""), plainly, ""},
		"by the address":      {serverTLS(t, cert, key, ""), func(c *Config) { c.Address, c.CA = []string{"ssl://" + c.Address[0]}, cert }, ""},
		"by a property":       {serverTLS(t, cert, key, ""), func(c *Config) { c.Properties.SecurityProtocol, c.Properties.CA = "ssl", cert }, ""},
		"client certificate":  {serverTLS(t, cert, key, mine), func(c *Config) { plainly(c); c.Certfile, c.Keyfile = mine, myKey }, ""},
		"none shown":          {serverTLS(t, cert, key, mine), plainly, "certificate required"},
		"not trusted":         {serverTLS(t, cert, key, ""), func(c *Config) { c.SSL, c.CA = true, other }, "certificate signed by unknown authority"},
		"not verified":        {serverTLS(t, cert, key, ""), func(c *Config) { c.SSL, c.Properties.AnyCertificate = true, true }, ""},
		"another name":        {serverTLS(t, other, otherKey, ""), func(c *Config) { c.SSL, c.CA = true, other }, "cannot validate certificate for 127.0.0.1"},
		"any name":            {serverTLS(t, other, otherKey, ""), func(c *Config) { c.SSL, c.CA, c.Properties.AnyName = true, other, true }, ""},
		"any name, untrusted": {serverTLS(t, other, otherKey, ""), func(c *Config) { c.SSL, c.CA, c.Properties.AnyName = true, cert, true }, "signed by unknown authority"},
		"no such file":        {serverTLS(t, cert, key, ""), func(c *Config) { c.SSL, c.CA = true, "/no/such/file" }, "no such file"},
		"TLS is off":          {serverTLS(t, cert, key, ""), func(*Config) {}, "the port may be one that wants TLS (ssl)"},
		"TLS to a plain port": {nil, plainly, "first record does not look like a TLS handshake|the port may be one without TLS|did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			var opts []kfake.Opt
			if test.broker != nil {
				opts = append(opts, kfake.TLS(test.broker))
			}
			c := newCluster(t, 1, opts...)
			cfg := configFor(c)
			cfg.Properties.DialTimeout = 2 * time.Second
			test.change(cfg)
			s, err := cfg.Open(t.Context(), "test", testLog(t))
			if err == nil {
				defer s.Close()
				err = s.Send(t.Context(), sendertest.Batch(0, 10))
			}
			checkError(t, err, test.want)
		})
	}
}

// checkError checks that an error has one of the texts of want in it, or that there is none, and that it is no permanent one.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil {
		t.Errorf("no error, want %q", want)
		return
	}
	found := false
	for w := range strings.SplitSeq(want, "|") {
		found = found || strings.Contains(err.Error(), w)
	}
	if !found || pump.IsPermanent(err) || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestSASL(t *testing.T) {
	const refused = "the broker refused the user name or password|mostly means a wrong user name"
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"PLAIN":          {func(c *Config) { c.SASLMechanism = Plain }, ""},
		"SCRAM-SHA-256":  {func(c *Config) { c.SASLMechanism = ScramSHA256 }, ""},
		"SCRAM-SHA-512":  {func(c *Config) { c.SASLMechanism = ScramSHA512 }, ""},
		"a property":     {func(c *Config) { c.Properties.SecurityProtocol = "sasl_plaintext" }, ""},
		"wrong password": {func(c *Config) { c.SASLMechanism, c.SASLPassword = Plain, conf.NewSecret("hushhush") }, refused},
		"wrong, SHA-256": {func(c *Config) { c.SASLMechanism, c.SASLPassword = ScramSHA256, conf.NewSecret("hushhush") }, refused},
		"wrong, SHA-512": {func(c *Config) { c.SASLMechanism, c.SASLPassword = ScramSHA512, conf.NewSecret("hushhush") }, refused},
		"nobody":         {func(c *Config) { c.SASLMechanism, c.SASLUsername = ScramSHA256, "nobody" }, refused},
		"no login":       {func(*Config) {}, "one that wants TLS (ssl) or SASL|SASL"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", "hush"), kfake.Superuser("SCRAM-SHA-256", "me", "hush"),
				kfake.Superuser("SCRAM-SHA-512", "me", "hush"))
			cfg := configFor(c)
			cfg.SASLUsername, cfg.SASLPassword = "me", conf.NewSecret("hush")
			cfg.Properties.DialTimeout = 2 * time.Second
			test.change(cfg)
			s, err := cfg.Open(t.Context(), "test", testLog(t))
			if err == nil {
				defer s.Close()
				err = s.Send(t.Context(), sendertest.Batch(0, 10))
			}
			checkError(t, err, test.want)
		})
	}
}

func TestPasswordThatSCRAMCannotTake(t *testing.T) {
	cfg := configFor(newCluster(t, 1))
	cfg.SASLMechanism, cfg.SASLUsername, cfg.SASLPassword = ScramSHA256, "me", conf.NewSecret("hush\u0007")
	_, err := cfg.Open(t.Context(), "test", testLog(t))
	if !pump.IsPermanent(err) || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}

func TestProxyThatIsNotThere(t *testing.T) {
	cfg := configFor(newCluster(t, 1))
	cfg.Socks5Proxy = conf.NewSecret("socks5://me:hush@127.0.0.1:1")
	_, err := cfg.Open(t.Context(), "test", testLog(t))
	checkError(t, err, "connection refused")
}
