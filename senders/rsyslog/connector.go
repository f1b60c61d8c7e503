package rsyslog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"journalpump/internal/dial"
)

// connector connects to the server.
type connector struct {
	config *Config
	dial   dial.Func
}

// handshakeLimit bounds a TLS handshake, and that of RELP.
const handshakeLimit = 10 * time.Second

// connect returns a new connection.
func (c *connector) connect(ctx context.Context) (*link, error) {
	network, address := string(c.config.Protocol), c.config.address()
	switch c.config.Protocol {
	case Unix:
		network, address = "unixgram", c.config.Server
	case UnixStream:
		network, address = "unix", c.config.Server
	case RELP:
		network = "tcp"
	case TCP, UDP:
	}
	raw, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err // names the address
	}
	l, err := newLink(raw)
	if err == nil && c.config.tls() {
		err = c.handshake(ctx, l)
	}
	if err != nil {
		_ = raw.Close() // it was not used
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return l, nil
}

func (c *connector) handshake(ctx context.Context, l *link) error {
	config, err := c.tls()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	t := tls.Client(l.raw, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	l.Conn = t
	return nil
}

// tls reads the files, which may have changed.
func (c *connector) tls() (*tls.Config, error) {
	config, err := c.config.files().Config()
	if err != nil {
		return nil, err
	}
	config.ServerName = c.config.ServerName
	if config.ServerName == "" {
		config.ServerName = strings.Trim(c.config.Server, "[]")
	}
	if !c.config.CheckHostname {
		config.InsecureSkipVerify = true // verify does it, but for the name
		config.VerifyConnection = func(s tls.ConnectionState) error { return verify(s, config.RootCAs) }
	}
	return config, nil
}

var errNoCertificate = errors.New("the server has shown no certificate")

// verify checks the server's certificates, whatever name they are for.
func verify(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errNoCertificate
	}
	between := x509.NewCertPool()
	for _, cert := range s.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
