package web

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// The charts are full at once on load, and however long it runs, no more is kept than they show.
func TestHistoryIsAQuarterOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		opts := Options{Agent: a}
		s := newSampler(&opts, newVitals(time.Now()))
		s.start(t.Context())
		defer s.stop()
		const minutes = 40
		time.Sleep(pointEvery / 10) // so that nothing happens just when it looks
		for range minutes * 60 {
			a.change("s", func(s *pump.SenderSnapshot) { s.SentRecords += 50 })
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if most := minutes*60/5 + 2; a.asked > most {
			t.Errorf("the agent was asked %d times in %d minutes although nobody watched, want at most %d", a.asked, minutes, most)
		}
		u, n := s.update(0)
		points := u.Senders[0].Points
		if len(points) != keepPoints || !u.Full {
			t.Fatalf("%d points, full: %t", len(points), u.Full)
		}
		if from, to := points[0], points[len(points)-1]; to.at.Sub(from.at) != (keepPoints-1)*pointEvery || time.Since(to.at) > pointEvery {
			t.Errorf("from %v to %v, now %v", from.at, to.at, time.Now())
		}
		for _, p := range points {
			if p.rate != 50 || p.entries != 9 || p.seconds == nil || *p.seconds != 1.5 || !p.known {
				t.Fatalf("got %+v", p)
			}
		}
		if u, _ := s.update(n); len(u.Senders[0].Points) != 0 || u.Full {
			t.Errorf("%d points come again", len(u.Senders[0].Points))
		}
		time.Sleep(pointEvery)
		synctest.Wait()
		if u, _ := s.update(n); len(u.Senders[0].Points) != 1 {
			t.Errorf("%d points were added, want 1", len(u.Senders[0].Points))
		}
	})
}

func TestWatchersSeeEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		opts := Options{Agent: a}
		s := newSampler(&opts, newVitals(time.Now()))
		s.start(t.Context())
		defer s.stop()
		time.Sleep(1200 * time.Millisecond)
		w, err := s.watch()
		if err != nil {
			t.Fatal(err)
		}
		defer s.unwatch(w)
		began := time.Now()
		<-w // at once
		if took := time.Since(began); took > 0 {
			t.Errorf("the first look came after %v", took)
		}
		for range 10 {
			<-w
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("ten more came within %v", took)
		}
	})
}

func TestSendersThatAreGoneAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		opts := Options{Agent: a}
		s := newSampler(&opts, newVitals(time.Now()))
		s.sample(t.Context(), true)
		a.snapshot.Readers["r"].Senders["new"] = pump.SenderSnapshot{}
		delete(a.snapshot.Readers["r"].Senders, "s")
		s.sample(t.Context(), false)
		u, _ := s.update(0)
		if text, err := json.Marshal(u); err != nil || !strings.Contains(string(text), `"points":[]`) {
			t.Errorf("a sender without points yet: %v %s", err, text)
		}
		time.Sleep(pointEvery)
		s.sample(t.Context(), true)
		if len(s.history.senders) != 1 || len(s.history.senders[senderKey{"r", "new"}]) != 1 {
			t.Errorf("kept: %+v", s.history.senders)
		}
	})
}

func TestPointsAsJSON(t *testing.T) {
	at := time.UnixMilli(1700000000123)
	for want, p := range map[string]point{
		`[1700000000123,12,1.3,4.6]`:  {at: at, known: true, entries: 12, seconds: new(1.26), rate: 4.5999},
		`[1700000000123,12,null,0]`:   {at: at, known: true, entries: 12},
		`[1700000000123,null,null,0]`: {at: at},
	} {
		if got, err := json.Marshal(p); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}
