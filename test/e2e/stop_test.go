package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"journalpump/test/program"
)

// A stop takes stop_timeout, and not the minute that a destination that says nothing may take.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	var asked atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
		asked.Store(true)
		<-r.Context().Done()
	}))
	defer server.Close()
	config := s.configWith(object{"journal_path": numberedJournal(t, 100), "senders": object{
		"hole": object{"output_type": "logplex", "logplex_log_input_url": server.URL, "logplex_token": "t.1", "logplex_request_timeout": "5m"},
		"out":  s.sender("out"),
	}})
	const stopTimeout = 15 * time.Second // with the default of 10 s it would be over sooner, however busy the machine is
	config["stop_timeout"] = stopTimeout.Seconds()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))
	pump := program.Start(t, nil, s.config())
	out := newOutput(s.file("out"))
	program.Until(t, "one sender is done and the other hangs", func() bool {
		return asked.Load() && out.read(t).hasAll(map[string]int{"file": 100})
	})
	begun := time.Now()
	pump.Signal(t, syscall.SIGTERM)
	if r := pump.Wait(t); r.Code != 0 {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}
	if took := time.Since(begun); took < stopTimeout*4/5 { // the rest is for saving the state
		t.Errorf("the stop took %v", took)
	}
	asked.Store(false)
	pump = program.Start(t, nil, s.config())
	program.Until(t, "the next process asks again", asked.Load)
	pump.Kill(t)
	// The sender that was done was saved as such.
	out.read(t).exactly(t, map[string]int{"file": 100})
}
