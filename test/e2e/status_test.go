package e2e

import (
	"encoding/json"
	"strings"
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
