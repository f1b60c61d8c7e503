package kafka

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"journalpump/internal/conf"
	"journalpump/internal/tlsfiles"
	"journalpump/pump"
)

// Mechanism is a way of logging in.
type Mechanism string

// The SASL mechanisms.
const (
	Plain       Mechanism = "PLAIN"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
)

// ConfValues implements conf.Enum.
func (Mechanism) ConfValues() []string {
	return []string{string(Plain), string(ScramSHA256), string(ScramSHA512)}
}

// security is what the sender's own keys and the properties together say.
type security struct {
	tls       bool
	files     tlsfiles.Files
	anyName   bool
	mechanism Mechanism
	username  string
	password  conf.Secret
}

func (c *Config) security() security {
	p := &c.Properties
	list, _ := c.addresses()
	_, inAddress, _ := parseAddresses(list) // Validate has said what is wrong with them
	s := security{
		tls: c.SSL || inAddress || strings.HasSuffix(p.SecurityProtocol, "ssl"),
		files: tlsfiles.Files{
			CA: cmp.Or(c.CA, p.CA), Cert: cmp.Or(c.Certfile, p.Cert), Key: cmp.Or(c.Keyfile, p.Key), Insecure: p.AnyCertificate,
		},
		anyName:   p.AnyName && !p.AnyCertificate,
		mechanism: cmp.Or(c.SASLMechanism, p.Mechanism),
		username:  cmp.Or(c.SASLUsername, p.Username),
		password:  c.SASLPassword,
	}
	if s.password.IsZero() {
		s.password = p.Password
	}
	if s.mechanism == "" && strings.HasPrefix(p.SecurityProtocol, "sasl_") {
		s.mechanism = Plain
	}
	return s
}

// config returns nil when connections are not encrypted.
func (s *security) config() (*tls.Config, error) {
	if !s.tls {
		return nil, nil //nolint:nilnil // no TLS is not an error
	}
	c, err := s.files.Config()
	if err != nil {
		return nil, err
	}
	if s.anyName {
		verifyWithoutName(c)
	}
	return c, nil
}

// verifyWithoutName has the server's certificate verified, but not that it is for the host that was connected to.
func verifyWithoutName(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the broker showed no certificate")
		}
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, cert := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}

// login returns nil when there is none.
func (s *security) login() (sasl.Mechanism, error) {
	switch s.mechanism {
	case "":
		return nil, nil //nolint:nilnil // no SASL is not an error
	case Plain:
		return plain.Mechanism{Username: s.username, Password: s.password.Reveal()}, nil
	case ScramSHA256, ScramSHA512:
		algorithm := scram.SHA256
		if s.mechanism == ScramSHA512 {
			algorithm = scram.SHA512
		}
		m, err := scram.Mechanism(algorithm, s.username, s.password.Reveal())
		if err != nil { // the library's text may hold what it was given
			return nil, pump.Permanent(errors.New("the SASL user name or password has characters that SCRAM does not allow (RFC 4013)"))
		}
		return m, nil
	default:
		return nil, pump.Permanent(fmt.Errorf("SASL mechanism %q is not supported", s.mechanism))
	}
}
