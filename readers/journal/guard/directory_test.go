package guard

import (
	"testing"
	"time"

	"journalpump/pump"
)

var began = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// files returns n files of a MiB, each with 100 entries and an hour; the last is active.
func files(from, n int) []*file {
	var all []*file
	for i := from; i < from+n; i++ {
		all = append(all, &file{
			inode: inode{1, uint64(i) + 1}, size: mib, active: i == from+n-1, seqnumID: pump.ID128{1}, tail: uint64(i+1) * 100, entries: 100,
			from: uint64(began.Add(time.Duration(i) * time.Hour).UnixMicro()), to: uint64(began.Add(time.Duration(i+1) * time.Hour).UnixMicro()),
		})
	}
	return all
}

func at(seqnum uint64) *pump.Position {
	var p pump.Position
	if seqnum == 0 {
		return &p
	}
	p.SeqnumID, p.Seqnum, p.Realtime = pump.ID128{1}, seqnum, uint64(began.Add(time.Duration(seqnum)*time.Hour/100).UnixMicro())
	p.Parts = pump.HasSeqnum | pump.HasRealtime
	return &p
}

func TestLoss(t *testing.T) {
	now := began.Add(10 * time.Hour)
	of := func(l limits) *directory {
		l.known = l != limits{}
		d := &directory{path: "/not/there", limits: l}
		d.update(now, files(0, 10)) // 10 MiB in 10 hours
		return d
	}
	for _, c := range []struct {
		name  string
		d     *directory
		after uint64
		room  int64
		in    time.Duration
		known bool
	}{
		{"nothing known", of(limits{}), 0, 0, 0, false},
		{"nothing known, third file", of(limits{}), 250, 2 * mib, 2 * time.Hour, false},
		{"room left", of(limits{use: 15 * mib, files: 100}), 0, 5 * mib, 5 * time.Hour, true},
		{"room left, third file", of(limits{use: 15 * mib, files: 100}), 200, 7 * mib, 7 * time.Hour, true},
		{"full", of(limits{use: 10 * mib, files: 100}), 50, 0, 0, true},
		{"over", of(limits{use: 2 * mib, files: 100}), 550, 5 * mib, 5 * time.Hour, true},
		{"the file that is written", of(limits{use: 10 * mib, files: 100}), 950, 9 * mib, 9 * time.Hour, true},
		{"few files", of(limits{use: 100 * mib, files: 12}), 0, 2 * mib, 2 * time.Hour, true},
		{"not before the next file begins", of(limits{use: 10 * mib, files: 100, fileSize: 3 * mib}), 0, 0, 2 * time.Hour, true},
		{"nor the one after", of(limits{use: 13 * mib, files: 100, fileSize: 3 * mib}), 0, 3 * mib, 5 * time.Hour, true},
		{"too old", of(limits{use: 100 * mib, files: 100, retention: 11 * time.Hour}), 0, 90 * mib, time.Hour, true},
	} {
		l, ok := c.d.lossOf(at(c.after), now)
		if !ok || l.room != c.room || l.in.Round(time.Second) != c.in || l.known != c.known {
			t.Errorf("%s: room %d, in %v, known %v (%v); want %d, %v, %v", c.name, l.room, l.in, l.known, ok, c.room, c.in, c.known)
		}
	}
	if l, ok := of(limits{}).lossOf(at(1000), now); ok {
		t.Errorf("up to date, and yet %+v", l)
	}
}

// Where nobody knows the limits, what was deleted tells.
func TestObservedLimit(t *testing.T) {
	d := &directory{path: "/not/there"}
	now := began.Add(10 * time.Hour)
	d.update(now, files(0, 10))
	d.update(now, files(1, 9)) // what was written is gone
	if l, _ := d.lossOf(at(0), now); !l.known || l.room != mib {
		t.Errorf("%+v after the tenth MiB was too much", l)
	}
	archived := files(1, 9)
	archived[8].active = false // renamed: the inode stays
	d.update(now, archived)
	if l, _ := d.lossOf(at(0), now); !l.known || l.room != mib {
		t.Errorf("%+v after a file was archived", l)
	}
	d.update(now, files(1, 11))
	if l, _ := d.lossOf(at(0), now); l.known {
		t.Errorf("%+v though there is more now", l)
	}
}

// A burst counts, not only what was usual.
func TestPace(t *testing.T) {
	d := &directory{path: "/not/there"}
	now := began.Add(10 * time.Hour)
	grow := func(entries uint64) {
		all := files(0, 10)
		all[9].tail += entries
		d.update(now, all)
	}
	grow(0)
	usual := d.pace
	for i := range uint64(10) {
		now = now.Add(time.Second)
		grow(100 * (i + 1)) // a MiB a second
	}
	if d.pace < 1000*usual {
		t.Errorf("%.0f bytes a second in a burst, usually %.0f", d.pace, usual)
	}
	for range 10 {
		now = now.Add(10 * time.Second)
		grow(1000)
	}
	if d.pace > 2*usual {
		t.Errorf("%.0f bytes a second after the burst, usually %.0f", d.pace, usual)
	}
}

func TestSpeak(t *testing.T) {
	type look struct {
		at, in time.Duration
		lag    int64
		speak  bool
	}
	for name, looks := range map[string][]look{
		"a sender that is stuck": {
			{0, 4 * time.Hour, 1000, false}, {20 * time.Second, 4 * time.Hour, 1000, false}, {30 * time.Second, 4 * time.Hour, 1001, true},
			{time.Minute, 4 * time.Hour, 1002, false}, {59 * time.Minute, 3 * time.Hour, 5000, false}, {61 * time.Minute, 3 * time.Hour, 6000, true},
			{100 * time.Minute, 90 * time.Minute, 7000, true},
		},
		"hurry": {
			{0, 10 * time.Second, 10, false}, {time.Second, 9 * time.Second, 10, false}, {4 * time.Second, 6 * time.Second, 10, true},
			{7 * time.Second, 2 * time.Second, 10, false}, {15 * time.Second, 0, 10, true}, {16 * time.Second, 0, 10, false},
		},
		"a sender that catches up": {
			{0, time.Minute, 1000, false}, {20 * time.Second, time.Minute, 700, false}, {40 * time.Second, time.Minute, 400, false}, {80 * time.Second, time.Minute, 1, false},
		},
		"one that does not any more": {
			{0, time.Minute, 1000, false}, {20 * time.Second, time.Minute, 700, false}, {50 * time.Second, 50 * time.Second, 699, true},
		},
	} {
		var d *danger
		for _, s := range looks {
			now := began.Add(s.at)
			if d == nil {
				d = &danger{began: now, lag: s.lag}
			}
			if got := d.speak(now, s.in, s.lag); got != s.speak {
				t.Errorf("%s, after %v with %v left: said %v, want %v", name, s.at, s.in, got, s.speak)
			}
		}
	}
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		age, in time.Duration
		want    bool
	}{
		{time.Hour, time.Hour, true}, {time.Hour, 2 * time.Hour, false}, {100 * time.Hour, 23 * time.Hour, true}, {100 * time.Hour, 25 * time.Hour, false},
	} {
		l := loss{since: began.Add(-c.age), in: c.in}
		if got := l.near(began); got != c.want {
			t.Errorf("an entry of %v, %v before it is deleted: near %v, want %v", c.age, c.in, got, c.want)
		}
	}
}
