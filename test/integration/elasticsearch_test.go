//go:build integration

package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// node is an OpenSearch or Elasticsearch node from Maven.
type node struct {
	*daemon
	files                string // which of testdata
	classpath, dir, port string
}

func newNode(t *testing.T, product, runner string) *node {
	t.Helper()
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("an %s node needs %s", product, tool)
		}
	}
	n := &node{files: filepath.Join("testdata", product), classpath: filepath.Join(cacheDir(t, product), "classpath-"+runner), dir: t.TempDir(), port: freePort(t)}
	if _, err := os.Stat(n.classpath); err != nil {
		mvn := exec.CommandContext(t.Context(), "mvn", "-B", "-q", "-f", filepath.Join(n.files, "pom.xml"),
			"dependency:build-classpath", "-Drunner="+runner, "-Dmdep.outputFile="+n.classpath)
		if said, err := mvn.CombinedOutput(); err != nil {
			t.Skipf("fetching %s from Maven: %v\n%s", product, err, said)
		}
	}
	return n
}

func (n *node) url() string { return "http://127.0.0.1:" + n.port }

func (n *node) start(t *testing.T) {
	t.Helper()
	classpath, err := os.ReadFile(n.classpath)
	if err != nil {
		t.Fatal(err)
	}
	n.daemon = start(t, "java", "-Xmx512m", "-cp", strings.TrimSpace(string(classpath)), filepath.Join(n.files, "Node.java"), n.dir, n.port)
}

// get returns an answer, nil if there was none.
func get(t *testing.T, method, url, body string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil
	}
	return answer
}

func (n *node) count(t *testing.T) int {
	t.Helper()
	var answer struct {
		Count int `json:"count"`
	}
	get(t, http.MethodPost, n.url()+"/_refresh", "")
	if err := json.Unmarshal(get(t, http.MethodGet, n.url()+"/journalpump-*/_count", ""), &answer); err != nil {
		return 0 // not there
	}
	return answer.Count
}

// numbers reads back all that was stored.
func (n *node) numbers(t *testing.T) []int {
	t.Helper()
	var numbers []int
	next := get(t, http.MethodPost, n.url()+"/journalpump-*/_search?scroll=5m&size=5000", "")
	for {
		var page struct {
			Scroll string `json:"_scroll_id"`
			Hits   struct {
				Hits []struct {
					Source struct {
						Message string `json:"MESSAGE"`
					} `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := json.Unmarshal(next, &page); err != nil {
			t.Fatalf("searching: %v: %.500s", err, next)
		}
		if len(page.Hits.Hits) == 0 {
			return numbers
		}
		for _, h := range page.Hits.Hits {
			numbers = append(numbers, number(t, h.Source.Message))
		}
		next = get(t, http.MethodPost, n.url()+"/_search/scroll", `{"scroll":"5m","scroll_id":"`+page.Scroll+`"}`)
	}
}

// The versions whose ways differ: 6 has types, 7 has none but knows of them, 2 is OpenSearch.
func TestElasticsearch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		product, runner string
		whatFor         func(t *testing.T, n *node, product string)
	}{
		{"elasticsearch", "6.8.9.0", fillNode},
		{"elasticsearch", "7.10.2.0", killNode},
		{"opensearch", "2.19.1.0", killNode},
	} {
		t.Run(c.product+" "+c.runner, func(t *testing.T) {
			c.whatFor(t, newNode(t, c.product, c.runner), c.product)
		})
	}
}

// fillNode sends everything twice, and it is there once.
func fillNode(t *testing.T, n *node, product string) {
	t.Helper()
	n.start(t)
	until(t, "the node answers", func() bool { return get(t, http.MethodGet, n.url(), "") != nil })
	journal := numberedJournal(t)
	for range 2 {
		config := configureBatches(t, journal, 5000, map[string]any{"output_type": product, product + "_url": n.url()})
		if r := program.Run(t, "--once", "--timeout", "1m", config); r.Code != 0 {
			t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
		}
	}
	n.count(t) // which makes everything visible
	allOnce(t, n.numbers(t), 0)
}

// killNode kills the node when it has stored a batch and not said so, later the program, too, and everything is there once.
func killNode(t *testing.T, n *node, product string) {
	t.Helper()
	n.start(t)
	g := newGate(t, n.url())
	lost := g.lose(50)
	config := configure(t, numberedJournal(t), map[string]any{"output_type": product, product + "_url": g.URL})
	p := program.Start(t, nil, config) // which is there before the server
	await(t, "an answer is lost", lost)
	n.end(t, syscall.SIGKILL)
	g.open()
	lost = g.lose(50)
	n.start(t)
	await(t, "another answer is lost", lost)
	if there := n.count(t); there == 0 || there >= entries {
		t.Errorf("%d entries are there before the program is killed", there)
	}
	p.Kill(t)
	g.open()
	p = program.Start(t, nil, config)
	until(t, "all entries are there", func() bool { return n.count(t) >= entries })
	p.Stop(t)
	allOnce(t, n.numbers(t), 0)
	var indices map[string]any
	if err := json.Unmarshal(get(t, http.MethodGet, n.url()+"/journalpump-*/_alias", ""), &indices); err != nil || len(indices) != 2 {
		t.Errorf("indices: %v, %v", indices, err)
	}
}
