package googlelogging

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T) sendertest.Destination {
			t.Helper()
			return newFake(t)
		},
		Lacks: map[sendertest.Fault]string{
			sendertest.BreakWithin: "a request is taken as a whole or with the reasons why not",
			sendertest.CommitFails: "the sender is no Committer",
		},
		Want: func(r *pump.Record) []byte {
			var fields map[string]any
			if err := json.Unmarshal(r.Body, &fields); err != nil {
				t.Error(err)
			}
			if m, ok := fields["MESSAGE"].(string); ok && len(r.Body) > 250<<10 {
				fields["MESSAGE"] = m[:200<<10] + "[MESSAGE TRUNCATED]"
			}
			delete(fields, "PRIORITY")
			return canonical(t, fields)
		},
		Dedups: true,
	})
}

func open(tb testing.TB, f *fake) pump.Sender {
	tb.Helper()
	s, err := f.Open(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func texts(bodies ...string) pump.Batch {
	return sendertest.Batch(0, len(bodies), sendertest.Bodies(func(n int) []byte { return []byte(bodies[n]) }))
}

// What becomes of an entry, which for all but the time is what the original makes of it.
func TestEntries(t *testing.T) {
	long, other := strings.Repeat("A", 257_000), strings.Repeat("B", 257_000)
	deep := strings.Repeat("[", 31) + strings.Repeat("]", 31)
	const tooLarge = `{"MESSAGE":"Log entry can't be logged because its size is greater than GCP logging quota of 256K"}`
	for name, c := range map[string]struct{ body, payload, severity string }{
		"text":              {`{"MESSAGE": "Hello"}`, `{"MESSAGE":"Hello"}`, "DEFAULT"},
		"no message":        {`{"OTHER": "Hello"}`, `{"OTHER":"Hello"}`, "DEFAULT"},
		"time and priority": {`{"MESSAGE": "x", "PRIORITY": 0, "timestamp": "2020-06-25T06:24:13.787255"}`, `{"MESSAGE":"x"}`, "EMERGENCY"},
		"priority 7":        {`{"PRIORITY": 7}`, `{}`, "DEBUG"},
		"priority 8":        {`{"PRIORITY": 8}`, `{}`, "DEFAULT"},
		"no number":         {`{"PRIORITY": "3"}`, `{}`, "DEFAULT"},
		"all kinds":         {`{"a": [1, -2.5e3, "x", null, true, false, {}, []], "o": {"p": {"q": "\u00e9\n"}}}`, `{"a":[1,-2500,"x",null,true,false,{},[]],"o":{"p":{"q":"é\n"}}}`, "DEFAULT"},
		"JSON":              {`{"MESSAGE": "{\"k\": [1, \"v\"]}"}`, `{"MESSAGE":{"k":[1,"v"]}}`, "DEFAULT"},
		"JSON with spaces":  {`{"MESSAGE": " [true] \n"}`, `{"MESSAGE":[true]}`, "DEFAULT"},
		"JSON number":       {`{"MESSAGE": "12"}`, `{"MESSAGE":12}`, "DEFAULT"},
		"JSON null":         {`{"MESSAGE": "null"}`, `{"MESSAGE":null}`, "DEFAULT"},
		"nearly JSON":       {`{"MESSAGE": "{\"k\": 1} trailing"}`, `{"MESSAGE":"{\"k\": 1} trailing"}`, "DEFAULT"},
		"JSON too deep":     {`{"MESSAGE": "` + deep + `"}`, `{"MESSAGE":"` + deep + `"}`, "DEFAULT"},
		"JSON not too deep": {`{"MESSAGE": "` + deep[1:61] + `"}`, `{"MESSAGE":` + deep[1:61] + `}`, "DEFAULT"},
		"repeated":          {`{"MESSAGE": ["1", "2"]}`, `{"MESSAGE":["1","2"]}`, "DEFAULT"},
		"too long":          {`{"MESSAGE": "` + long + `", "PRIORITY": 3, "k": "v"}`, `{"MESSAGE":"` + long[:200<<10] + `[MESSAGE TRUNCATED]","k":"v"}`, "ERROR"},
		"too long anyway":   {`{"MESSAGE": "` + long + `", "k": "` + other + `"}`, tooLarge, "DEFAULT"},
		"other too long":    {`{"k": "` + other + `"}`, tooLarge, "DEFAULT"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			if err := open(t, f).Send(t.Context(), texts(c.body)); err != nil {
				t.Fatal(err)
			}
			e := f.stored()[0]
			if got := string(canonical(t, e.GetJsonPayload().AsMap())); got != c.payload {
				t.Errorf("payload is %.300s, want %.300s", got, c.payload)
			}
			if got := e.GetSeverity().String(); got != c.severity {
				t.Errorf("severity is %s, want %s", got, c.severity)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	f := newFake(t)
	f.config.ResourceLabels = map[string]string{"location": "us-east-1", "node_id": "n"}
	f.config.LogID = "a/b"
	b := sendertest.Batch(7, 1)
	if err := open(t, f).Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	r, e := f.requests[0], f.entries[0]
	if r.GetResource().GetType() != "generic_node" || cmp.Diff(f.config.ResourceLabels, r.GetResource().GetLabels()) != "" || !r.GetPartialSuccess() {
		t.Errorf("got %v", r.GetResource())
	}
	if e.GetLogName() != "projects/project/logs/a%2Fb" || !e.GetTimestamp().AsTime().Equal(b.Records[0].Time()) || e.GetInsertId() != string(b.Records[0].AppendID(nil)) {
		t.Errorf("got %s, %s, %s", e.GetLogName(), e.GetTimestamp().AsTime(), e.GetInsertId())
	}
}

func TestLogNames(t *testing.T) {
	for id, want := range map[string]string{
		"log":                                "log",
		"a/b":                                "a%2Fb",
		"a%2Fb":                              "a%2Fb",
		"{{x}}":                              "{x}",
		"%Y/{_SYSTEMD_UNIT}":                 "%Y%2Funit-1.service",
		"{HOSTNAME}-{MISSING}":               "host.example-unknown",
		"{odd}":                              "a_b_c____",
		"{odd}" + strings.Repeat("x", 600):   "a_b_c____" + strings.Repeat("x", 502),
		strings.Repeat("{SYSTEMD_UNIT}.", 2): "unit-1.service.unit-1.service.",
	} {
		b := sendertest.Batch(1, 1, sendertest.Fields(func(int) []pump.Field {
			return []pump.Field{
				{Name: "_SYSTEMD_UNIT", Value: []byte("unit-1.service")}, {Name: "_HOSTNAME", Value: []byte("host.example")},
				{Name: "odd", Value: []byte("a/b c\xff\u00e9\n")},
			}
		}))
		n, err := newLogName("p", id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		for range 2 {
			if got := n.of(&b.Records[0]); got != "projects/p/logs/"+want {
				t.Errorf("%s: got %s, want %s", id, got, want)
			}
		}
	}
	for _, id := range []string{"{", "}", "{MESSAGE}", strings.Repeat("{A}", 9)} {
		if _, err := newLogName("p", id); err == nil {
			t.Errorf("%s: no error", id)
		}
	}
}

// A batch over the service's 10 MB is several requests; when a later one fails, only the rest is sent again.
func TestLargeBatches(t *testing.T) {
	f := newFake(t)
	s := open(t, f)
	b := sendertest.Batch(0, 90, sendertest.Size(200_000))
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if n := len(f.requests); n != 3 || len(f.stored()) != 90 {
		t.Fatalf("%d requests, %d entries", n, len(f.stored()))
	}
	for _, code := range []codes.Code{codes.Unavailable, codes.InvalidArgument} {
		n := 0
		f.answer = func(*loggingpb.WriteLogEntriesRequest) error {
			if n++; n == 2 {
				return status.Error(code, "no")
			}
			return nil
		}
		partial, ok := errors.AsType[*pump.PartialError](s.Send(t.Context(), b))
		if !ok || len(partial.Errs) != 46 || partial.Errs[44] == nil || pump.IsPermanent(partial.Errs[44]) {
			t.Errorf("%v: got %v", code, partial)
		}
	}
}

func TestErrorsOfTheService(t *testing.T) {
	for code, c := range map[codes.Code]struct{ permanent, delays bool }{
		codes.InvalidArgument:   {true, false},
		codes.PermissionDenied:  {false, false},
		codes.Unauthenticated:   {false, false},
		codes.NotFound:          {false, false},
		codes.ResourceExhausted: {false, true},
		codes.Internal:          {false, false},
	} {
		f := newFake(t)
		f.answer = func(*loggingpb.WriteLogEntriesRequest) error { return status.Error(code, "the reason") }
		err := open(t, f).Send(t.Context(), sendertest.Batch(0, 2))
		if err == nil || !strings.Contains(err.Error(), "the reason") || pump.IsPermanent(err) != c.permanent || pump.RetryDelay(err) > 0 != c.delays {
			t.Errorf("%v: got %v, permanent %t, wait %v", code, err, pump.IsPermanent(err), pump.RetryDelay(err))
		}
	}
}

// serviceAccount returns a key as Google gives it out.
func serviceAccount(t *testing.T, project string) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(canonical(t, map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": "hunter2",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "test@project-id.iam.gserviceaccount.com", "client_id": "123456789",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
	}))
}

func decode(t *testing.T, src string) (*Config, string) {
	t.Helper()
	o, report := conf.Parse("f", []byte("{"+src+"}"))
	c := DefaultConfig()
	if o.Decode(c) {
		c.Validate(o)
	}
	var all []string
	for _, p := range report.Problems() {
		all = append(all, fmt.Sprintf("%s: %s", p.Path, p.Text))
	}
	return c, strings.Join(all, "\n")
}

// Inline credentials sign a token of their own, and their project is the one that is written to, as it always was.
func TestServiceAccount(t *testing.T) {
	key := serviceAccount(t, "own-project")
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{key, `"file:` + file + `"`} {
		c, problems := decode(t, `"google_cloud_logging_project_id": "own-project", "google_cloud_logging_log_id": "l", "google_service_account_credentials": `+src)
		if problems != "" {
			t.Fatal(problems)
		}
		if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, canonical(t, c)); strings.Contains(text, "hunter2") || strings.Contains(text, "PRIVATE") {
			t.Errorf("a secret is shown: %s", text)
		}
		found, err := c.credentials()
		if err != nil {
			t.Fatal(err)
		}
		md, err := (&bearer{found}).GetRequestMetadata(t.Context())
		if err != nil || strings.Count(md["authorization"], ".") != 2 {
			t.Errorf("%d bytes of token, %v", len(md["authorization"]), err)
		}
		if c.project() != "own-project" {
			t.Errorf("project %s", c.project())
		}
		s, err := c.Open(t.Context(), "gcl", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	c, _ := decode(t, `"google_cloud_logging_project_id": "p", "google_cloud_logging_log_id": "l"`)
	if found, err := c.credentials(); err != nil || found == nil {
		t.Errorf("default credentials: %v", err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file+".missing")
	if _, err := c.Open(t.Context(), "gcl", nil); err == nil || pump.IsPermanent(err) || !strings.Contains(err.Error(), "google_service_account_credentials") {
		t.Errorf("without credentials: %v", err)
	}
}

func TestValidate(t *testing.T) {
	const project, log = `"google_cloud_logging_project_id": "p", `, `"google_cloud_logging_log_id": "l"`
	for src, want := range map[string]string{
		project + log: ``,
		log:           `google_cloud_logging_project_id: is required: the ID of the project to write to`,
		project:       `google_cloud_logging_log_id: is required: the name of the log`,
		`"google_cloud_logging_project_id": "My Project", ` + log:                                                `google_cloud_logging_project_id: must be the project's ID: lower-case letters, digits and - (its name may have others)`,
		`"google_cloud_logging_project_id": "example.com:p-1", ` + log:                                           ``,
		project + `"google_cloud_logging_log_id": "my log"`:                                                      `google_cloud_logging_log_id: has other characters in it than letters, digits and / _ - . which the service refuses`,
		project + `"google_cloud_logging_log_id": "a/b%2Fc.{_SYSTEMD_UNIT}"`:                                     ``,
		project + log + `, "google_cloud_logging_resource_labels": {"node_id": "x"}`:                             ``,
		project + log + `, "google_cloud_logging_resource_labels": {"node_name": "x"}`:                           `google_cloud_logging_resource_labels: "node_name" is none of the labels of a generic_node: location, namespace, node_id, project_id`,
		project + `"google_cloud_logging_log_id": "{"`:                                                           `google_cloud_logging_log_id: a "{" without its "}" (write "{{" for the character itself)`,
		project + log + `, "google_cloud_logging_endpoint": "localhost:1"`:                                       `google_cloud_logging_endpoint: must be https://HOST[:PORT] or http://HOST[:PORT]`,
		project + log + `, "google_cloud_logging_endpoint": "https://eu-logging.googleapis.com"`:                 ``,
		project + log + `, "google_service_account_credentials": {"type": "hunter2"}`:                            `google_service_account_credentials: ` + errCredentials.Error(),
		project + log + `, "google_service_account_credentials": "hunter2"`:                                      `google_service_account_credentials: ` + errCredentials.Error(),
		log + `, "google_service_account_credentials": {"type": "service_account", "project_id": "o"}`:           ``,
		project + log + `, "google_service_account_credentials": {"type": "service_account", "project_id": "o"}`: `google_cloud_logging_project_id: has no effect: the credentials are of the project "o", which counts`,
	} {
		if _, got := decode(t, strings.TrimSuffix(src, ", ")); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, got, want)
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, seed := range []string{`{"MESSAGE": "{\"a\": [1, \"\\ud800\"]}", "PRIORITY": 3}`, `[`, `{"MESSAGE": "\"`, `{"a": 1e999, "": {"": []}}`, "{\"\xff\": \"\xff\"}"} {
		f.Add([]byte(seed))
	}
	s := newSender(nil, &logName{static: "x"}, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		b := texts(string(body))
		e := s.entry(&b.Records[0])
		if e.GetJsonPayload() == nil || e.GetInsertId() == "" {
			t.Errorf("got %v", e)
		}
	})
}

func BenchmarkEntry(b *testing.B) {
	s := newSender(nil, &logName{static: "x"}, nil)
	batch := sendertest.Batch(0, 100, sendertest.Size(800))
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch.Records {
			_ = s.entry(&batch.Records[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/100, "ns/entry")
}

// Against a server in the same process, which takes its share of the CPU.
func BenchmarkSend(b *testing.B) {
	f := newFake(b)
	s := open(b, f)
	batch := sendertest.Batch(0, 1000, sendertest.Size(800)) // always the same, so that the server keeps nothing
	sendertest.Measure(b, batch, func() error {
		f.requests = nil
		return s.Send(b.Context(), batch)
	})
}
