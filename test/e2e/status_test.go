package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// status says how the senders are doing, also that nobody runs them.
func TestStatus(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := newSetup(t)
	s.write(t, object{"journal_path": j.Dir})
	if r := program.Run(t, "status", s.config()); r.Code != 1 || !strings.Contains(r.Output, "has the agent been started?") {
		t.Errorf("before the first start: exit status %d, %s", r.Code, r.Output)
	}
	conn := j.Native(t)
	for n := range 50 {
		if err := conn.Message(number{"native", n + 1}.String()); err != nil {
			t.Fatal(err)
		}
	}
	j.Sync(t)

	pump := program.Start(t, nil, s.config())
	report := func() (healthy bool, sent int64, state string) {
		var got struct {
			Healthy bool `json:"healthy"`
			Senders []struct {
				State string `json:"state"`
				Sent  int64  `json:"sent"`
				Lag   int64  `json:"lag_entries"`
			} `json:"senders"`
		}
		r := program.Run(t, "status", "--json", s.config())
		if err := json.Unmarshal([]byte(r.Output), &got); err != nil || len(got.Senders) != 1 {
			return false, 0, r.Output
		}
		if got.Healthy != (r.Code == 0) {
			t.Errorf("healthy %t, exit status %d", got.Healthy, r.Code)
		}
		return got.Healthy, got.Senders[0].Sent, got.Senders[0].State
	}
	program.Until(t, "all is sent and said to be", func() bool {
		healthy, sent, state := report()
		return healthy && sent >= 50 && state == "ok"
	})
	pump.Stop(t)
	if healthy, _, state := report(); healthy || state != "stopped" {
		t.Errorf("after a stop: healthy %t, %s", healthy, state)
	}
	for _, path := range []string{s.config(), s.state()} {
		if r := program.Run(t, "status", path); !strings.Contains(r.Output, "stopped") || r.Code != 1 {
			t.Errorf("%s: exit status %d, %s", path, r.Code, r.Output)
		}
	}
}

// A sender whose first batch was in flight when the agent was killed is in trouble, although nothing says how late it is.
func TestStatusNothingAccepted(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-answer
	}))
	defer server.Close()
	defer close(answer)
	s := newSetup(t)
	s.write(t, object{
		"journal_path": numberedJournal(t, 3), "initial_position": "head",
		"senders": object{"out": object{
			"output_type": "logplex", "logplex_log_input_url": server.URL, "logplex_token": "t.1", "max_send_interval": 0.05,
		}},
	})
	pump := program.Start(t, nil, s.config())
	<-asked
	program.Until(t, "the state says that there are entries", func() bool {
		return strings.Contains(program.Run(t, "status", "--json", s.state()).Output, `"lag_entries":3,`)
	})
	pump.Kill(t)
	for _, path := range []string{s.config(), s.state()} {
		r := program.Run(t, "status", "--max-lag", "1ms", path)
		if r.Code != 1 || !strings.Contains(r.Output, "behind") || !strings.Contains(r.Output, "none was ever accepted") {
			t.Errorf("%s: exit status %d, %s", path, r.Code, r.Output)
		}
	}
	if r := program.Run(t, "status", "--max-lag", "1h", s.config()); r.Code != 0 { // it may take its time
		t.Errorf("with an hour to go: exit status %d, %s", r.Code, r.Output)
	}
}
