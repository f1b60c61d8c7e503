package pump_test

import (
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

func TestBatchesKeepTheirLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		var s testSender
		r.add("s", &s, nil).Limits = pump.BatchLimits{Records: 7, Bytes: 15, Age: time.Second}
		r.opts.Once = true
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 1000))
		for i, n := range s.sizes {
			if n > 7 || (i > 20 && i < 190 && n != 5) { // three digits each: five fit into 15 bytes
				t.Errorf("batch %d has %d records", i, n)
			}
		}
	})
}

func TestABatchWaitsNoLongerThanItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		var s testSender
		r.add("s", &s, nil).Limits.Age = 2 * time.Second
		stop := r.start()
		defer stop()
		synctest.Wait()
		r.log.append(3)
		time.Sleep(2*time.Second - time.Millisecond)
		wantReceived(t, "early", &s, nil)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		wantReceived(t, "s", &s, upTo(1, 3))
	})
}
