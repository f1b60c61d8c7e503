package elasticsearch

import (
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

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
