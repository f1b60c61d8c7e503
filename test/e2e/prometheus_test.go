package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
)

// startPrometheus starts a real Prometheus with our alerts that scrapes the address every second, and returns its URL. It
// ends with the test.
func startPrometheus(t *testing.T, address, token string) string {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus here")
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: journalpump
    authorization: {credentials: %q}
    static_configs: [{targets: [%q]}]
`, filepath.Join(program.Root(t), "packaging", "prometheus", "journalpump.rules.yml"), token, address)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := program.FreeAddress(t)
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(t.Context(), path, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+listen)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // the context has killed it
		if text, err := os.ReadFile(out.Name()); err == nil && t.Failed() {
			t.Logf("prometheus said:\n%s", text)
		}
	})
	return "http://" + listen
}

// A real Prometheus scrapes us, with the token, and evaluates the alerts that we ship.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	const token = "0123456789abcdef"
	address := program.FreeAddress(t)
	config := s.configWith(object{"journal_path": numberedJournal(t, 300), "senders": object{"out": s.sender("out")}})
	config["listen"] = object{"address": address, "token": token}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))
	program.Start(t, nil, s.config())
	var w web
	prometheus := startPrometheus(t, address, token)
	program.Until(t, "Prometheus has our metrics", func() bool {
		code, body := w.get(t, prometheus+"/api/v1/query?query="+url.QueryEscape(`journalpump_sender_entries_accepted_total{reader="r",sender="out"} == 300 and on (instance) up == 1`))
		return code == http.StatusOK && strings.Contains(body, `"300"`)
	})
	program.Until(t, "and evaluates our alerts", func() bool {
		code, body := w.get(t, prometheus+"/api/v1/rules")
		return code == http.StatusOK && strings.Count(body, `"health":"ok"`) >= 13
	})
	if _, body := w.get(t, prometheus+"/api/v1/rules"); strings.Contains(body, `"health":"err"`) || strings.Contains(body, `"state":"firing"`) {
		t.Errorf("alerts: %s", body)
	}
}
