package journalfile

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// Vectors from the SipHash paper's reference implementation (vectors_sip64): key 00..0f, message 00, 01, ...
func TestSiphash24(t *testing.T) {
	key := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	message := make([]byte, 64)
	for i := range message {
		message[i] = byte(i)
	}
	for n, want := range map[int]uint64{
		0:  0x726fdb47dd0e0e31,
		1:  0x74f839c593dc67fd,
		8:  0x93f5f5799a932462,
		15: 0xa129ca6149be45e5,
	} {
		if got := siphash24(key, message[:n]); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

// Vectors from the self test (driver5) of Bob Jenkins' lookup3.c with both seeds 0.
func TestJenkins(t *testing.T) {
	for in, want := range map[string]uint64{
		"":                               0xdeadbeefdeadbeef,
		"Four score and seven years ago": 0x17770551ce7226e6,
	} {
		if got := jenkins([]byte(in)); got != want {
			t.Errorf("%q: %x, want %x", in, got, want)
		}
	}
}

func TestFindData(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			w := sample(l, 60)
			f := w.open(t)
			for payload, want := range w.data {
				if off, ok, err := f.FindData([]byte(payload)); err != nil || !ok || off != want {
					t.Errorf("%.60q: %d, %v, %v; want %d", payload, off, ok, err, want)
				}
				longer := payload + "x"
				if off, ok, err := f.FindData([]byte(longer)); err != nil || ok != (w.data[longer] != 0) {
					t.Errorf("%.60q and x: %d, %v, %v", payload, off, ok, err)
				}
			}
			for _, payload := range []string{"", "=", "PRIORITY", "PRIORITY=", "PRIORITY=9"} {
				if off, ok, err := f.FindData([]byte(payload)); err != nil || ok {
					t.Errorf("%q: %d, %v, %v", payload, off, ok, err)
				}
			}
		})
	}
}

func TestFindDataInLargeFile(t *testing.T) {
	for _, compact := range []string{"0", "1"} {
		for _, keyed := range []string{"0", "1"} {
			t.Run(compact+keyed, func(t *testing.T) {
				t.Parallel()
				f := openFile(t, remote(t, t.TempDir(), 3000, "SYSTEMD_JOURNAL_COMPACT="+compact, "SYSTEMD_JOURNAL_KEYED_HASH="+keyed))
				findAll(t, f)
			})
		}
	}
}

// findAll looks up every payload of every entry, and the entry in the payload's list.
func findAll(t *testing.T, f *File) {
	t.Helper()
	var e Entry
	var buf []byte
	seen := map[uint64]bool{}
	for _, entry := range all(t, f.Entries().Next) {
		if err := f.ReadEntry(entry, &e); err != nil {
			t.Fatal(err)
		}
		for _, item := range e.Items {
			if seen[item] {
				continue
			}
			seen[item] = true
			var info DataInfo
			var err error
			if buf, info, err = f.AppendData(buf[:0], item, 0); err != nil {
				t.Fatal(err)
			}
			if off, ok, err := f.FindData(buf); err != nil || !ok || off != item {
				t.Fatalf("%.60q: found at %d, %v, %v; it is at %d", buf, off, ok, err, item)
			}
			list, err := f.DataEntries(item)
			if err != nil {
				t.Fatal(err)
			}
			if off, ok, err := list.Next(); err != nil || !ok || off != entry {
				t.Fatalf("%.60q: first entry %d, %v, %v; want %d", buf, off, ok, err, entry)
			}
			if n, err := f.DataNEntries(item); err != nil || n != info.NEntries || n != 1+uint64(len(all(t, list.Next))) {
				t.Fatalf("%.60q: %d entries, %v; its header says %d", buf, n, err, info.NEntries)
			}
		}
	}
}

func TestFieldValues(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			w := sample(l, 60)
			f := w.open(t)
			for field := range w.fields {
				var want, got []string
				for payload := range w.data {
					if strings.HasPrefix(payload, field+"=") {
						want = append(want, payload)
					}
				}
				err := f.FieldValues(field, func(off uint64) bool {
					b, _, err := f.AppendData(nil, off, 0)
					if err != nil {
						t.Error(err)
					}
					got = append(got, string(b))
					return true
				})
				slices.Sort(want)
				slices.Sort(got)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%s: %.300q, %v; want %.300q", field, got, err, want)
				}
			}
			calls := 0
			if err := f.FieldValues("MESSAGE", func(uint64) bool { calls++; return calls < 3 }); err != nil || calls != 3 {
				t.Errorf("stopped after 3: %d calls, %v", calls, err)
			}
			if err := f.FieldValues("NONE", func(uint64) bool { t.Error("called"); return false }); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestChainsThatLoop(t *testing.T) {
	w := sample(layout{}, 60)
	for payload, off := range w.data { // all chains go back to where they are
		w.put(off+dataNextHash, off)
		if strings.HasPrefix(payload, "MESSAGE=") {
			w.put(off+dataNextField, w.data["MESSAGE=number 0a"])
		}
	}
	f := w.open(t)
	if _, ok, err := f.FindData([]byte("NO=such")); ok || !errors.Is(err, ErrCorrupt) {
		t.Errorf("data: %v, %v", ok, err)
	}
	n := 0
	if err := f.FieldValues("MESSAGE", func(uint64) bool { n++; return true }); !errors.Is(err, ErrCorrupt) || n > len(w.b) {
		t.Errorf("values: %d, %v", n, err)
	}
	for _, back := range []uint64{0, 64, 4096} { // an entry array that is followed by itself, or by one before
		w := sample(layout{}, 60)
		x := w.open(t).Entries()
		_ = all(t, x.Next)
		last := x.arrays[3].off
		w.put(last+arrayNext, max(last-back, 8))
		x = w.open(t).Entries()
		for x.Index() < 60 {
			before := x.Index()
			if _, _, err := x.Next(); err != nil && !errors.Is(err, ErrCorrupt) || x.Index() <= before {
				t.Fatalf("at %d: %v, now at %d", before, err, x.Index())
			}
		}
	}
}

func TestHostileCounts(t *testing.T) {
	for _, n := range []uint64{1 << 20, 1 << 40, 1<<64 - 1} {
		w := sample(layout{}, 60)
		w.put(headerNEntries, n)
		data := w.data["PRIORITY=3"]
		w.put(data+dataNEntries, n)
		f := w.open(t)
		lists := []*Entries{f.Entries(), dataList(t, f, "PRIORITY=3")}
		for i, x := range lists {
			got, failed := 0, 0
			for failed < 100 {
				_, ok, err := x.Next()
				if err != nil {
					failed++
					continue
				}
				if !ok {
					break
				}
				got++
			}
			if want := []int{60, 8}[i]; got != want || failed == 0 || failed > 5 {
				t.Errorf("%d claimed: %d entries, %d errors", n, got, failed)
			}
			if err := x.SeekSeqnum(30); err != nil {
				t.Fatal(err)
			}
			off, ok, err := x.Next()
			var e Entry
			if err != nil || !ok || f.ReadEntry(off, &e) != nil || e.Seqnum <= 30 || e.Seqnum > 38 {
				t.Errorf("%d claimed: sought 31, got %d, %v, %v", n, e.Seqnum, ok, err)
			}
			if err := x.SeekTail(); err != nil {
				t.Fatal(err)
			}
			back := 0
			for range 10 {
				if _, ok, err := x.Prev(); err == nil && ok {
					back++
				}
			}
			if back < 5 {
				t.Errorf("%d claimed: only %d entries back from the tail", n, back)
			}
		}
	}
}

func TestEntryWithTooManyItems(t *testing.T) {
	w := newWriter(layout{compact: true})
	w.add(testBoot, "MESSAGE=x")
	body := make([]byte, entryItems-objectHeader+4*(maxItems+1))
	for i, v := range []uint64{1, testStart, 1} {
		binary.LittleEndian.PutUint64(body[8*i:], v)
	}
	off := w.object(typeEntry, 0, body)
	f := w.open(t)
	var e Entry
	if err := f.ReadEntry(off, &e); !errors.Is(err, ErrCorrupt) || cap(e.Items) > maxItems {
		t.Errorf("%v, room for %d items", err, cap(e.Items))
	}
}
