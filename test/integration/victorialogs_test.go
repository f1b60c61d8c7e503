//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/program"
)

const victoriaLogs = "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-logs"

// buildVictoriaLogs builds it in a module of its own and returns the program's path.
func buildVictoriaLogs(t *testing.T) string {
	t.Helper()
	const version = "v1.116.0"
	out := filepath.Join(cacheDir(t, "victoria-logs"), "victoria-logs-"+version)
	if _, err := os.Stat(out); err == nil {
		return out
	}
	dir := t.TempDir()
	imports := "//go:build tools\n\npackage tools\n\nimport _ \"" + victoriaLogs + "\"\n"
	if err := os.WriteFile(filepath.Join(dir, "tools.go"), []byte(imports), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mod", "init", "tools"}, {"get", victoriaLogs + "@" + version}, {"build", "-o", out, victoriaLogs}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("building VictoriaLogs: %v\n%s", err, said)
		}
	}
	return out
}

// victoria is a VictoriaLogs.
type victoria struct {
	*daemon
	binary, dir, address string
}

func (v *victoria) start(t *testing.T) {
	t.Helper()
	v.daemon = start(t, v.binary, "-httpListenAddr="+v.address, "-storageDataPath="+v.dir, "-inmemoryDataFlushInterval=1s", "-retentionPeriod=10y")
}

func (v *victoria) numbers(t *testing.T) []int {
	t.Helper()
	var numbers []int
	for line := range bytes.Lines(get(t, http.MethodGet, "http://"+v.address+"/select/logsql/query?query=*", "")) {
		var entry struct {
			Message string `json:"_msg"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, number(t, entry.Message))
	}
	return numbers
}

// The server ends when it has stored a batch and not said so. It knows no _id, so that batch is there twice. It answers
// before it has written to the disk, so it is asked to end, not killed.
func TestVictoriaLogs(t *testing.T) {
	t.Parallel()
	v := &victoria{binary: buildVictoriaLogs(t), dir: t.TempDir(), address: program.FreeAddress(t)}
	v.start(t)
	until(t, "VictoriaLogs answers", func() bool { return get(t, http.MethodGet, "http://"+v.address+"/health", "") != nil })
	g := newGate(t, "http://"+v.address)
	lost := g.lose(50)
	config := configure(t, numberedJournal(t), map[string]any{
		"output_type":       "elasticsearch",
		"elasticsearch_url": g.URL + "/insert/elasticsearch?_msg_field=MESSAGE&_time_field=timestamp&_stream_fields=SYSTEMD_UNIT",
	})
	p := program.Start(t, nil, config)
	await(t, "an answer is lost", lost)
	v.end(t, syscall.SIGTERM)
	g.open()
	until(t, "the program notices it", func() bool { return strings.Contains(p.Output(), "trying again") })
	v.start(t)
	until(t, "all entries are there", func() bool {
		there := map[int]bool{}
		for _, n := range v.numbers(t) {
			there[n] = true
		}
		return len(there) == entries
	})
	p.Stop(t)
	if again := allOnce(t, v.numbers(t), batch); again == 0 {
		t.Error("the batch whose answer was lost is there once, though the server can't know")
	}
}
