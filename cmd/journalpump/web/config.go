package web

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"journalpump/internal/conf"
	"journalpump/internal/tlsfiles"
)

// Config is the setting `listen`: an address alone, or an object.
type Config struct {
	// Host and port, such as "127.0.0.1:9099"; required. Any other host than 127.0.0.1, [::1] or localhost needs token, or
	// certfile and keyfile. Port 0 is any that is free; it is logged.
	Address string `json:"address"`
	// What whoever asks must give, as "Authorization: Bearer TOKEN" or as the password of any user; 16 characters or more.
	// /healthz and /readyz answer without it, the latter without reasons.
	Token conf.Secret `json:"token"`
	// PEM file of a certificate: with it, it is HTTPS. It is read again for each connection, so a renewed one is used at once.
	Cert string `json:"certfile"`
	// PEM file of the certificate's key.
	Key string `json:"keyfile"`
	// Also serve Go's profiles of the process under /debug/pprof/. Needs a token beyond loopback.
	Pprof bool `json:"pprof"`
}

// leastToken is the shortest token, in bytes: it is all there is between the network and what we know, and can be tried out.
const leastToken = 16

const wantAddress = `must be an address such as "127.0.0.1:9099"`

// DecodeConf implements conf.Decoder.
func (c *Config) DecodeConf(v conf.Value) error {
	if text, ok := v.Text(); ok {
		*c = Config{Address: text}
		return nil
	}
	o, ok := v.Object()
	if !ok {
		return fmt.Errorf(wantAddress+" or an object, not %s", v.Kind())
	}
	type keys Config // without this method
	o.Decode((*keys)(c))
	return nil
}

// Validate reports what is wrong with the value of the key of o.
func (c *Config) Validate(o *conf.Object, key string) {
	in, isObject := o.Object(key)
	if !isObject {
		in = o
	} else {
		key = "address"
	}
	if isObject && c.Address == "" {
		in.Errorf(key, "is missing; it %s", wantAddress)
		return
	}
	if err := checkAddress(c.Address); err != nil {
		in.Errorf(key, "%v", err)
		return
	}
	if isObject {
		c.validateObject(in)
	}
	if !c.loopback() && c.Token.IsZero() && c.Cert == "" {
		in.Errorf(key, "%s can be reached from elsewhere, which needs a token or TLS: give an object with token, or with certfile and keyfile; "+
			"without them the address must be 127.0.0.1, [::1] or localhost", c.Address)
	}
}

func (c *Config) validateObject(o *conf.Object) {
	switch n := len(c.Token.Reveal()); {
	case n == 0 && o.Has("token") && !o.Get("token").IsNull():
		o.Errorf("token", "is empty")
	case n > 0 && n < leastToken:
		o.Errorf("token", "must have at least %d characters", leastToken)
	}
	if (c.Cert == "") != (c.Key == "") {
		o.Errorf("", "%v", tlsfiles.ErrHalf)
	}
	if c.loopback() {
		return
	}
	switch {
	case c.Pprof && c.Token.IsZero():
		o.Errorf("pprof", "needs a token where others can reach it: profiles tell much of the program, and taking them costs it CPU")
	case !c.Token.IsZero() && c.Cert == "":
		o.Warnf("token", "goes over the network readable for all; better give certfile and keyfile, too")
	}
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s, not %q", wantAddress, address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("the port must be a number up to 65535, not %q", port)
	} else if n == 0 && host == "" {
		return fmt.Errorf("%s, not %q", wantAddress, address)
	}
	return nil
}

// loopback reports whether only this machine can reach the address.
func (c *Config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Address)
	return err == nil && isLoopback(host)
}

// isLoopback reports whether a host is this machine by whatever name cannot be made another's by DNS.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
