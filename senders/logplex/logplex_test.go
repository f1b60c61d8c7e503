package logplex

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "t.d6799f88-4a77-402f-b197-2b722a02cdbc"

func logger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func settings(url string) *Config {
	c := DefaultConfig()
	c.InputURL, c.Token = conf.NewSecret(url), conf.NewSecret(token)
	return c
}

func open(t *testing.T, c *Config) pump.Sender {
	t.Helper()
	s, err := c.Open(t.Context(), "test", logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T) sendertest.Destination {
			t.Helper()
			return newServer(t)
		},
		Lacks: map[sendertest.Fault]string{
			sendertest.RefusePart:  "one answer is for the whole request",
			sendertest.BreakWithin: "a request that did not come whole is not taken",
			sendertest.CommitFails: "the sender is no Committer",
		},
		Want: func(r *pump.Record) []byte {
			e := encoder{token: token}
			return e.appendMessage(nil, r)
		},
	})
}

func TestMessages(t *testing.T) {
	const head = "1 2026-11-04T05:06:07.000089Z "
	at := time.Date(2026, 11, 4, 5, 6, 7, 89_000, time.UTC)
	for _, test := range []struct{ body, want string }{
		{`{"PRIORITY": 3, "HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "sshd", "PID": 4711, "MESSAGE": "a message"}`, "<187>" + head + "web1 " + token + " sshd.4711 - a message"},
		{`{}`, "<190>" + head + "localhost " + token + " - - -"},
		{`{"PID": 1, "MESSAGE": "a\nb\u0000☃"}`, "<190>" + head + "localhost " + token + " 1 - a\nb#000☃"},
		{`{"SYSTEMD_UNIT": "my app", "HOSTNAME": "a b", "SYSLOG_FACILITY": "4", "PRIORITY": "x"}`, "<190>" + head + "a_b " + token + " my_app - -"},
	} {
		b := sendertest.Batch(0, 1, sendertest.Times(at, 0), sendertest.Bodies(func(int) []byte { return []byte(test.body) }))
		e := encoder{token: token}
		got := string(e.encode(b.Records))
		if want := strconv.Itoa(len(test.want)) + " " + test.want; got != want {
			t.Errorf("%s:\n%q, want\n%q", test.body, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct{ settings, want string }{
		{`{"logplex_log_input_url": "https://h/logs", "logplex_token": "t.1"}`, ""},
		{`{"logplex_token": "t.1"}`, "logplex_log_input_url: is required"},
		{`{"logplex_log_input_url": "ftp://u:hunter2@h/", "logplex_token": "t.1"}`, "must be a URL"},
		{`{"logplex_log_input_url": "https://h/\u0001hunter2", "logplex_token": "t.1"}`, "must be a URL"},
		{`{"logplex_log_input_url": "https://h/"}`, "logplex_token: is required"},
		{`{"logplex_log_input_url": "https://h/", "logplex_token": "hunter2 hunter2"}`, "logplex_token: has characters"},
		{`{"logplex_log_input_url": "https://h/", "logplex_token": "t.1", "logplex_request_timeout": 0}`, "must not be 0"},
		{`{"logplex_log_input_url": "https://h/", "logplex_token": "t.1", "logplex_insecure": true, "ca": "x"}`, "ca: is not used"},
	} {
		c := DefaultConfig()
		o, report := conf.Parse("f", []byte(test.settings))
		o.Decode(c)
		c.Validate(o)
		var got strings.Builder
		for _, p := range report.Problems() {
			got.WriteString(p.String() + "\n")
		}
		if test.want == "" && got.Len() > 0 || !strings.Contains(got.String(), test.want) || strings.Contains(got.String(), "hunter2") {
			t.Errorf("%s:\n%swant %q", test.settings, got.String(), test.want)
		}
	}
}

func TestTheFrameIDIsOfTheBatch(t *testing.T) {
	srv := newServer(t)
	s, err := srv.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	srv.Script(sendertest.BreakAfter)
	for range 2 {
		err = s.Send(t.Context(), sendertest.Batch(0, 10))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []pump.Batch{sendertest.Batch(10, 10), sendertest.Batch(0, 9)} {
		if err := s.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	f := srv.frames
	if len(f) != 4 || f[0] == "" || f[0] != f[1] || f[2] == f[0] || f[3] == f[0] || f[2] == f[3] {
		t.Errorf("frames %q", f)
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		status    int
		header    string
		permanent bool
		tooLarge  bool
		after     time.Duration
		want      string
	}{
		{status: 200},
		{status: 202},
		{status: 302, want: "302 Found"},
		{status: 400, permanent: true, want: "400 Bad Request: nonsense in the body"},
		{status: 401, want: "logplex_token was not accepted"},
		{status: 403, want: "logplex_token was not accepted"},
		{status: 404, want: "404 Not Found"},
		{status: 413, tooLarge: true, want: "413"},
		{status: 422, permanent: true, want: "422"},
		{status: 429, header: "3", after: 3 * time.Second, want: "429"},
		{status: 503, header: "999999999999", after: time.Hour, want: "503"},
		{status: 503, header: "-1", want: "503"},
		{status: 500, header: "soon", want: "500"},
	} {
		t.Run(strconv.Itoa(test.status)+test.header, func(t *testing.T) {
			requests := 0
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Location", "/elsewhere")
				if test.header != "" {
					w.Header().Set("Retry-After", test.header)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, "nonsense\nin the  body of "+token)
			}))
			defer h.Close()
			err := open(t, settings(h.URL)).Send(t.Context(), sendertest.Batch(0, 1))
			if requests != 1 {
				t.Errorf("%d requests", requests)
			}
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), token) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if pump.IsPermanent(err) != test.permanent || errors.Is(err, pump.ErrTooLarge) != test.tooLarge || pump.RetryDelay(err) != test.after {
				t.Errorf("permanent %v, too large %v, after %v: %v", pump.IsPermanent(err), errors.Is(err, pump.ErrTooLarge), pump.RetryDelay(err), err)
			}
		})
	}
}

func TestTheServersCertificate(t *testing.T) {
	srv := newServer(t)
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"system's authorities", func(*Config) {}, "certificate"},
		{"ca", func(c *Config) { c.CA = srv.ca() }, ""},
		{"insecure", func(c *Config) { c.Insecure = true }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := settings(srv.http.URL + "/logs")
			test.change(c)
			err := open(t, c).Send(t.Context(), sendertest.Batch(0, 1))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || pump.IsPermanent(err)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	c := settings(srv.http.URL)
	c.CA = "/nonexistent"
	if _, err := c.Open(t.Context(), "test", logger(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestErrorsDoNotShowTheURL(t *testing.T) {
	c := settings("http://u:hunter2@127.0.0.1:1/?key=hunter2")
	err := open(t, c).Send(t.Context(), sendertest.Batch(0, 1))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

func TestTimeout(t *testing.T) {
	srv := newServer(t)
	c := settings(srv.http.URL + "/logs")
	c.CA, c.RequestTimeout = srv.ca(), conf.Duration(50*time.Millisecond)
	srv.Script(sendertest.Hang)
	s := open(t, c)
	if err := s.Send(t.Context(), sendertest.Batch(0, 1)); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("error %v", err)
	}
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	b := sendertest.Batch(0, 100)
	e := encoder{token: token}
	e.encode(b.Records)
	if n := testing.AllocsPerRun(10, func() { e.encode(b.Records) }); n > 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func BenchmarkSend(b *testing.B) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer h.Close()
	s, err := settings(h.URL).Open(b.Context(), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
}
