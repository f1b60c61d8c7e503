package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"journalpump/internal/smalldisk"
	"journalpump/internal/spool"
	"journalpump/pump"
)

// rig is a guarded memLog whose guard does only what it is told.
type rig struct {
	t      *testing.T
	inner  *memLog
	opts   spool.Options
	log    *Log
	lanes  []*lane
	danger uint64 // up to here entries are in danger
	said   strings.Builder
}

// lane reads along, and what it has accepted may be behind.
type lane struct {
	it       pump.Iterator
	at       uint64 // as read
	saved    uint64 // as in the state file
	lost     uint64 // entries in gaps up to at
	seenGaps []pump.Gap
	lookBack time.Duration // an entry is a millisecond
}

func newRig(t *testing.T, rnd *rand.Rand, lanes int, bytes int64) *rig {
	t.Helper()
	r := &rig{t: t, inner: &memLog{rnd: rnd, first: 1}, opts: spool.Options{Dir: filepath.Join(t.TempDir(), "spool"), MaxBytes: bytes, SegmentBytes: 2000}}
	for range lanes {
		r.lanes = append(r.lanes, &lane{})
	}
	r.open()
	t.Cleanup(r.close)
	return r
}

func (r *rig) open() {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(&r.said, nil))
	s, _, err := openStore(r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.log = &Log{Log: r.inner, log: log, store: s, keeper: &keeper{store: s, inner: r.inner, log: log, copy: true}}
}

func (r *rig) close() {
	r.t.Helper()
	for _, l := range r.lanes {
		l.leave(r.t)
	}
	r.log.keeper.rest()
	if err := errors.Join(r.log.store.close(), r.inner.Close()); err != nil {
		r.t.Error(err)
	}
}

// restart is a kill -9: lanes go on from what was saved.
func (r *rig) restart() {
	r.t.Helper()
	r.close()
	r.open()
	for _, l := range r.lanes {
		l.at, l.lost = l.saved, 0
	}
}

func (r *rig) places() []pump.LanePlace {
	var places []pump.LanePlace
	for i, l := range r.lanes {
		places = append(places, pump.LanePlace{Sender: strconv.Itoa(i), Position: pos(l.saved), Lag: pump.Lag{Entries: int64(r.inner.last - l.saved)}, LookBack: l.lookBack})
	}
	return places
}

// keep lets the guard look.
func (r *rig) keep() {
	r.t.Helper()
	r.log.keeper.retry = time.Time{}
	if err := r.log.keeper.trim(r.places()); err != nil {
		r.t.Fatal(err)
	}
	r.log.keeper.keep(r.t.Context(), time.Now(), r.places(), func(p *pump.Position) bool { return p.Seqnum < min(r.danger, r.inner.last) })
	if r.log.keeper.it != nil {
		r.t.Error("an iterator stays open that would not see what comes and goes until the next look")
	}
}

// read reads a chunk for a lane and checks it: the entries that follow, and what is missing is said exactly.
func (r *rig) read(l *lane) bool {
	r.t.Helper()
	if l.it == nil {
		it, err := r.log.Open(r.t.Context(), pos(l.at))
		if err != nil {
			r.t.Fatal(err)
		}
		l.it = it
	}
	c, err := l.it.Next(r.t.Context())
	if errors.Is(err, pump.ErrNoMore) {
		return false
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if c.From != pos(l.at) {
		r.t.Fatalf("a chunk from %d follows one to %d", c.From.Seqnum, l.at)
	}
	next := l.at + 1
	for _, g := range c.Gaps {
		if g.First != next || g.Count != g.Last-g.First+1 {
			r.t.Fatalf("a gap %+v where %d comes next", g, next)
		}
		next = g.Last + 1
		l.lost += g.Count
	}
	l.seenGaps = append(l.seenGaps, c.Gaps...)
	for i := range c.Entries {
		n := c.Entries[i].Position.Seqnum
		message, _ := c.Lookup(i, "MESSAGE")
		priority, _ := c.Lookup(i, "PRIORITY")
		unit, _ := c.Lookup(i, "SYSTEMD_UNIT")
		if n != next || string(message) != fmt.Sprintf("entry %d \x00\xff", n) || (n%2 == 0) != (string(unit) == "a.service") || (n%2 == 1) != (string(priority) == "6") {
			r.t.Fatalf("entry %d with %q, %q, %q where %d comes next", n, message, unit, priority, next)
		}
		next++
	}
	if l.at = c.To.Seqnum; l.at != next-1 {
		r.t.Fatalf("a chunk to %d that ends with %d", l.at, next-1)
	}
	return true
}

func (l *lane) leave(t *testing.T) {
	t.Helper()
	if l.it != nil {
		if err := l.it.Close(); err != nil {
			t.Error(err)
		}
		l.it = nil
	}
}

// seeds is how many times a random test is run; GUARD_SEEDS sets it for longer ones.
func seeds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GUARD_SEEDS")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever happens, senders get what was logged, once and in order; as long as nothing vanishes that was not yet in danger, or
// had no room, nothing is missing, and else what is missing is said exactly.
func TestAnythingMayHappen(t *testing.T) {
	for name, c := range map[string]struct {
		bytes int64
		early bool // entries vanish that were in no danger
	}{
		"enough room": {1 << 20, false}, "surprises": {1 << 20, true}, "little room": {8 << 10, false}, "little room and surprises": {8 << 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(seeds(t)) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				r := newRig(t, rnd, 3, c.bytes)
				for _, l := range r.lanes {
					l.lookBack = time.Duration(rnd.IntN(3)*30) * time.Millisecond
				}
				for range 300 {
					l := r.lanes[rnd.IntN(len(r.lanes))]
					switch rnd.IntN(12) {
					case 0, 1, 2:
						r.inner.last += rnd.Uint64N(40)
					case 3, 4:
						r.danger = max(r.danger, r.inner.first+rnd.Uint64N(r.inner.last-r.inner.first+2))
						r.keep()
					case 5:
						if c.early {
							r.inner.first = max(r.inner.first, rnd.Uint64N(r.inner.last+2))
							break
						}
						r.keep() // what is in danger is kept before it vanishes, if there is room
						r.inner.first = max(r.inner.first, rnd.Uint64N(r.danger+1))
					case 6, 7, 8:
						r.read(l)
					case 9:
						l.saved = l.at
					case 10:
						l.leave(t)
					case 11:
						if rnd.IntN(4) == 0 {
							r.restart()
						}
					}
				}
				for _, l := range r.lanes {
					l.leave(t)
					for r.read(l) {
					}
					if l.saved = l.at; l.at != r.inner.last {
						t.Errorf("seed %d: a lane ends at %d of %d", seed, l.at, r.inner.last)
					}
					if len(l.seenGaps) > 0 && !c.early && c.bytes == 1<<20 {
						t.Errorf("seed %d: gaps %+v", seed, l.seenGaps)
					}
				}
				r.keep()
				if bytes, entries := r.log.store.size(); bytes != 0 || entries != 0 {
					t.Errorf("seed %d: %d bytes, %d entries are kept though nobody needs them", seed, bytes, entries)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// A full spool loses nothing that it has, and says so once.
func TestFullSpool(t *testing.T) {
	r := newRig(t, nil, 1, 4000)
	r.inner.last, r.danger = 5000, 5000
	r.keep()
	_, kept := r.log.store.size()
	r.keep()
	r.inner.first = 4001
	l := r.lanes[0]
	for r.read(l) {
	}
	if kept == 0 || l.lost != 4000-uint64(kept) || len(l.seenGaps) != 1 {
		t.Errorf("%d entries were kept, gaps %+v", kept, l.seenGaps)
	}
	if n := strings.Count(r.said.String(), "the spool is full"); n != 1 {
		t.Errorf("that the spool is full was said %d times:\n%s", n, r.said.String())
	}
	if len(r.log.keeper.uncovered(r.places())) != 1 {
		t.Error("a full spool covers everything")
	}
}

func TestNoRoomOnTheDisk(t *testing.T) {
	dir := smalldisk.New(t, 64)
	r := newRig(t, nil, 1, 1<<20)
	r.close()
	r.opts.Dir = filepath.Join(dir, "spool")
	r.opts.SegmentBytes = 8 << 10
	r.open()
	r.inner.last, r.danger = 50_000, 50_000
	r.keep()
	_, kept := r.log.store.size()
	r.restart()
	r.inner.first = 40_001
	l := r.lanes[0]
	for r.read(l) {
	}
	if kept == 0 || l.lost != 40_000-uint64(kept) {
		t.Errorf("%d entries were kept, gaps %+v", kept, l.seenGaps)
	}
	if !strings.Contains(r.said.String(), "the spool cannot be written") {
		t.Errorf("it said %s", r.said.String())
	}
}

// What is damaged in the spool is read from the journal if it is there still; else it is a gap, and what follows is not lost.
func TestDamagedSpool(t *testing.T) {
	for _, there := range []bool{true, false} {
		r := newRig(t, nil, 1, 1<<20)
		r.inner.last, r.danger = 1000, 1000
		r.lanes[0].at, r.lanes[0].saved = 5, 5
		r.keep()
		records := r.log.store.records
		if len(records) < 20 {
			t.Fatalf("%d records", len(records))
		}
		paths, err := filepath.Glob(filepath.Join(r.opts.Dir, "*.spool"))
		if err != nil || len(paths) < 3 {
			t.Fatal(paths, err)
		}
		data, err := os.ReadFile(paths[1])
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1 // the last body of the second segment
		if err := os.WriteFile(paths[1], data, 0o600); err != nil {
			t.Fatal(err)
		}
		r.restart()
		if !there {
			r.inner.first = 1001
		}
		l := r.lanes[0]
		for r.read(l) {
		}
		if want := uint64(10); there && l.lost != 0 || !there && (l.lost != want || len(l.seenGaps) != 1) {
			t.Errorf("the journal has it: %v; gaps %+v", there, l.seenGaps)
		}
		if !strings.Contains(r.said.String(), "cannot be read") {
			t.Errorf("it said %s", r.said.String())
		}
	}
}

// How far a sender is behind has what only the spool holds still.
func TestLag(t *testing.T) {
	r := newRig(t, nil, 1, 1<<20)
	r.inner.last, r.danger = 100, 50
	r.keep()
	for _, vacuumed := range []uint64{0, 30, 50} {
		r.inner.first = vacuumed + 1
		for _, at := range []uint64{0, 20, 23, 50, 57, 100} {
			lag, err := r.log.Lag(t.Context(), pos(at))
			if want := int64(100 - at); err != nil || lag.Entries != want {
				t.Errorf("%d vacuumed, at %d: %d entries, %v; want %d", vacuumed, at, lag.Entries, err, want)
			}
			if want := time.Duration(100-at) * time.Millisecond; at > 0 && lag.Age != want {
				t.Errorf("%d vacuumed, at %d: %v behind, want %v", vacuumed, at, lag.Age, want)
			}
		}
	}
}

func TestNothingIsKeptForThoseUpToDate(t *testing.T) {
	r := newRig(t, nil, 2, 1<<20)
	r.inner.last, r.danger = 1000, 1000
	for _, l := range r.lanes {
		l.at, l.saved = 1000, 1000
	}
	r.keep()
	if _, entries := r.log.store.size(); entries != 0 || r.inner.open != 0 {
		t.Errorf("%d entries are kept, %d iterators open", entries, r.inner.open)
	}
}

func FuzzRecord(f *testing.F) {
	l := &memLog{first: 3, last: 30}
	it, err := l.Open(f.Context(), pos(0))
	if err != nil {
		f.Fatal(err)
	}
	c, err := it.Next(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	var e encoder
	body, err := e.encode(c)
	if err != nil {
		f.Fatal(err)
	}
	p := placeOf(c)
	f.Add(p.append(nil), body, uint64(5))
	f.Add([]byte{}, []byte{}, uint64(0))
	f.Add([]byte{1}, e.zstd.EncodeAll([]byte{0, 0, 1}, nil), uint64(0))
	f.Fuzz(func(t *testing.T, meta, body []byte, after uint64) {
		if p, err := parsePlace(meta); err == nil {
			again, err := parsePlace(p.append(nil))
			if err != nil || fmt.Sprint(again) != fmt.Sprint(p) {
				t.Fatalf("%+v became %+v: %v", p, again, err)
			}
		}
		var d decoder
		defer d.close()
		at := pos(after)
		c := &pump.Chunk{}
		if d.decode(body, &at, c) != nil {
			return
		}
		for i := range c.Entries {
			for _, ref := range c.Fields(i) {
				_ = c.Field(ref)
			}
		}
	})
}
