package websocket

import (
	"strings"
	"testing"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func open(t *testing.T, c *Config) pump.Sender {
	t.Helper()
	s, err := c.Open(t.Context(), "ws", testLog(t))
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

func bodies(texts ...string) pump.Batch {
	return sendertest.Batch(0, len(texts), sendertest.Bodies(func(n int) []byte { return []byte(texts[n]) }))
}

// What goes over the wire is what the original sends, byte by byte.
func TestWireFormat(t *testing.T) {
	entries := []string{`{"a": 1}`, `{"b": 2}`, `{"c": "` + strings.Repeat("x", 40) + `"}`, `{"d": 4}`}
	for name, c := range map[string]struct {
		set     func(*Config)
		headers map[string]string
		want    []string // messages
	}{
		"default": {
			func(*Config) {},
			map[string]string{"Journalpump-Batch-Size": "1048576", "Journalpump-Compression": "snappy"},
			[]string{strings.Join(entries, "\x00")},
		},
		"no compression": {
			func(c *Config) { c.Compression = None },
			map[string]string{"Journalpump-Batch-Size": "1048576", "Journalpump-Compression": ""},
			[]string{strings.Join(entries, "\x00")},
		},
		"full batches": {
			func(c *Config) { c.Compression, c.MaxBatchSize = None, 17 },
			map[string]string{"Journalpump-Batch-Size": "17"},
			[]string{entries[0] + "\x00" + entries[1], entries[2], entries[3]},
		},
		"one byte less": {
			func(c *Config) { c.Compression, c.MaxBatchSize = None, 16 },
			map[string]string{"Journalpump-Batch-Size": "16"},
			entries,
		},
		"no batches": {
			func(c *Config) { c.Compression, c.MaxBatchSize = None, 0 },
			map[string]string{"Journalpump-Batch-Size": ""},
			entries,
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultConfig()
			c.set(config)
			s := newServer(t, config)
			if err := open(t, config).Send(t.Context(), bodies(entries...)); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range s.messages {
				if c.headers["Journalpump-Compression"] == "snappy" {
					if m, _ = snappy.Decode(nil, m); m == nil {
						t.Fatal("not snappy's block format")
					}
				}
				got = append(got, string(m))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			r := s.request()
			for h, want := range c.headers {
				if got := r.Header.Get(h); got != want {
					t.Errorf("%s is %q, want %q", h, got, want)
				}
			}
			if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "journalpump/") || len(agent) < 13 {
				t.Errorf("User-Agent is %q", agent)
			}
			if r.URL.Path != "/logs" || r.Header.Get("Sec-WebSocket-Extensions") != "" {
				t.Errorf("asked for %s, extensions %q", r.URL, r.Header.Get("Sec-WebSocket-Extensions"))
			}
		})
	}
}

func TestDeflateIsOffered(t *testing.T) {
	c := DefaultConfig()
	c.WebsocketCompression = Deflate
	s := newServer(t, c)
	open(t, c)
	if got := s.request().Header.Get("Sec-WebSocket-Extensions"); got != "permessage-deflate" {
		t.Errorf("offered %q", got)
	}
}

// Python's servers may say something; the original reads and ignores it.
func TestWhatTheServerSaysIsIgnored(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c, func(s *server) { s.hello = strings.Repeat("hello ", 1<<19) })
	sender := open(t, c)
	for i := range 3 {
		if err := sender.Send(t.Context(), sendertest.Batch(i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if requests, messages := s.counts(); requests != 1 || messages != 3 {
		t.Errorf("%d connections, %d messages", requests, messages)
	}
}

// A connection that ended while there was nothing to send is no reason for an error.
func TestIdleConnectionIsMadeAnew(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c)
	opened := open(t, c)
	for i := range 3 {
		if err := opened.Send(t.Context(), sendertest.Batch(i, 1)); err != nil {
			t.Fatal(err)
		}
		if err := opened.(pump.Committer).Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.drop()
		<-opened.(*sender).link.done
	}
	if requests, messages := s.counts(); requests != 3 || messages != 3 {
		t.Errorf("%d connections, %d messages", requests, messages)
	}
}

// A server that died had read more than its application had seen.
func TestWhatWasNotCommittedIsSentAgainWhenTheConnectionBreaks(t *testing.T) {
	c := DefaultConfig()
	s := newServer(t, c)
	opened := open(t, c).(*sender)
	for name, call := range map[string]func() error{
		"Commit": func() error { return opened.Commit(t.Context()) },
		"Send":   func() error { return opened.Send(t.Context(), sendertest.Batch(1, 1)) },
	} {
		if err := opened.Send(t.Context(), sendertest.Batch(0, 1)); err != nil {
			t.Fatal(err)
		}
		s.drop()
		<-opened.link.done
		if err := call(); err == nil || !strings.Contains(err.Error(), "committed") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}
