package cloudwatch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

	"github.com/aws/smithy-go/logging"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

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
			sendertest.RefusePart:  "of what it refuses for now the service takes nothing; for a batch of several requests see TestRestOfABatchIsSentAgain",
			sendertest.BreakWithin: "a request is stored as a whole",
			sendertest.CommitFails: "the sender is no Committer",
		},
	})
}

func open(t *testing.T, f *fake) pump.Sender {
	t.Helper()
	s, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func operations(f *fake) (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		all = append(all, r.operation)
	}
	return all
}

func TestGroupAndStreamAreCreatedWhereTheyAreMissing(t *testing.T) {
	for name, c := range map[string]struct {
		streams []string
		want    []string
	}{
		"nothing there": {nil, []string{"CreateLogStream", "CreateLogGroup", "CreateLogStream"}},
		"group there":   {[]string{"group\x00"}, []string{"CreateLogStream"}},
		"both there":    {[]string{"group\x00", "group\x00stream"}, []string{"CreateLogStream"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			for _, s := range c.streams {
				f.streams[s] = true
			}
			s := open(t, f)
			if diff := cmp.Diff(c.want, operations(f)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if !strings.Contains(f.auth, "AKIDEXAMPLE") || !strings.Contains(f.auth, "/eu-north-1/logs/") {
				t.Errorf("signed %q", f.auth)
			}
			if err := s.Send(t.Context(), sendertest.Batch(0, 1)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAStreamThatWasDeletedIsMadeAnew(t *testing.T) {
	f := newFake(t)
	s := open(t, f)
	f.mu.Lock()
	clear(f.streams)
	f.mu.Unlock()
	b := sendertest.Batch(0, 3)
	if err := s.Send(t.Context(), b); err == nil || pump.IsPermanent(err) || !strings.Contains(err.Error(), "does not exist") {
		t.Fatalf("got error %v", err)
	}
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if n := len(f.Accepted()); n != 3 {
		t.Errorf("%d accepted", n)
	}
}

// A batch is split so that no request is over the limits, which the fake checks too.
func TestLimits(t *testing.T) {
	body := func(size int) sendertest.Option {
		return sendertest.Bodies(func(int) []byte { return []byte(strings.Repeat("x", size)) })
	}
	for name, c := range map[string]struct {
		records int
		options []sendertest.Option
		want    []int // events in each request
	}{
		"count":            {20001, nil, []int{8000, 8000, 4001}},
		"small":            {20001, []sendertest.Option{body(2)}, []int{10000, 10000, 1}},
		"bytes":            {3, []sendertest.Option{body(1<<19 - 26)}, []int{2, 1}},
		"a byte more":      {3, []sendertest.Option{body(1<<19 - 25)}, []int{1, 1, 1}},
		"largest":          {2, []sendertest.Option{body(1<<20 - 26)}, []int{1, 1}},
		"a day":            {49, []sendertest.Option{sendertest.Times(time.Unix(1e9, 0), time.Hour)}, []int{24, 24, 1}},
		"clock going back": {49, []sendertest.Option{sendertest.Times(time.Unix(1e9, 0), -time.Hour)}, []int{24, 24, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s := open(t, f)
			b := sendertest.Batch(0, c.records, c.options...)
			if err := s.Send(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if name == "count" { // bytes are what splits it
				if n := len(f.Accepted()); n != 20001 {
					t.Errorf("%d accepted", n)
				}
				return
			}
			if diff := cmp.Diff(c.want, f.puts()); diff != "" {
				t.Errorf("events a request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnEntryTooLargeForTheServiceIsADeadLetter(t *testing.T) {
	f := newFake(t)
	s := open(t, f)
	b := sendertest.Batch(0, 3, sendertest.Bodies(func(n int) []byte { return []byte(strings.Repeat("x", n*(1<<20-25))) }))
	b.Records = b.Records[1:]
	b.Records[1].Body = []byte("y")
	partial := partialError(t, s.Send(t.Context(), b))
	if len(partial) != 1 || !pump.IsPermanent(partial[0]) || !strings.Contains(partial[0].Error(), "at most 1048550") {
		t.Errorf("got %v", partial)
	}
	if got := f.Accepted(); !hasAll(got, [][]byte{[]byte("y")}) {
		t.Errorf("%d accepted", len(got))
	}
}

func partialError(t *testing.T, err error) map[int]error {
	t.Helper()
	p, ok := errors.AsType[*pump.PartialError](err)
	if !ok {
		t.Fatalf("got error %v, want a PartialError", err)
	}
	return p.Errs
}

// Which events were refused is told by indices into what was sent, which is in another order than the batch.
func TestRejectedEventsAreDeadLetters(t *testing.T) {
	for name, c := range map[string]struct {
		info string
		want map[int]string // by index in a batch that is backwards in time
	}{
		"old":       {`"tooOldLogEventEndIndex": 2`, map[int]string{9: "14 days", 8: "14 days"}},
		"expired":   {`"expiredLogEventEndIndex": 1`, map[int]string{9: "keeps"}},
		"new":       {`"tooNewLogEventStartIndex": 8`, map[int]string{0: "future", 1: "future"}},
		"all three": {`"expiredLogEventEndIndex": 1, "tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 9`, map[int]string{9: "14 days", 8: "14 days", 0: "future"}},
		"all":       {`"tooOldLogEventEndIndex": 10`, map[int]string{0: "", 1: "", 2: "", 3: "", 4: "", 5: "", 6: "", 7: "", 8: "", 9: ""}},
		"nonsense":  {`"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 1000`, map[int]string{9: "14 days"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.reply = func([]fakeEvent) (string, int) { return `{"rejectedLogEventsInfo": {` + c.info + `}}`, 200 }
			s := open(t, f)
			got := partialError(t, s.Send(t.Context(), sendertest.Batch(0, 10, sendertest.Times(time.Unix(1e9, 0), -time.Minute))))
			if diff := cmp.Diff(slices.Sorted(maps.Keys(c.want)), slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			for i, err := range got {
				if !pump.IsPermanent(err) || !strings.Contains(err.Error(), c.want[i]) || !strings.Contains(err.Error(), "2001-09-0") {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
}

// When a batch takes several requests and a later one fails, what was accepted is not sent again, and a refusal of that
// request buries nobody.
func TestRestOfABatchIsSentAgain(t *testing.T) {
	for kind, least := range map[string]time.Duration{
		"ServiceUnavailableException": 0, "ThrottlingException": time.Millisecond, "InvalidParameterException": 0,
	} {
		t.Run(kind, func(t *testing.T) {
			f := newFake(t)
			n := 0
			f.reply = func([]fakeEvent) (string, int) {
				if n++; n == 2 {
					return failure(kind, "no"), 400
				}
				return "", 0
			}
			s := open(t, f)
			b := sendertest.Batch(0, 60, sendertest.Times(time.Unix(1e9, 0), time.Hour))
			got := partialError(t, s.Send(t.Context(), b))
			if len(got) != 36 || len(f.Accepted()) != 24 {
				t.Fatalf("%d refused, %d accepted", len(got), len(f.Accepted()))
			}
			for i, err := range got {
				if i < 24 || pump.IsPermanent(err) || pump.RetryDelay(err) < least {
					t.Fatalf("%d: %v", i, err)
				}
			}
			b.Records = b.Records[24:]
			if err := s.Send(t.Context(), b); err != nil || len(f.Accepted()) != 60 {
				t.Errorf("%v, %d accepted", err, len(f.Accepted()))
			}
		})
	}
}

func TestErrorsOfTheService(t *testing.T) {
	for kind, c := range map[string]struct {
		message                     string
		permanent, tooLarge, delays bool
	}{
		"AccessDeniedException":       {"User is not authorized to perform: logs:PutLogEvents", false, false, false},
		"UnrecognizedClientException": {"The security token included in the request is invalid.", false, false, false},
		"InvalidParameterException":   {"Log events in a single PutLogEvents request must be in chronological order.", true, false, false},
		"LimitExceededException":      {"The maximum number of streams is reached", false, false, true},
		"ThrottlingException":         {"Rate exceeded", false, false, true},
		"TooManyRequestsException":    {"slow down", false, false, true},
	} {
		f := newFake(t)
		f.reply = func([]fakeEvent) (string, int) { return failure(kind, c.message), 400 }
		err := open(t, f).Send(t.Context(), sendertest.Batch(0, 2))
		if err == nil || !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", kind, err)
		}
		if pump.IsPermanent(err) != c.permanent || errors.Is(err, pump.ErrTooLarge) != c.tooLarge || pump.RetryDelay(err) > 0 != c.delays {
			t.Errorf("%s: permanent %t, too large %t, wait %v", kind, pump.IsPermanent(err), errors.Is(err, pump.ErrTooLarge), pump.RetryDelay(err))
		}
	}
}

// Without keys and region in the configuration they come from where AWS's own programs look.
func TestDefaultChain(t *testing.T) {
	f := newFake(t)
	f.config.Region, f.config.KeyID, f.config.SecretKey = "", conf.Secret{}, conf.Secret{}
	dir := t.TempDir()
	for file, text := range map[string]string{
		"credentials": "[default]\naws_access_key_id = FROMFILE\naws_secret_access_key = hunter2\n",
		"config":      "[default]\nregion = us-west-1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	open(t, f)
	if !strings.Contains(f.auth, "FROMFILE") || !strings.Contains(f.auth, "/us-west-1/") {
		t.Errorf("signed %q", f.auth)
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "missing"))
	if _, err := f.Open(t.Context()); err == nil || pump.IsPermanent(err) || !strings.Contains(err.Error(), "aws_region") {
		t.Errorf("without a region: %v", err)
	}
	t.Setenv("AWS_REGION", "us-west-1")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "missing"))
	if _, err := f.Open(t.Context()); err == nil || pump.IsPermanent(err) {
		t.Errorf("without credentials: %v", err)
	}
}

// What AWS's packages say stands in our log, with the sender's name, and not between its lines.
func TestWhatTheSDKSaysIsLogged(t *testing.T) {
	var said bytes.Buffer
	c := newFake(t).config
	client, idle, err := c.client(t.Context(), slog.New(slog.NewTextHandler(&said, nil)).With("sender", "cw"))
	if err != nil {
		t.Fatal(err)
	}
	idle()
	log := client.Options().Logger
	log.Logf(logging.Debug, "details of %d bytes", 5)
	log.Logf(logging.Warn, "falling back to %s", "IMDSv1")
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg="the AWS SDK says" sender=cw text="falling back to IMDSv1"`) {
		t.Errorf("the log has %q", got)
	}
}

func TestValidate(t *testing.T) {
	for src, want := range map[string]string{
		`"aws_cloudwatch_log_group": "/a/b-c.d_e#1", "aws_cloudwatch_log_stream": "s t"`:                        "",
		`"aws_cloudwatch_log_group": "a:b", "aws_cloudwatch_log_stream": "s"`:                                   `aws_cloudwatch_log_group: must be 1 to 512 letters, digits and . - _ / #`,
		`"aws_cloudwatch_log_group": "g", "aws_cloudwatch_log_stream": "s*"`:                                    `aws_cloudwatch_log_stream: must be 1 to 512 characters other than : and *`,
		`"aws_cloudwatch_log_group": "g"`:                                                                       `aws_cloudwatch_log_stream: is required`,
		`"aws_cloudwatch_log_group": "g", "aws_cloudwatch_log_stream": "s", "aws_access_key_id": "i"`:           `aws_secret_access_key: is required together with aws_access_key_id`,
		`"aws_cloudwatch_log_group": "g", "aws_cloudwatch_log_stream": "s", "aws_secret_access_key": "hunter2"`: `aws_access_key_id: is required together with aws_secret_access_key`,
		`"aws_cloudwatch_log_group": "g", "aws_cloudwatch_log_stream": "s", "aws_endpoint_url": "localhost"`:    `aws_endpoint_url: must be http://HOST[:PORT] or https://HOST[:PORT]`,
	} {
		o, report := conf.Parse("f", []byte("{"+src+"}"))
		c := DefaultConfig()
		if o.Decode(c) {
			c.Validate(o)
		}
		var got []string
		for _, p := range report.Problems() {
			got = append(got, fmt.Sprintf("%s: %s", p.Path, p.Text))
		}
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, text, want)
		}
	}
}

// The share of our own code: splitting and making events, without the SDK's encoding.
func BenchmarkSplit(b *testing.B) {
	batch := sendertest.Batch(0, 10000, sendertest.Size(100))
	var events []event
	b.ReportAllocs()
	for b.Loop() {
		events = inOrder(events[:0], batch.Records)
		for rest := events; len(rest) > 0; {
			rest = rest[fit(rest, batch.Records):]
		}
	}
}

// Against a server in the same process that reads requests and no more.
func BenchmarkSend(b *testing.B) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer h.Close()
	c := &Config{Group: "g", Stream: "s", Region: "r", Endpoint: h.URL, KeyID: conf.NewSecret("i"), SecretKey: conf.NewSecret("k")}
	s, err := c.Open(b.Context(), "cw", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
}
