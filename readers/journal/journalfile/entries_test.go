package journalfile

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// all returns what is left in the list.
func all(tb testing.TB, step func() (uint64, bool, error)) (offs []uint64) {
	tb.Helper()
	for {
		off, ok, err := step()
		if err != nil {
			tb.Fatal(err)
		}
		if !ok {
			return offs
		}
		offs = append(offs, off)
	}
}

func TestEntriesBothWays(t *testing.T) {
	for name, l := range layouts() {
		for _, n := range []int{0, 1, 2, 3, 100} {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				w := sample(l, n)
				x := w.open(t).Entries()
				if got := all(t, x.Next); !slices.Equal(got, w.entries) {
					t.Errorf("forward: %v, want %v", got, w.entries)
				}
				back := slices.Clone(w.entries)
				slices.Reverse(back)
				if got := all(t, x.Prev); !slices.Equal(got, back) {
					t.Errorf("back: %v, want %v", got, back)
				}
				if err := x.SeekTail(); err != nil {
					t.Fatal(err)
				}
				if got := all(t, x.Prev); !slices.Equal(got, back) {
					t.Errorf("back from the tail: %v, want %v", got, back)
				}
			})
		}
	}
}

func TestNextAfterPrevIsTheSame(t *testing.T) {
	w := sample(layout{}, 40)
	x := w.open(t).Entries()
	for i := range uint64(40) {
		if err := x.SeekIndex(i); err != nil {
			t.Fatal(err)
		}
		off, ok, err := x.Next()
		if err != nil || !ok || off != w.entries[i] || x.Index() != i+1 {
			t.Fatalf("entry %d: %d, %v, %v, now at %d; want offset %d", i, off, ok, err, x.Index(), w.entries[i])
		}
		if off, ok, err = x.Prev(); err != nil || !ok || off != w.entries[i] || x.Index() != i {
			t.Fatalf("back over entry %d: %d, %v, %v, now at %d", i, off, ok, err, x.Index())
		}
	}
}

// dataList finds the list of a payload's entries.
func dataList(tb testing.TB, f *File, payload string) *Entries {
	tb.Helper()
	off, ok, err := f.FindData([]byte(payload))
	if err != nil || !ok {
		tb.Fatalf("finding %q: %v, %v", payload, ok, err)
	}
	x, err := f.DataEntries(off)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func TestDataEntries(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			w := sample(l, 100)
			f := w.open(t)
			for payload, want := range map[string][]uint64{
				"PRIORITY=3":                          pick(w.entries, func(i int) bool { return i%8 == 3 }),
				"_TRANSPORT=journal":                  w.entries,
				"MULTI=two8":                          pick(w.entries, func(i int) bool { return i%7 == 1 && i%10 == 8 }),
				"MESSAGE=number 7c":                   {w.entries[27]},
				fmt.Sprintf("_BOOT_ID=%x", testBoot2): w.entries[50:],
			} {
				x := dataList(t, f, payload)
				if n, err := x.Len(); err != nil || n != uint64(len(want)) {
					t.Errorf("%s: %d entries, %v; want %d", payload, n, err, len(want))
				}
				if got := all(t, x.Next); !slices.Equal(got, want) {
					t.Errorf("%s: %v, want %v", payload, got, want)
				}
				if got := all(t, x.Prev); !slices.Equal(got, reversed(want)) {
					t.Errorf("%s, back: %v, want %v", payload, got, reversed(want))
				}
			}
		})
	}
}

func pick(offs []uint64, want func(i int) bool) (picked []uint64) {
	for i, off := range offs {
		if want(i) {
			picked = append(picked, off)
		}
	}
	return picked
}

func reversed(offs []uint64) []uint64 {
	offs = slices.Clone(offs)
	slices.Reverse(offs)
	return offs
}

func TestSeek(t *testing.T) {
	for _, n := range []uint64{1, 2, 7, 100} {
		w := sample(layout{compact: true}, int(n))
		x := w.open(t).Entries()
		for i := range n + 3 {
			at := min(i, n)
			for what, seek := range map[string]func() error{
				"sequence number": func() error { return x.SeekSeqnum(i) },
				"realtime":        func() error { return x.SeekRealtime(testStart + i*1_000_000 + 1) },
				"same realtime":   func() error { return x.SeekRealtime(testStart + (i+1)*1_000_000) },
				"index":           func() error { return x.SeekIndex(i) },
				"offset": func() error {
					if i >= n {
						return x.SeekOffset(uint64(len(w.b)))
					}
					return x.SeekOffset(w.entries[i] - 1)
				},
			} {
				if err := seek(); err != nil || x.Index() != at {
					t.Errorf("%d of %d by %s: at %d, %v; want %d", i, n, what, x.Index(), err, at)
				}
			}
		}
	}
}

func TestFindMonotonic(t *testing.T) {
	w := newWriter(layout{})
	boots := [][16]byte{testBoot, testBoot2}
	for i := range uint64(20) { // two boots after each other, with the same times
		w.seqnum++
		w.addAt(boots[i/10], testStart+i, 100+i%10*10, "MESSAGE=x")
	}
	f := w.open(t)
	for i, tc := range []struct {
		boot [16]byte
		m    uint64
		want int // index, -1 for none
	}{
		{testBoot, 0, 0}, {testBoot, 100, 0}, {testBoot, 101, 1}, {testBoot, 190, 9}, {testBoot, 191, -1},
		{testBoot2, 0, 10}, {testBoot2, 145, 15}, {testBoot2, 190, 19}, {testBoot2, 191, -1}, {[16]byte{9}, 0, -1},
	} {
		off, ok, err := f.FindMonotonic(tc.boot, tc.m)
		if err != nil || ok != (tc.want >= 0) || ok && off != w.entries[tc.want] {
			t.Errorf("case %d: %d, %v, %v; want index %d", i, off, ok, err, tc.want)
		}
	}
}

func TestSeekRealtimeWithClockSetBack(t *testing.T) {
	w := newWriter(layout{})
	times := []uint64{10, 20, 30, 5, 6, 40, 50}
	for _, at := range times {
		w.seqnum++
		w.addAt(testBoot, testStart+at, 1, "MESSAGE=x")
	}
	x := w.open(t).Entries()
	for at := range uint64(60) {
		if err := x.SeekRealtime(testStart + at); err != nil {
			t.Fatal(err)
		}
		i := int(x.Index())
		if i < len(times) && times[i] < at || i > 0 && times[i-1] >= at {
			t.Errorf("at or after %d: index %d, where times are %v", at, i, times)
		}
	}
}

// A reader that got to the end goes on where it was when there is more, in whatever array that is.
func TestFollowing(t *testing.T) {
	for _, l := range []layout{{compact: true, keyed: true}, {}} {
		w := newWriter(l)
		path := w.write(t)
		f := openFile(t, path)
		x := f.Entries()
		var data *Entries
		for i := range 200 {
			if _, ok, err := x.Next(); ok || err != nil {
				t.Fatalf("%d entries: there is another one: %v, %v", i, ok, err)
			}
			w.add(testBoot, "MESSAGE=new", "N="+fmt.Sprint(i))
			overwrite(t, path, w.b)
			if n, err := f.NEntries(); err != nil || n != uint64(i+1) {
				t.Fatalf("NEntries: %d, %v", n, err)
			}
			if off, ok, err := x.Next(); !ok || err != nil || off != w.entries[i] {
				t.Fatalf("entry %d: %d, %v, %v", i, off, ok, err)
			}
			if data == nil {
				data = dataList(t, f, "MESSAGE=new")
			}
			if off, ok, err := data.Next(); !ok || err != nil || off != w.entries[i] {
				t.Fatalf("entry %d by its data: %d, %v, %v", i, off, ok, err)
			}
		}
		if len(x.arrays) < 5 || len(data.arrays) < 5 {
			t.Errorf("meant to see several arrays, not %d and %d", len(x.arrays), len(data.arrays))
		}
	}
}

// An entry may be counted before its slot, or the array the slot is in, can be seen.
func TestNotYet(t *testing.T) {
	for _, tc := range []struct {
		what  string
		state State
		n     int    // entries; arrays have 2, 4, 8... slots
		hide  uint64 // slots from the end that are not to be seen
		array bool   // hide the array
		ok    bool   // it is merely not there yet
	}{
		{"slot", Online, 5, 1, false, true},
		{"slot of a file nobody writes", Archived, 5, 1, false, false},
		{"array", Online, 7, 1, true, true},
		{"array of a file nobody writes", Offline, 7, 1, true, false},
		{"two slots", Online, 6, 2, false, false},
	} {
		t.Run(tc.what, func(t *testing.T) {
			w := sample(layout{}, tc.n)
			full := slices.Clone(w.b)
			w.b[headerState], full[headerState] = byte(tc.state), byte(tc.state)
			x := &Entries{f: w.open(t)}
			_ = all(t, x.Next)
			last := x.arrays[len(x.arrays)-1]
			if tc.array {
				w.put(x.arrays[len(x.arrays)-2].off+arrayNext, 0)
			}
			for i := range tc.hide {
				w.put(last.off+arrayItems+(uint64(tc.n)-last.first-1-i)*8, 0)
			}
			path := w.write(t)
			x = openFile(t, path).Entries()
			for i := range uint64(tc.n) - tc.hide {
				if off, ok, err := x.Next(); !ok || err != nil || off != w.entries[i] {
					t.Fatalf("entry %d: %d, %v, %v", i, off, ok, err)
				}
			}
			_, ok, err := x.Next()
			if !tc.ok {
				if !errors.Is(err, ErrCorrupt) || x.Index() != uint64(tc.n) {
					t.Fatalf("%v, %v, at %d; want ErrCorrupt and the end", ok, err, x.Index())
				}
				return
			}
			if ok || err != nil {
				t.Fatalf("%v, %v; want no entry yet", ok, err)
			}
			if err := x.SeekTail(); err != nil {
				t.Fatal(err)
			}
			if off, ok, err := x.Prev(); !ok || err != nil || off != w.entries[tc.n-2] {
				t.Errorf("back from the tail: %d, %v, %v", off, ok, err)
			}
			if _, _, err := x.Next(); err != nil {
				t.Error(err)
			}
			overwrite(t, path, full)
			if off, ok, err := x.Next(); !ok || err != nil || off != w.entries[tc.n-1] {
				t.Errorf("once it is there: %d, %v, %v", off, ok, err)
			}
		})
	}
}
