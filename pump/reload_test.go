package pump_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

func TestReloadLeavesTheUnchangedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		var same, changed, gone, added testSender
		r.add("same", &same, nil)
		r.add("changed", &changed, nil)
		r.add("gone", &gone, nil)
		stop := r.start()
		time.Sleep(time.Second)

		next := r.spec
		next.Senders = []pump.SenderSpec{r.spec.Senders[0], r.spec.Senders[1]}
		next.Senders[1].Fingerprint = "changed2"
		next.Senders = append(next.Senders, pump.SenderSpec{Name: "added", Fingerprint: "a", View: &testView{}, Open: added.openFunc()})
		if err := r.pump.Reload(t.Context(), []pump.ReaderSpec{next}); err != nil {
			t.Fatal(err)
		}
		r.log.append(10)
		time.Sleep(time.Second)
		synctest.Wait()
		wantReceived(t, "same", &same, upTo(1, 20))
		wantReceived(t, "changed", &changed, upTo(1, 20))
		wantReceived(t, "gone", &gone, upTo(1, 10))
		wantReceived(t, "added", &added, upTo(1, 20))
		for name, s := range map[string]struct{ opens, closes, wantOpens, wantCloses int }{
			"same":    {same.opens, same.closes, 1, 0},
			"changed": {changed.opens, changed.closes, 2, 1},
			"gone":    {gone.opens, gone.closes, 1, 1},
			"added":   {added.opens, added.closes, 1, 0},
		} {
			if s.opens != s.wantOpens || s.closes != s.wantCloses {
				t.Errorf("%s was opened %d and closed %d times, want %d and %d", name, s.opens, s.closes, s.wantOpens, s.wantCloses)
			}
		}

		// A change of the reader itself starts all of it anew, where it was.
		next.Fingerprint = "r2"
		if err := r.pump.Reload(t.Context(), []pump.ReaderSpec{next}); err != nil {
			t.Fatal(err)
		}
		r.log.append(10)
		time.Sleep(time.Second)
		synctest.Wait()
		wantReceived(t, "same", &same, upTo(1, 30))
		wantReceived(t, "changed", &changed, upTo(1, 30))
		if same.opens != 2 || same.closes != 1 {
			t.Errorf("same was opened %d and closed %d times", same.opens, same.closes)
		}

		// Without the reader, it is gone from the state.
		if err := r.pump.Reload(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n := len(r.pump.Snapshot(t.Context()).Readers); n != 0 {
			t.Errorf("%d readers are left", n)
		}
		stop()
	})
}

func TestReloadMendsASenderThatCouldNotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		var s testSender
		good := *r.add("s", &s, nil)
		bad := &r.spec.Senders[0]
		bad.Open = failing(pump.Permanent(errors.New("bad certificate")))
		stop := r.start()
		time.Sleep(time.Second)
		next := r.spec
		good.Fingerprint = "s2"
		next.Senders = []pump.SenderSpec{good}
		if err := r.pump.Reload(t.Context(), []pump.ReaderSpec{next}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		stop()
		wantReceived(t, "s", &s, upTo(1, 10))
	})
}
