package web

import (
	"strings"
	"testing"

	"journalpump/internal/conf"
)

func TestConfig(t *testing.T) {
	t.Setenv("EMPTY", "")
	const token = `"token": "0123456789abcdef"`
	for src, want := range map[string]string{
		`"127.0.0.1:9099"`:          "",
		`"127.3.0.1:1"`:             "",
		`"[::1]:0"`:                 "",
		`"[::ffff:127.0.0.1]:9099"`: "",
		`"localhost:9099"`:          "",
		`{"address": "LOCALHOST:9099", "pprof": true}`:                                        "",
		`{"address": ":9099", ` + token + `}`:                                                 `warning: listen.token: goes over the network readable for all`,
		`{"address": ":9099", ` + token + `, "certfile": "c", "keyfile": "k", "pprof": true}`: "",
		`{"address": ":9099", "certfile": "c", "keyfile": "k"}`:                               "",
		`null`: "",

		`":9099"`:                  "1:12: listen: :9099 can be reached from elsewhere, which needs a token or TLS: give an object with token, or with certfile and keyfile; without them the address must be 127.0.0.1, [::1] or localhost",
		`"192.0.2.1:9099"`:         "needs a token or TLS",
		`"journal.test:9099"`:      "needs a token or TLS",
		`"localhost.:9099"`:        "needs a token or TLS",
		`{"address": "[::]:9099"}`: `1:24: listen.address: [::]:9099 can be reached`,
		`"9099"`:                   `listen: must be an address such as "127.0.0.1:9099", not "9099"`,
		`""`:                       `must be an address`,
		`":0"`:                     `must be an address`,
		`"localhost:http"`:         `the port must be a number up to 65535, not "http"`,
		`"localhost:70000"`:        `the port must be a number up to 65535`,
		`9099`:                     `listen: must be an address such as "127.0.0.1:9099" or an object, not a number`,
		`{}`:                       `listen.address: is missing; it must be an address`,
		`{"address": "localhost:1", "token": "${EMPTY}"}`:                   "listen.token: is empty",
		`{"address": "localhost:1", "token": "short"}`:                      "listen.token: must have at least 16 characters",
		`{"address": "localhost:1", "certfile": "c"}`:                       "listen: a certificate needs its key",
		`{"address": ":1", "certfile": "c", "keyfile": "k", "pprof": true}`: "listen.pprof: needs a token where others can reach it",
		`{"address": "localhost:1", "tokn": "x"}`:                           `did you mean`,
	} {
		root, report := conf.Parse("c.json", []byte(`{"listen": `+src+`}`))
		var c struct {
			Listen *Config `json:"listen"`
		}
		root.Decode(&c)
		if c.Listen != nil {
			c.Listen.Validate(root, "listen")
		}
		var got strings.Builder
		for _, p := range report.Problems() {
			got.WriteString(p.String() + "\n")
		}
		if (want == "") != (got.Len() == 0) || !strings.Contains(got.String(), want) || strings.Contains(got.String(), "short") {
			t.Errorf("%s: got %q, want %q", src, got.String(), want)
		}
	}
}
