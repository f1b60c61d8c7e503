package elasticsearch

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// openTo returns a sender to the cluster, which is closed at the end, and what it logs.
func openTo(t *testing.T, url string, change func(*Config)) (*sender, *bytes.Buffer) {
	t.Helper()
	c := DefaultConfig()
	c.URL = conf.NewSecret(url)
	c.IndexDaysMax = 0
	if change != nil {
		change(c)
	}
	var logged bytes.Buffer
	s, err := c.open(t.Context(), elasticsearch, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(*sender), &logged
}

func send(t *testing.T, s pump.Sender, b pump.Batch) {
	t.Helper()
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func partial(t *testing.T, err error) map[int]error {
	t.Helper()
	p, ok := errors.AsType[*pump.PartialError](err)
	if !ok {
		t.Fatalf("got %v, want a PartialError", err)
	}
	return p.Errs
}

func TestIndexIsOfTheEntrysDay(t *testing.T) {
	c := newCluster(t, "9.1.4")
	s, _ := openTo(t, c.URL, nil)
	send(t, s, sendertest.Batch(0, 4, sendertest.Times(time.Date(2026, 2, 28, 23, 59, 59, 999998000, time.UTC), time.Microsecond)))
	var got []string
	for _, d := range c.docs {
		got = append(got, d.index)
	}
	want := []string{"journalpump-2026-02-28", "journalpump-2026-02-28", "journalpump-2026-03-01", "journalpump-2026-03-01"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"GET /", "PUT /journalpump-2026-02-28", "PUT /journalpump-2026-03-01", "POST /journalpump-2026-02-28/_bulk",
	}, c.paths); diff != "" {
		t.Error(diff)
	}
}

func TestIDIsTheEntrysOwn(t *testing.T) {
	c := newCluster(t, "9.1.4")
	s, _ := openTo(t, c.URL, nil)
	b := sendertest.Batch(255, 1)
	send(t, s, b)
	if want := string(b.Records[0].AppendID(nil)); c.docs[0].id != want {
		t.Errorf("_id %q, want %q", c.docs[0].id, want)
	}
	nameless := sendertest.Batch(1, 2)
	for i := range nameless.Records {
		nameless.Records[i].Chunk.Entries[i].Position.Parts = pump.HasRealtime
	}
	send(t, s, nameless)
	if len(c.docs) != 3 || c.docs[1].id != "" {
		t.Errorf("entries without a sequence number: %+v", c.docs[1:])
	}
}

func TestMappingIsThatOfTheFirstEntry(t *testing.T) {
	body := []byte(`{"MESSAGE":"x","PRIORITY":6,"RATIO":1.5,"SMALL":1e-3,"OK":true,"NOTHING":null,"LIST":[1],"timestamp":"2026-11-20T00:00:00",
		"a":{"b":{"c":7},"timestamp":1},"":"empty","d.o.t":1}`)
	text, long, float := object{"type": "text"}, object{"type": "long"}, object{"type": "float"}
	fields := object{
		"SYSTEMD_SESSION": text, "SESSION_ID": text, "MESSAGE": text, "PRIORITY": long, "RATIO": float, "SMALL": float,
		"OK": object{"type": "boolean"}, "a": object{"properties": object{"b": object{"properties": object{"c": long}}}},
	}
	for _, c := range []struct {
		dialect dialect
		want    object
	}{
		{dialect{}, object{"mappings": object{"properties": fields}}},
		{dialect{typed: true}, object{"mappings": object{"journal_msg": object{"properties": fields}}}},
	} {
		if diff := cmp.Diff(c.want, mapping(c.dialect, body)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	if got, err := json.Marshal(mapping(dialect{}, []byte(deep))); err != nil || strings.Count(string(got), `"a"`) > maxMappingDepth {
		t.Errorf("%d objects in objects, %v", strings.Count(string(got), `"a"`), err)
	}
}

func TestTypeIsNamedBeforeVersion7(t *testing.T) {
	for _, c := range []struct {
		version string
		opens   bool
		want    map[string]bool
	}{
		{"6.8.23", false, map[string]bool{mappingType: true}}, {"7.0.0", false, map[string]bool{}}, {"10.0.0-SNAPSHOT", false, map[string]bool{}},
		{"1.0.0", true, map[string]bool{}},
	} {
		server := newCluster(t, c.version)
		server.opens = c.opens
		s, _ := openTo(t, server.URL, nil)
		send(t, s, sendertest.Batch(0, 3))
		if diff := cmp.Diff(c.want, server.types); diff != "" {
			t.Errorf("%s: %s", c.version, diff)
		}
	}
}

func TestItemsAreJudgedOneByOne(t *testing.T) {
	for kind, c := range map[string]struct {
		status            int
		stored, permanent bool
	}{
		"mapper_parsing_exception":              {status: 400, permanent: true},
		"illegal_argument_exception":            {status: 400, permanent: true},
		"strict_dynamic_mapping_exception":      {status: 400, permanent: true},
		"version_conflict_engine_exception":     {status: 409, stored: true},
		"another conflict":                      {status: 409},
		"es_rejected_execution_exception":       {status: 429},
		"unavailable_shards_exception":          {status: 503},
		"null_pointer_exception":                {status: 500},
		"security_exception":                    {status: 403},
		"cluster_block_exception":               {status: 403},
		"index_closed_exception":                {status: 400},
		"validation_exception":                  {status: 400},
		"something without a status in the 4xx": {status: 302},
	} {
		t.Run(kind, func(t *testing.T) {
			server := newCluster(t, "8.19.4")
			server.item = func(d document) (int, string) {
				if strings.Contains(d.id, "-1-") {
					return c.status, kind
				}
				return 0, ""
			}
			s, _ := openTo(t, server.URL, nil)
			err := s.Send(t.Context(), sendertest.Batch(0, 3))
			if c.stored {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			errs := partial(t, err)
			if len(errs) != 1 || errs[1] == nil || pump.IsPermanent(errs[1]) != c.permanent {
				t.Errorf("permanent %t: %v", pump.IsPermanent(errs[1]), errs)
			}
			if text := errs[1].Error(); !strings.Contains(text, kind) || !strings.Contains(text, "the cause") {
				t.Errorf("the server's reason is missing: %s", text)
			}
		})
	}
}

func TestRetryAfterOfItems(t *testing.T) {
	server := newCluster(t, "8.19.4")
	server.item = func(document) (int, string) { return 429, "es_rejected_execution_exception" }
	s, _ := openTo(t, server.URL, nil)
	server.override = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "7")
		return false
	}
	err := s.Send(t.Context(), sendertest.Batch(0, 2))
	if errs := partial(t, err); len(errs) != 2 || pump.RetryDelay(errs[0]) != 7*time.Second || pump.RetryDelay(err) != 7*time.Second {
		t.Errorf("got %v, %v", errs, pump.RetryDelay(err))
	}
}

func TestWholeRequestsThatAreRefused(t *testing.T) {
	for want, answer := range map[string]struct {
		status int
		body   string
	}{
		"does not accept the user and password, or API key (401): security_exception: no": {401, `{"error":{"type":"security_exception","reason":"no"}}`},
		"does not allow it to this user or API key (403): Forbidden":                      {403, ``},
		"answered 502: <html>Bad Gateway</html>":                                          {502, "<html>Bad\n\tGateway</html>"},
		"answered 400: text":                                                              {400, `{"error":"text"}`},
		"redirects":                                                                       {301, ""},
		"did not say what became of the entries":                                          {200, ``},
		"did not say what became of the entries: it answered for 1 of":                    {200, `{"errors":false,"items":[{"create":{"status":201}}]}`},
	} {
		t.Run(want, func(t *testing.T) {
			server := newCluster(t, "8.19.4")
			server.override = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "_bulk") {
					return false
				}
				w.WriteHeader(answer.status)
				fmt.Fprint(w, answer.body)
				return true
			}
			s, _ := openTo(t, server.URL, nil)
			err := s.Send(t.Context(), sendertest.Batch(0, 3))
			if err == nil || !strings.Contains(err.Error(), want) || pump.IsPermanent(err) || errors.Is(err, pump.ErrTooLarge) {
				t.Errorf("got %v", err)
			}
			if _, ok := errors.AsType[*pump.PartialError](err); ok {
				t.Error("nothing was accepted")
			}
		})
	}
}

func TestSeveralRequestsAreInFlight(t *testing.T) {
	server := newCluster(t, "8.19.4")
	together := make(chan struct{}, inFlight)
	server.override = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "_bulk") { // none goes on until as many are there
			together <- struct{}{}
			for len(together) < inFlight && r.Context().Err() == nil {
				<-timer(t, 1)
			}
		}
		return false
	}
	s, _ := openTo(t, server.URL, nil)
	s.limit = 2000
	b := sendertest.Batch(0, inFlight, sendertest.Size(1900))
	send(t, s, b)
	if got := len(server.bodies()); got != inFlight {
		t.Errorf("%d entries are stored", got)
	}
}

func TestARequestThatIsTooLargeAmongOthers(t *testing.T) {
	server := newCluster(t, "8.19.4")
	server.override = func(w http.ResponseWriter, r *http.Request) bool {
		if r.ContentLength > 100<<10 && strings.HasSuffix(r.URL.Path, "_bulk") {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	}
	s, _ := openTo(t, server.URL, func(c *Config) { c.Gzip = false })
	s.limit = 180 << 10
	body := func(number int) []byte { // the first two are sent together, the third is too large, the fourth fits
		size := []int{90 << 10, 80 << 10, 181 << 10, 10}[number]
		return fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, number, strings.Repeat("x", size))
	}
	b := sendertest.Batch(0, 4, sendertest.Bodies(body))
	errs := partial(t, s.Send(t.Context(), b))
	if len(errs) != 3 || errors.Is(errs[0], pump.ErrTooLarge) || errors.Is(errs[1], pump.ErrTooLarge) || !errors.Is(errs[2], pump.ErrTooLarge) {
		t.Errorf("got %v", errs)
	}
	send(t, s, pump.Batch{Records: b.Records[:2]}) // in smaller requests by now
	if err := s.Send(t.Context(), pump.Batch{Records: b.Records[2:3]}); !errors.Is(err, pump.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestIndicesThatAreThereOrCannotBeMade(t *testing.T) {
	for kind, c := range map[string]struct {
		status int
		fails  bool
		warns  bool
	}{
		"resource_already_exists_exception": {status: 400},
		"index_already_exists_exception":    {status: 400},
		"invalid_index_name_exception":      {status: 400},
		"security_exception":                {status: 403, warns: true},
		"mapper_parsing_exception":          {status: 400, warns: true},
		"validation_exception":              {status: 400, fails: true},
		"authentication":                    {status: 401, fails: true},
		"no master":                         {status: 503, fails: true},
	} {
		t.Run(kind, func(t *testing.T) {
			server := newCluster(t, "8.19.4")
			server.indices["journalpump-2026-11-20"] = &index{ids: map[string]bool{}}
			server.override = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				refuse(w, c.status, kind, "reason")
				return true
			}
			s, logged := openTo(t, server.URL, nil)
			err := s.Send(t.Context(), sendertest.Batch(0, 3))
			if (err != nil) != c.fails || pump.IsPermanent(err) {
				t.Errorf("got %v", err)
			}
			if got := strings.Contains(logged.String(), "level=WARN"); got != c.warns {
				t.Errorf("logged: %s", logged)
			}
		})
	}
}

func TestAnIndexThatWasDeletedIsMadeAgain(t *testing.T) {
	server := newCluster(t, "8.19.4")
	s, _ := openTo(t, server.URL, nil)
	send(t, s, sendertest.Batch(0, 3))
	server.set(func() { clear(server.indices) })
	errs := partial(t, s.Send(t.Context(), sendertest.Batch(3, 3)))
	if len(errs) != 3 || pump.IsPermanent(errs[0]) {
		t.Errorf("got %v", errs)
	}
	send(t, s, sendertest.Batch(3, 3))
}

func TestVersionMayChange(t *testing.T) {
	server := newCluster(t, "6.8.23")
	s, _ := openTo(t, server.URL, nil)
	send(t, s, sendertest.Batch(0, 3))
	server.set(func() { server.version = "8.19.4" })
	if err := s.Send(t.Context(), sendertest.Batch(3, 3)); err == nil || !strings.Contains(err.Error(), "_type") {
		t.Errorf("got %v", err)
	}
	send(t, s, sendertest.Batch(3, 3))
}

func TestServerWithoutIndices(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.Path+" "+r.URL.Query().Get("_msg_field"))
		if r.URL.Path == "/insert/elasticsearch/" {
			fmt.Fprint(w, `{"version":{"number":"8.9.0"}}`)
			return
		}
		fmt.Fprint(w, `{"errors":false,"items":[{"create":{"status":201}}]}`)
	}))
	defer server.Close()
	s, _ := openTo(t, server.URL+"/insert/elasticsearch/?_msg_field=MESSAGE", func(c *Config) { c.IndexDaysMax = 3 })
	send(t, s, sendertest.Batch(0, 1))
	if diff := cmp.Diff([]string{"GET /insert/elasticsearch/ ", "POST /insert/elasticsearch/_bulk MESSAGE"}, paths); diff != "" {
		t.Error(diff)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for want, answer := range map[string]struct {
		status int
		body   string
	}{
		"does not accept the user": {401, `{}`},
		"answered 503":             {503, ``},
		"no Elasticsearch":         {200, `<html>`},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(answer.status)
			fmt.Fprint(w, answer.body)
		}))
		c := DefaultConfig()
		c.URL = conf.NewSecret(server.URL)
		if _, err := c.Open(t.Context(), "s", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || pump.IsPermanent(err) {
			t.Errorf("%s: got %v", want, err)
		}
		server.Close()
		if _, err := c.Open(t.Context(), "s", slog.New(slog.DiscardHandler)); err == nil || pump.IsPermanent(err) {
			t.Errorf("nobody listens: %v", err)
		}
	}
}

func TestAUserThatMayOnlyWrite(t *testing.T) {
	server := newCluster(t, "8.19.4")
	server.override = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/" {
			refuse(w, http.StatusForbidden, "security_exception", "action [cluster:monitor/main] is unauthorized")
		}
		return r.URL.Path == "/"
	}
	s, _ := openTo(t, server.URL, nil)
	send(t, s, sendertest.Batch(0, 3))
}

func TestLoggingIn(t *testing.T) {
	for want, c := range map[string]struct{ user, key string }{
		"Basic dTpwQHNz":                         {user: "u:p%40ss@"},
		"APIKey SUQ6S0VZ":                        {key: "ID:KEY"},
		"APIKey VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWk": {key: "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWk"},
	} {
		server := newCluster(t, "8.19.4")
		var got []string
		server.override = func(_ http.ResponseWriter, r *http.Request) bool {
			got = append(got, r.Header.Get("Authorization"))
			return false
		}
		s, _ := openTo(t, strings.Replace(server.URL, "http://", "http://"+c.user, 1), func(config *Config) { config.APIKey = conf.NewSecret(c.key) })
		send(t, s, sendertest.Batch(0, 3))
		if diff := cmp.Diff([]string{want, want, want}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	server := newCluster(t, "8.19.4")
	s, logged := openTo(t, strings.Replace(server.URL, "http://", "http://u:geheim%21@", 1), nil)
	server.override = func(w http.ResponseWriter, r *http.Request) bool { // as a proxy's page of an error may do
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "%s geheim! geheim%%21 %v", r.URL, r.Header) //nolint:gosec // nobody looks at it with a browser
		return true
	}
	err := s.Send(t.Context(), sendertest.Batch(0, 3))
	if err == nil || !strings.Contains(err.Error(), "502") {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{err.Error(), logged.String(), fmt.Sprintf("%+v", s.config)} {
		if strings.Contains(text, "geheim") || strings.Contains(text, "dTpnZWhlaW0h") {
			t.Errorf("shows the password: %s", text)
		}
	}
	for _, url := range []string{"http://u:geheim@:9200", "u:geheim@host", "http://u:gehe%im@host", "ftp://u:geheim@host"} {
		c := DefaultConfig()
		c.URL = conf.NewSecret(url)
		if _, err := c.Open(t.Context(), "s", slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "gehe") || !pump.IsPermanent(err) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestTLS(t *testing.T) {
	c := newCluster(t, "8.19.4")
	server := httptest.NewTLSServer(c)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	config := DefaultConfig()
	config.URL, config.CA = conf.NewSecret(server.URL), ca
	open := func() (pump.Sender, error) { return config.Open(t.Context(), "s", slog.New(slog.DiscardHandler)) }
	if _, err := open(); err == nil || pump.IsPermanent(err) {
		t.Errorf("without the file: %v", err)
	}
	der := server.Certificate().Raw
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, s, sendertest.Batch(0, 3))
	config.CA = ""
	if _, err := open(); err == nil || pump.IsPermanent(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with the system's certificates: %v", err)
	}
}

func TestRetention(t *testing.T) {
	names := []string{
		"journalpump-2026-11-10", "journalpump-2026-11-18", "journalpump-2026-11-19", "journalpump-2026-11-20", "journalpump-2026-11-21",
		"journalpump-2026-11-1", "journalpump-2026-11-01-old", "journalpump-2026-02-30", "journalpump-x-2026-11-01", "other-2026-11-01",
		"journalpump", "journalpump-", "xjournalpump-2026-11-01", ".journalpump-2026-11-01", "journalpump-0000-00-00", "journalpump-١٢٣٤-01-01",
	}
	now := time.Date(2026, 11, 21, 0, 30, 0, 0, time.FixedZone("", 3600)) // it is the 20th in UTC
	for _, c := range []struct {
		names []string
		keep  int
		now   time.Time
		want  []string
	}{
		{names, 3, now, []string{"journalpump-2026-11-10"}},
		{names, 1, now, []string{"journalpump-2026-11-10", "journalpump-2026-11-18", "journalpump-2026-11-19"}},
		{names, 30, now, nil},
		{names, 3, now.AddDate(5, 0, 0), []string{"journalpump-2026-11-10", "journalpump-2026-11-18"}}, // our clock is ahead
		{[]string{"journalpump-2030-01-01", "journalpump-2030-01-02", "journalpump-2026-11-20"}, 1, now, nil},
		{nil, 1, now, nil},
	} {
		if diff := cmp.Diff(c.want, expired(slices.Clone(c.names), "journalpump", c.keep, c.now), cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("keep %d (-want +got):\n%s", c.keep, diff)
		}
	}
}

func TestOldIndicesAreDeletedBesideSending(t *testing.T) {
	server := newCluster(t, "8.19.4")
	for _, date := range []string{"2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"} {
		server.indices["journalpump-"+date] = &index{}
	}
	deleted, wait := make(chan string, 10), make(chan struct{})
	server.override = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/_alias") {
			<-wait
		}
		if r.Method == http.MethodDelete {
			deleted <- r.URL.Path
		}
		return false
	}
	s, _ := openTo(t, server.URL, func(c *Config) { c.IndexDaysMax = 3 })
	send(t, s, sendertest.Batch(0, 3, sendertest.Times(time.Now(), 0))) // while the other request waits
	close(wait)
	for range 2 {
		if got := <-deleted; got > "/journalpump-2020-01-02" {
			t.Errorf("deleted %s", got)
		}
	}
}

func TestRetentionThatFails(t *testing.T) {
	server := newCluster(t, "8.19.4")
	asked := make(chan struct{}, 1)
	server.override = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/_alias") {
			return false
		}
		refuse(w, http.StatusForbidden, "security_exception", "no")
		asked <- struct{}{}
		return true
	}
	s, _ := openTo(t, server.URL, func(c *Config) { c.IndexDaysMax = 3 })
	<-asked
	send(t, s, sendertest.Batch(0, 3))
	if err := s.deleteOld(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "listing the indices: the server does not allow") {
		t.Errorf("got %v", err)
	}
}

// An index that cannot be deleted keeps none of the others.
func TestAnIndexThatStays(t *testing.T) {
	server := newCluster(t, "8.19.4")
	for _, date := range []string{"2020-01-01", "2020-01-02", "2020-01-03"} {
		server.indices["journalpump-"+date] = &index{}
	}
	server.override = func(w http.ResponseWriter, r *http.Request) bool {
		refused := r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "-01-01")
		if refused {
			refuse(w, http.StatusForbidden, "security_exception", "no")
		}
		return refused
	}
	s, _ := openTo(t, server.URL, nil)
	s.config.IndexDaysMax = 1
	err := s.deleteOld(t.Context(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "journalpump-2020-01-01: the server does not allow") {
		t.Errorf("got %v", err)
	}
	server.set(func() {
		if got := slices.Sorted(maps.Keys(server.indices)); !slices.Equal(got, []string{"journalpump-2020-01-01", "journalpump-2020-01-03"}) {
			t.Errorf("left: %v", got)
		}
	})
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-1": 0, "x": 0, "999999999999": 0, "86400": maxRetryAfter,
		"Fri, 20 Nov 2026 12:00:30 GMT": 30 * time.Second, "Fri, 20 Nov 2026 11:00:00 GMT": 0, "Fri, 20 Nov 2099 11:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	b := sendertest.Batch(0, 10, sendertest.Size(880))
	for limit, want := range map[int][]int{1: {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 3000: {3, 3, 3, 1}, 10000: {10}} {
		var got []int
		next := 0
		for _, r := range split(b.Records, limit) {
			if r.first != next {
				t.Errorf("a request begins at %d, want %d", r.first, next)
			}
			next = r.last
			got = append(got, r.last-r.first)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d: %s", limit, diff)
		}
	}
}

func TestValidate(t *testing.T) {
	for src, want := range map[string]string{
		`{"elasticsearch_url": "https://u:p@host:9200/path"}`: "",
		`{}`:                                 "elasticsearch_url: is required",
		`{"elasticsearch_url": "host:9200"}`: "elasticsearch_url: must be https://",
		`{"elasticsearch_url": "https://u:p@h", "elasticsearch_api_key": "k"}`:                  "two ways to log in",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": "Logs"}`:              "lower case",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": ""}`:                  "must not be empty",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": "_x"}`:                "must not begin",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": "a*"}`:                "must not contain",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_days_max": -1}`:                "must not be negative",
		`{"elasticsearch_url": "https://h", "elasticsearch_timeout": 0}`:                        "must be longer",
		`{"elasticsearch_url": "https://h", "elasticsearch_timeout": 2.5, "ca": "/etc/ca.pem"}`: "",
	} {
		for _, kind := range []string{"elasticsearch_", "opensearch_"} {
			o, report := conf.Parse("f", []byte(strings.ReplaceAll(src, "elasticsearch_", kind)))
			if kind == "elasticsearch_" {
				c := DefaultConfig()
				o.Decode(c)
				c.Validate(o)
			} else {
				c := DefaultOpenSearchConfig()
				o.Decode(c)
				c.Validate(o)
			}
			var got string
			for _, p := range report.Problems() {
				got += p.String()
			}
			if want := strings.ReplaceAll(want, "elasticsearch_", kind); (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q", src, got, want)
			}
		}
	}
}

func FuzzResults(f *testing.F) {
	for _, seed := range []string{
		`{"errors":false,"items":[{"create":{"status":201}}]}`, `{"items":[{"create":{"status":400,"error":{"type":"x","reason":"y"}}}]}`,
		`{"items":[{}]}`, `{"items":[1]}`, `{"items":{}}`, ``, `{"items":[{"create":{"status":429,"error":"text"}}]}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	s := &server{hide: strings.NewReplacer("x", "***")}
	f.Fuzz(func(t *testing.T, body []byte) {
		failed, err := s.results(&answer{200, nil, body}, 1, 5)
		if err == nil && len(failed) == 0 && !gjson.GetBytes(body, "items.0.*.status").Exists() {
			t.Error("nothing was said about the entry")
		}
		if err == nil && len(failed) > 0 && (len(failed) > 1 || failed[5] == nil) {
			t.Errorf("%v", failed)
		}
		_ = s.refusal(&answer{400, nil, body}).Error()
	})
}
