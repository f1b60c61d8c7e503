package elasticsearch

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
