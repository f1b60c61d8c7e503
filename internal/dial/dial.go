// Package dial connects, through a SOCKS5 proxy where one is configured.
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// Func connects as net.Dialer.DialContext does.
type Func func(ctx context.Context, network, address string) (net.Conn, error)

const (
	timeout   = 10 * time.Second // for a connection to be made
	keepAlive = 15 * time.Second // so that a peer that vanished is noticed within a minute or so
)

var errNoContext = errors.New("the proxy's dialer takes no context")

// New returns what connects directly, or through the proxy: "socks5://[USER:PASSWORD@]HOST:PORT", also with socks5h, or just
// HOST:PORT. Names are looked up by the proxy. Errors never hold the password.
func New(socks5 string) (Func, error) {
	direct := &net.Dialer{Timeout: timeout, KeepAlive: keepAlive}
	if socks5 == "" {
		return direct.DialContext, nil
	}
	address, auth, err := parse(socks5)
	if err != nil {
		return nil, err
	}
	d, err := proxy.SOCKS5("tcp", address, auth, direct)
	if err != nil {
		return nil, fmt.Errorf("using the SOCKS5 proxy %s: %w", address, err)
	}
	c, ok := d.(proxy.ContextDialer)
	if !ok {
		return nil, errNoContext
	}
	return c.DialContext, nil
}

func parse(socks5 string) (address string, auth *proxy.Auth, err error) {
	if !strings.Contains(socks5, "://") {
		socks5 = "socks5://" + socks5
	}
	u, err := url.Parse(socks5)
	if err != nil || (u.Scheme != "socks5" && u.Scheme != "socks5h") || u.Hostname() == "" {
		return "", nil, errors.New("socks5_proxy must be socks5://[USER:PASSWORD@]HOST:PORT")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "1080")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	return u.Host, auth, nil
}
