package websocket

import (
	"strings"
	"testing"
	"time"

	"journalpump/internal/conf"
)

func TestValidate(t *testing.T) {
	for src, want := range map[string]string{
		`{}`:                          `f:1:1: websocket_uri: is required: the address of the server, such as wss://logs.example.org/journal`,
		`{"websocket_uri": "ws://h"}`: ``,
		`{"websocket_uri": "wss://h:1/p?q", "ssl": true, "ca": "c"}`:        ``,
		`{"websocket_uri": "wss://h", "max_batch_size": "2MiB"}`:            ``,
		`{"websocket_uri": "https://hunter2"}`:                              `f:1:19: websocket_uri: must be ws://HOST[:PORT]/PATH or wss://HOST[:PORT]/PATH`,
		`{"websocket_uri": "wss://"}`:                                       `f:1:19: websocket_uri: must be ws://HOST[:PORT]/PATH or wss://HOST[:PORT]/PATH`,
		`{"websocket_uri": "ws://h", "ssl": true}`:                          `f:1:19: websocket_uri: must begin with wss:// when ssl is true`,
		`{"websocket_uri": "ws://h", "ca": "c"}`:                            `f:1:19: warning: websocket_uri: begins with ws://, which uses no certificates: write wss:// to have TLS`,
		`{"websocket_uri": "wss://h", "ssl": false}`:                        `f:1:37: warning: ssl: has no effect: wss:// always means TLS`,
		`{"websocket_uri": "wss://h", "certfile": "c"}`:                     `f:1:42: certfile: a certificate needs its key, and a key its certificate`,
		`{"websocket_uri": "wss://h", "socks5_proxy": "http://u:hunter2@"}`: `f:1:46: socks5_proxy: socks5_proxy must be socks5://[USER:PASSWORD@]HOST:PORT`,
		`{"websocket_uri": "wss://h", "compression": "gzip"}`:               `f:1:45: compression: "gzip" is not one of "snappy", "none"`,
	} {
		o, report := conf.Parse("f", []byte(src))
		c := DefaultConfig()
		if o.Decode(c) {
			c.Validate(o)
		}
		var got []string
		for _, p := range report.Problems() {
			got = append(got, p.String())
		}
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, text, want)
		}
	}
}

func TestLimitsLeaveRoomForTheNULs(t *testing.T) {
	for size, want := range map[conf.Size]int{0: 1<<20 - 1<<14, 1 << 20: 1<<20 - 1<<14, 1: 1, 6400: 6300} {
		c := DefaultConfig()
		c.MaxBatchSize = size
		if got := c.Limits(); got.Bytes != want || got.Age != time.Second {
			t.Errorf("%v: got %+v", size, got)
		}
	}
}
