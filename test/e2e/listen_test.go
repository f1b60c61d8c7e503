package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/program"
)

var serving = regexp.MustCompile(`url=(http://\S+/)`)

// web is what a program serves.
type web struct {
	client http.Client
	token  string
}

// url returns where the program serves since it last said so.
func (w *web) url(t *testing.T, p *program.Process) string {
	t.Helper()
	var said [][]string
	program.Until(t, "the program says where it serves", func() bool {
		said = serving.FindAllStringSubmatch(p.Output(), -1)
		return said != nil
	})
	return said[len(said)-1][1]
}

// get returns what there is, and 0 when nobody answers.
func (w *web) get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// Metrics, probes and status are served from the start to the end, as the configuration says, also after it has changed.
func TestListen(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	config := s.configWith(object{"journal_path": numberedJournal(t, 300), "senders": object{"out": s.sender("out")}})
	config["listen"] = "127.0.0.1:0"
	write := func() {
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		s.writeText(t, string(text))
	}
	write()
	pump := program.Start(t, nil, s.config())
	var w web
	url := w.url(t, pump)
	has := func(line string) func() bool {
		return func() bool { _, body := w.get(t, url+"metrics"); return strings.Contains(body, line+"\n") }
	}
	program.Until(t, "the metrics count what was sent", has(`journalpump_sender_entries_accepted_total{reader="r",sender="out",type="FileSender"} 300`))
	for path, want := range map[string]string{"healthz": "ok", "readyz": "ready", "": "<title>journalpump</title>", "status.json": `"sent":300`} {
		if code, body := w.get(t, url+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("/%s: %d %s", path, code, body)
		}
	}

	if err := os.WriteFile(s.config(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	pump.Signal(t, syscall.SIGHUP)
	program.Until(t, "a refused configuration is a metric", has("journalpump_config_last_reload_successful 0"))

	config["listen"] = object{"address": "127.0.0.1:0", "token": "0123456789abcdef"}
	write()
	pump.Signal(t, syscall.SIGHUP)
	w.token = "0123456789abcdef"
	program.Until(t, "the new settings are used", func() bool { url = w.url(t, pump); return has("journalpump_config_last_reload_successful 1")() })
	w.token = ""
	if code, body := w.get(t, url+"metrics"); code != http.StatusUnauthorized {
		t.Errorf("without the token: %d %s", code, body)
	}
	if strings.Contains(pump.Output(), "0123456789abcdef") {
		t.Error("the token is in the log")
	}
	pump.Stop(t)
	if code, _ := w.get(t, url+"healthz"); code != 0 {
		t.Errorf("after the end: %d", code)
	}
}

// What cannot be served is said at the start, not found out when it is needed.
func TestListenIsRefused(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		"0.0.0.0:9099":        "needs a token or TLS",
		taken.Addr().String(): "address already in use",
	} {
		s := newSetup(t)
		config := s.configWith(object{"journal_path": s.dir, "senders": object{"out": s.sender("out")}})
		config["listen"] = address
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		s.writeText(t, string(text))
		if r := program.Run(t, s.config()); r.Code != 1 || !strings.Contains(r.Output, want) {
			t.Errorf("%s: exit status %d: %s", address, r.Code, r.Output)
		}
	}
}
