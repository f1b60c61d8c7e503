// Package statsd sends the engine's measurements to a statsd server that takes telegraf's tags:
//
//	PREFIXmetric,tag=value,tag=value:12|g
//
// See https://github.com/influxdata/telegraf/tree/master/plugins/inputs/statsd, "Influx Statsd".
package statsd

import (
	"context"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/cactus/go-statsd-client/v5/statsd"
)

// Config is the "statsd" section of the configuration.
type Config struct {
	Host   string // name or address; "" switches metrics off
	Port   int    // 0 switches metrics off
	Prefix string // put before every metric's name as it is, without a dot between
	Tags   map[string]string
}

// Client implements pump.Metrics. A nil *Client is one that is switched off. Its methods never block and never fail;
// what could not be sent is counted, see Dropped. They may be called concurrently.
type Client struct {
	cactus  statsd.ExtendedStatSender
	socket  *socket
	prefix  string
	tags    map[string]string
	dropped atomic.Int64
}

// New returns a client, or nil when host or port is missing. A host name is looked up now, for a second at most, and
// again every minute until Close; while it has no address, metrics are dropped.
func New(ctx context.Context, cfg Config) *Client {
	if cfg.Host == "" || cfg.Port == 0 {
		return nil
	}
	return newClient(ctx, cfg, net.DefaultResolver.LookupNetIP)
}

type lookupFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

func newClient(ctx context.Context, cfg Config, lookup lookupFunc) *Client {
	c := &Client{
		socket: newSocket(ctx, cfg.Host, cfg.Port, lookup),
		prefix: cfg.Prefix,
		tags:   maps.Clone(cfg.Tags),
	}
	// The prefix is not given to cactus, which would join it with a dot. It refuses only a nil sender and an unknown
	// tag format; and its client has GaugeFloat, which its constructor's return type does not show.
	statter, err := statsd.NewClientWithSender(c.socket, "", statsd.InfixComma)
	extended, ok := statter.(statsd.ExtendedStatSender)
	if err != nil || !ok {
		_ = c.socket.Close()
		return nil
	}
	c.cactus = extended
	return c
}

// Count adds n to a counter.
func (c *Client) Count(name string, n int64, tags map[string]string) {
	if c == nil {
		return
	}
	c.note(c.cactus.Inc(c.name(name), n, 1, c.merge(tags)...))
}

// Gauge sets a gauge. To set one below zero it has to be set to zero first: statsd takes a gauge with a sign for a change.
// NaN and infinities are dropped.
func (c *Client) Gauge(name string, value float64, tags map[string]string) {
	if c == nil {
		return
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		c.dropped.Add(1)
		return
	}
	name, merged := c.name(name), c.merge(tags)
	if math.Signbit(value) {
		c.note(c.cactus.Gauge(name, 0, 1, merged...))
		if value == 0 { // -0 would be printed with its sign
			return
		}
	}
	c.note(c.cactus.GaugeFloat(name, value, 1, merged...))
}

// Dropped returns how many metrics could not be sent since the client was made: no address, the socket's buffer full,
// the server unreachable, or no number.
func (c *Client) Dropped() int64 {
	if c == nil {
		return 0
	}
	return c.dropped.Load()
}

// Close stops looking up the host and closes the socket. Metrics that come later are dropped.
func (c *Client) Close() error {
	if c == nil {
		return nil
	}
	return c.socket.Close()
}

func (c *Client) note(err error) {
	if err != nil {
		c.dropped.Add(1)
	}
}

func (c *Client) name(name string) string { return clean(c.prefix + name) }

// merge returns the client's tags with those of the metric on top, sorted by name. Callers sanitise their tags by
// rules of their own; here only what would break the line is replaced, and a tag without a name or a value is left
// out: telegraf refuses those.
func (c *Client) merge(tags map[string]string) []statsd.Tag {
	all := make(map[string]string, len(c.tags)+len(tags))
	for _, m := range []map[string]string{c.tags, tags} {
		for name, value := range m {
			name = clean(name)
			if value = clean(value); name == "" || value == "" {
				delete(all, name)
				continue
			}
			all[name] = value
		}
	}
	merged := make([]statsd.Tag, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		merged = append(merged, statsd.Tag{name, all[name]})
	}
	return merged
}

// clean replaces each run of characters that mean something in the line protocol by "_".
func clean(s string) string {
	if strings.IndexFunc(s, special) < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	replaced := false
	for _, r := range s {
		if !special(r) {
			b.WriteRune(r)
			replaced = false
			continue
		}
		if !replaced {
			b.WriteByte('_')
			replaced = true
		}
	}
	return b.String()
}

func special(r rune) bool {
	return strings.ContainsRune("|=:,", r) || unicode.IsSpace(r) || unicode.IsControl(r)
}

// address is where a metric goes, for error texts.
func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
