package elasticsearch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"

	"journalpump/senders/sendertest"
)

// cluster is a server with what of the API the sender uses, as strict as the real ones are. What is wrong with a request
// fails the test.
type cluster struct {
	*httptest.Server
	t       *testing.T
	version string
	opens   bool // an OpenSearch

	mu       sync.Mutex
	indices  map[string]*index
	docs     []document // in the order in which they were stored
	fault    sendertest.Fault
	override func(w http.ResponseWriter, r *http.Request) bool // answers instead
	item     func(d document) (status int, kind string)        // what becomes of a document; 0: it is stored
	paths    []string                                          // METHOD PATH of each request
	types    map[string]bool                                   // _type of the operations
	now, top atomic.Int32                                      // bulk requests at this moment, and the most there were
	free     chan struct{}                                     // closed at the end, for those that hang
}

type index struct {
	mapping map[string]any
	ids     map[string]bool
}

type document struct {
	index, id string
	body      []byte
}

func newCluster(t *testing.T, version string) *cluster {
	t.Helper()
	c := &cluster{t: t, version: version, indices: map[string]*index{}, types: map[string]bool{}, free: make(chan struct{})}
	c.Server = httptest.NewServer(c)
	t.Cleanup(func() {
		close(c.free)
		c.Close()
	})
	return c
}

func (c *cluster) major() int {
	major, _, _ := strings.Cut(c.version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		c.t.Error(err)
	}
	return n
}

func (c *cluster) typed() bool { return !c.opens && c.major() < 7 }

// ServeHTTP implements http.Handler.
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.paths = append(c.paths, r.Method+" "+r.URL.Path)
	override := c.override
	c.mu.Unlock()
	if strings.Contains(r.Header.Get("Accept")+r.Header.Get("Content-Type"), "compatible-with") {
		c.t.Errorf("%s %s: a header that OpenSearch and old versions refuse: %v", r.Method, r.URL, r.Header)
	}
	if !c.opens && c.major() >= 7 {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case override != nil && override(w, r):
	case r.URL.Path == "/":
		c.info(w)
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		c.bulk(w, r)
	case r.Method == http.MethodPut:
		c.create(w, r, r.URL.Path[1:])
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/_alias"):
		c.aliases(w, path.Dir(r.URL.Path)[1:])
	case r.Method == http.MethodDelete:
		c.delete(w, r.URL.Path[1:])
	default:
		c.t.Errorf("unexpected request: %s %s", r.Method, r.URL)
		refuse(w, http.StatusMethodNotAllowed, "illegal_argument_exception", "unexpected")
	}
}

func refuse(w http.ResponseWriter, status int, kind, reason string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"root_cause":[],"type":%q,"reason":%q},"status":%d}`, kind, reason, status) //nolint:gosec // nobody looks at it with a browser
}

func (c *cluster) info(w io.Writer) {
	if c.opens {
		fmt.Fprintf(w, `{"cluster_name":"c","version":{"distribution":"opensearch","number":%q},"tagline":"The OpenSearch Project"}`, c.version)
		return
	}
	fmt.Fprintf(w, `{"cluster_name":"c","version":{"number":%q},"tagline":"You Know, for Search"}`, c.version)
}

func (c *cluster) create(w http.ResponseWriter, r *http.Request, name string) {
	var body struct {
		Mappings map[string]any `json:"mappings"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		c.t.Errorf("creating %s: %v", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, typed := body.Mappings[mappingType]
	switch {
	case c.indices[name] != nil:
		refuse(w, http.StatusBadRequest, "resource_already_exists_exception", "index ["+name+"] already exists")
		return
	case typed != c.typed():
		refuse(w, http.StatusBadRequest, "mapper_parsing_exception", "Root mapping definition has unsupported parameters")
		return
	}
	c.indices[name] = &index{body.Mappings, map[string]bool{}}
	fmt.Fprintf(w, `{"acknowledged":true,"shards_acknowledged":true,"index":%q}`, name) //nolint:gosec // nobody looks at it with a browser
}

func (c *cluster) aliases(w io.Writer, pattern string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]any{}
	for name := range c.indices {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			out[name] = map[string]any{"aliases": map[string]any{}}
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (c *cluster) delete(w http.ResponseWriter, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.indices[name] == nil {
		refuse(w, http.StatusNotFound, "index_not_found_exception", "no such index ["+name+"]")
		return
	}
	delete(c.indices, name)
	c.docs = slices.DeleteFunc(c.docs, func(d document) bool { return d.index == name })
	fmt.Fprint(w, `{"acknowledged":true}`)
}

func (c *cluster) bulk(w http.ResponseWriter, r *http.Request) {
	c.top.Store(max(c.top.Load(), c.now.Add(1)))
	defer c.now.Add(-1)
	docs, err := c.parse(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "illegal_argument_exception", err.Error())
		return
	}
	c.mu.Lock()
	fault := c.fault
	c.fault = ""
	c.mu.Unlock()
	switch fault {
	case sendertest.Refuse:
		refuse(w, http.StatusServiceUnavailable, "cluster_block_exception", "no master")
		return
	case sendertest.Throttle:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "es_rejected_execution_exception", "busy")
		return
	case sendertest.TooLarge:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	case sendertest.Slow:
		<-timer(c.t, 300)
	case sendertest.Hang:
		select {
		case <-r.Context().Done():
		case <-c.free:
		}
		return
	case sendertest.BreakBefore:
		reset(c.t, w)
		return
	case sendertest.BreakWithin:
		c.store(docs[:len(docs)/2], "")
		reset(c.t, w)
		return
	case sendertest.BreakAfter:
		c.store(docs, "")
		reset(c.t, w)
		return
	}
	c.answer(w, r, c.store(docs, fault))
}

type operation struct {
	Index string  `json:"_index"`
	Type  *string `json:"_type"`
	ID    string  `json:"_id"`
}

// parse reads a bulk request.
func (c *cluster) parse(r *http.Request) ([]document, error) {
	if r.ContentLength <= 0 || r.Header.Get("Content-Type") != "application/x-ndjson" {
		c.t.Errorf("bulk request of %d bytes, %v", r.ContentLength, r.Header)
	}
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		in = z
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(data, []byte("\n"))
	if len(lines)%2 == 0 || len(lines[len(lines)-1]) > 0 {
		return nil, fmt.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
	docs := make([]document, 0, len(lines)/2)
	for ; len(lines) > 1; lines = lines[2:] {
		var action map[string]operation
		if err := json.Unmarshal(lines[0], &action); err != nil {
			return nil, err
		}
		op, ok := action["create"]
		switch {
		case !ok || len(action) != 1:
			return nil, fmt.Errorf("operation %s", lines[0])
		case (op.Type != nil) != c.typed():
			return nil, fmt.Errorf("Action/metadata line [1] contains an unknown parameter [_type], or lacks it: %s", lines[0])
		case op.Type != nil:
			c.mu.Lock()
			c.types[*op.Type] = true
			c.mu.Unlock()
		}
		docs = append(docs, document{op.Index, op.ID, bytes.Clone(lines[1])})
	}
	return docs, nil
}

type result struct {
	status       int
	kind, reason string
}

// store does with documents what the server does, or refuses some, and says what became of each.
func (c *cluster) store(docs []document, fault sendertest.Fault) []result {
	c.mu.Lock()
	defer c.mu.Unlock()
	results := make([]result, len(docs))
	for i, d := range docs {
		in := c.indices[d.index]
		status, kind := 0, ""
		if c.item != nil {
			status, kind = c.item(d)
		}
		switch {
		case fault == sendertest.RefusePart && i%3 == 1:
			results[i] = result{http.StatusTooManyRequests, "es_rejected_execution_exception", "queue is full"}
		case fault == sendertest.RefuseForever && i == 1:
			results[i] = result{http.StatusBadRequest, "mapper_parsing_exception", "failed to parse field [n] of type [long]"}
		case status != 0:
			results[i] = result{status, kind, "as it was told"}
		case in == nil:
			results[i] = result{http.StatusNotFound, indexNotFound, "no such index [" + d.index + "]"}
		case d.id != "" && in.ids[d.id]:
			results[i] = result{http.StatusConflict, "version_conflict_engine_exception", "[" + d.id + "]: version conflict, document already exists"}
		default:
			in.ids[d.id] = true
			c.docs = append(c.docs, d)
			results[i] = result{http.StatusCreated, "", ""}
		}
	}
	return results
}

func (c *cluster) answer(w io.Writer, r *http.Request, results []result) {
	if got, _ := url.QueryUnescape(r.URL.Query().Get("filter_path")); got != "errors,items.*.status,items.*.error" {
		c.t.Errorf("filter_path %q", got)
	}
	items := make([]any, len(results))
	failed := false
	for i, res := range results {
		item := map[string]any{"status": res.status}
		if res.kind != "" {
			failed = true
			item["error"] = map[string]any{"type": res.kind, "reason": res.reason, "caused_by": map[string]any{"type": "x", "reason": "the cause"}}
		}
		items[i] = map[string]any{"create": item}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": failed, "items": items})
}

// reset breaks the connection.
func reset(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.Close()
}

// bodies returns the stored documents, as they were stored.
func (c *cluster) bodies() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([][]byte, len(c.docs))
	for i, d := range c.docs {
		out[i] = d.body
	}
	return out
}

// searched returns the stored documents sorted by their number, as a search does.
func (c *cluster) searched() [][]byte {
	c.mu.Lock()
	docs := slices.Clone(c.docs)
	c.mu.Unlock()
	number := func(d document) uint64 {
		_, rest, _ := strings.Cut(d.id, "-")
		hexadecimal, _, _ := strings.Cut(rest, "-")
		n, err := strconv.ParseUint(hexadecimal, 16, 64)
		if err != nil {
			c.t.Errorf("_id %q: %v", d.id, err)
		}
		return n
	}
	slices.SortFunc(docs, func(a, b document) int { return int(number(a)) - int(number(b)) })
	out := make([][]byte, len(docs))
	for i, d := range docs {
		out[i] = d.body
	}
	return out
}

func (c *cluster) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}
