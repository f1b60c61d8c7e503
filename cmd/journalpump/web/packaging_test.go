package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const packaging = "../../../packaging"

// dashboard is what the tests look at of a Grafana dashboard.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID      int                      `json:"id"`
	Type    string                   `json:"type"`
	Title   string                   `json:"title"`
	Grid    struct{ X, Y, W, H int } `json:"gridPos"`
	Targets []struct {
		Expr  string `json:"expr"`  // Prometheus
		Query string `json:"query"` // InfluxQL
	} `json:"targets"`
}

func readDashboard(t *testing.T, name string) *dashboard {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(packaging, "grafana", name))
	if err != nil {
		t.Fatal(err)
	}
	d := new(dashboard)
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// queries returns all queries of a dashboard, of its variables too.
func (d *dashboard) queries() (queries []string) {
	for _, v := range d.Templating.List {
		queries = append(queries, v.Definition)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			queries = append(queries, target.Expr+target.Query)
		}
	}
	return queries
}

func TestDashboardsFit(t *testing.T) {
	for _, name := range []string{"journalpump-prometheus.json", "journalpump-telegraf.json"} {
		d := readDashboard(t, name)
		ids, taken := map[int]bool{}, map[[2]int]string{}
		variables := map[string]bool{"datasource": true}
		for _, v := range d.Templating.List {
			variables[v.Name] = true
		}
		for _, p := range d.Panels {
			if ids[p.ID] || p.Title == "" || p.Grid.X+p.Grid.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: panel %d %q is twice there, nameless, too wide or empty", name, p.ID, p.Title)
			}
			ids[p.ID] = true
			for x := range p.Grid.W {
				for y := range p.Grid.H {
					cell := [2]int{p.Grid.X + x, p.Grid.Y + y}
					if taken[cell] != "" {
						t.Fatalf("%s: %q and %q overlap", name, taken[cell], p.Title)
					}
					taken[cell] = p.Title
				}
			}
		}
		for _, q := range d.queries() {
			for _, m := range regexp.MustCompile(`\$\{?([a-z]+)\b`).FindAllStringSubmatch(q, -1) {
				if !variables[m[1]] && m[1] != "time" && m[1] != "timeFilter" {
					t.Errorf("%s: there is no variable %s: %s", name, m[1], q)
				}
			}
		}
	}
}

// exported returns all that /metrics has, as text.
func exported(t *testing.T) string {
	t.Helper()
	s := newServer(t, newAgent())
	s.Saved(nil)
	h, err := s.metrics()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return w.Body.String()
}

var metricName = regexp.MustCompile(`\b(journalpump|process|go)_[a-z_]+`)

func TestPackagedQueriesNameWhatIsExported(t *testing.T) {
	var texts []string
	texts = append(texts, readDashboard(t, "journalpump-prometheus.json").queries()...)
	for _, file := range []string{"journalpump.rules.yml", "journalpump.rules.test.yml"} {
		text, err := os.ReadFile(filepath.Join(packaging, "prometheus", file))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	have, used := exported(t), 0
	for _, text := range texts {
		for _, name := range metricName.FindAllString(text, -1) {
			used++
			if !strings.Contains(have, "# TYPE "+name+" ") {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
	if used < 50 {
		t.Errorf("only %d names found: does the test read what it should?", used)
	}
}

func TestTelegrafQueriesNameWhatIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_.`, ]+) \\|").FindAllStringSubmatch(string(doc), -1) {
		for _, name := range regexp.MustCompile("[a-z_.]+").FindAllString(row[1], -1) {
			have[strings.ReplaceAll(name, ".", "_")] = true // as telegraf does
		}
	}
	used := 0
	for _, q := range readDashboard(t, "journalpump-telegraf.json").queries() {
		for _, m := range regexp.MustCompile(`\$\{prefix\}(\w+)`).FindAllStringSubmatch(q, -1) {
			used++
			if !have[m[1]] {
				t.Errorf("there is no metric %s", m[1])
			}
		}
	}
	if used < 20 {
		t.Errorf("only %d names found: does the test read what it should?", used)
	}
}

func TestEveryAlertIsTested(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(packaging, "prometheus", "journalpump.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(filepath.Join(packaging, "prometheus", "journalpump.rules.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1)
	for _, a := range alerts {
		if !strings.Contains(string(tests), `alertname="`+a[1]+`"`) {
			t.Errorf("%s is not tested", a[1])
		}
	}
	if len(alerts) < 10 {
		t.Errorf("only %d alerts found", len(alerts))
	}
}

// promtool is Prometheus' own judge.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v\n%s", args, err, bytes.TrimSpace(out))
	}
}

func TestAlertsDoWhatTheirTestsSay(t *testing.T) {
	promtool(t, "", "check", "rules", filepath.Join(packaging, "prometheus", "journalpump.rules.yml"))
	promtool(t, "", "test", "rules", filepath.Join(packaging, "prometheus", "journalpump.rules.test.yml"))
}

func TestPromtoolTakesTheMetrics(t *testing.T) {
	promtool(t, exported(t), "check", "metrics")
}

// The queries of the dashboard are rules to promtool, once Grafana's variables are filled in.
func TestPromtoolTakesTheDashboard(t *testing.T) {
	rules := "groups: [{name: g, rules: [\n"
	variables := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$instance", ".*", "$reader", ".*", "$sender", ".*")
	for i, p := range readDashboard(t, "journalpump-prometheus.json").Panels {
		for j, target := range p.Targets {
			rules += fmt.Sprintf("{record: 'r:%d:%d', expr: %q},\n", i, j, variables.Replace(target.Expr))
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules+"]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}
