package kafka

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

const defaultPort = "9092"

var errNoAddress = errors.New("must name at least one broker")

// parseAddresses returns host:port of each broker. A list may hold texts with commas. What stands before "://" is a
// security protocol, as in Java's clients, or a listener's name; tls says that one of them asks for TLS.
func parseAddresses(list []string) (addresses []string, tls bool, err error) {
	for _, text := range list {
		for a := range strings.SplitSeq(text, ",") {
			a = strings.TrimSpace(a)
			if a == "" {
				continue
			}
			if protocol, rest, found := strings.Cut(a, "://"); found {
				if p := strings.ToLower(protocol); p == "http" || p == "https" {
					return nil, false, fmt.Errorf("%q is the address of a web server; a broker's is host:port", a)
				}
				a = rest
				tls = tls || strings.HasSuffix(strings.ToLower(protocol), "ssl")
			}
			address, err := parseAddress(a)
			if err != nil {
				return nil, false, err
			}
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 {
		return nil, false, errNoAddress
	}
	return addresses, tls, nil
}

// parseAddress completes HOST, HOST:PORT, IPV6, [IPV6] or [IPV6]:PORT.
func parseAddress(a string) (string, error) {
	if net.ParseIP(a) != nil && strings.Contains(a, ":") {
		return net.JoinHostPort(a, defaultPort), nil
	}
	if inner, ok := strings.CutPrefix(a, "["); ok && strings.HasSuffix(inner, "]") {
		return net.JoinHostPort(strings.TrimSuffix(inner, "]"), defaultPort), nil
	}
	if !strings.Contains(a, ":") {
		return net.JoinHostPort(a, defaultPort), nil
	}
	host, port, err := net.SplitHostPort(a)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port", a)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ ") {
		return "", fmt.Errorf("%q is not host:port", a)
	}
	return net.JoinHostPort(host, port), nil
}
