// Package tlsfiles makes TLS settings of the files that a configuration names.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Files are PEM files. Cert and Key go together.
type Files struct {
	CA   string // certificates to trust, instead of the system's; "": the system's
	Cert string // what to show to a server that asks for a certificate; "": nothing
	Key  string
	// Insecure accepts any certificate of the server.
	Insecure bool
}

// ErrHalf says that only one of certificate and key was given.
var ErrHalf = errors.New("a certificate needs its key, and a key its certificate")

// Config reads the files. The client's certificate is read again at each handshake, so one that was renewed is used from
// then on. ServerName is left to the caller, who knows the address.
func (f Files) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.Insecure} //nolint:gosec // only where the configuration asks for it by name
	if (f.Cert == "") != (f.Key == "") {
		return nil, ErrHalf
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates to trust: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the certificates to trust: no certificate in %s", f.CA)
		}
	}
	if f.Cert == "" {
		return c, nil
	}
	if _, err := f.certificate(); err != nil {
		return nil, err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.certificate() }
	return c, nil
}

func (f Files) certificate() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the client's certificate: %w", err)
	}
	return &cert, nil
}

// ServerConfig reads the files for a server that shows Cert. They are read again at each handshake, likewise.
func (f Files) ServerConfig() (*tls.Config, error) {
	if f.Cert == "" || f.Key == "" {
		return nil, ErrHalf
	}
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the server's certificate: %w", err)
		}
		return &cert, nil
	}
	if _, err := get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get}, nil
}
