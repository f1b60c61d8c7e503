package journalfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// overwrite changes a file in place, as its writer does.
func overwrite(tb testing.TB, path string, b []byte) {
	tb.Helper()
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close()
	if _, err := out.WriteAt(b, 0); err != nil {
		tb.Fatal(err)
	}
}

// maxDamagedField is what exercise lets a field have.
const maxDamagedField = 1 << 20

// exercise reads everything there is in every way, as far as steps go, and returns how many entries it could read. Errors
// must be of the documented kinds. A copy must say the same as a mapping.
func exercise(tb testing.TB, path string, steps int) (entries int) {
	tb.Helper()
	entries, said := exerciseFile(tb, path, nil, steps)
	if st, err := os.Stat(path); err == nil && st.Size() <= maxExercisedCopy {
		copied, saidToo := exerciseFile(tb, path, usedMemory(int(st.Size())), steps)
		if copied != entries || saidToo != said {
			tb.Errorf("%d entries in a copy, %d in a mapping; what they say is the same: %v", copied, entries, saidToo == said)
		}
	}
	return entries
}

const maxExercisedCopy = 1 << 20

// usedMemory is memory that another file was read into.
func usedMemory(size int) []byte { return bytes.Repeat([]byte{0xa5}, size) }

// exerciseFile exercises a file that is read into the memory if it fits. said is a hash of all that was read.
func exerciseFile(tb testing.TB, path string, memory []byte, steps int) (entries int, said uint64) {
	tb.Helper()
	f, err := OpenInto(path, memory)
	if err != nil {
		var unsupported *UnsupportedError
		if !errors.Is(err, ErrNotJournal) && !errors.As(err, &unsupported) && !errors.Is(err, os.ErrNotExist) {
			tb.Errorf("opening: %v", err)
		}
		return 0, 0
	}
	defer f.Close()
	f.SetResidentLimit(1 << 20)
	x := exerciser{tb: tb, f: f, steps: steps, said: fnv.New64a()}
	entries = x.read(f.Entries())
	x.lookups()
	return entries, x.said.Sum64()
}

type exerciser struct {
	tb    testing.TB
	f     *File
	steps int
	e     Entry
	buf   []byte
	last  uint64 // DATA object
	said  hash.Hash64

	racing bool // the file changes all the time
}

// check reports whether err is nil, and fails the test if it is not of a documented kind.
func (x *exerciser) check(err error) bool {
	if err != nil {
		x.note([]byte(err.Error()))
	}
	if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrNotJournal) {
		x.tb.Errorf("not an error for a damaged file: %v", err)
	}
	return err == nil
}

func (x *exerciser) note(b []byte) { _, _ = x.said.Write(b) }

func (x *exerciser) read(list *Entries) (entries int) {
	for ; x.steps > 0; x.steps-- {
		before := list.Index()
		off, ok, err := list.Next()
		if x.check(err) && !ok {
			break
		}
		if err != nil && list.Index() <= before {
			if n, _ := list.Len(); before < n && !x.racing {
				x.tb.Errorf("no progress at %d of %d after %v", before, n, err)
			}
			break // the list is gone
		}
		if err == nil && x.check(x.f.ReadEntry(off, &x.e)) {
			entries++
			x.fields()
		}
	}
	for steps := 1000; steps > 0; steps-- {
		before := list.Index()
		_, ok, err := list.Prev()
		if x.check(err) && !ok {
			break
		}
		if list.Index() >= before {
			x.tb.Errorf("no progress back from %d after %v", before, err)
			break
		}
	}
	for _, at := range []uint64{0, 1, 7, testStart, testStart + 5_000_000, 1 << 60} {
		x.check(list.SeekSeqnum(at))
		x.check(list.SeekRealtime(at))
		x.check(list.SeekMonotonic(at))
		x.check(list.SeekOffset(at))
		x.check(list.SeekIndex(at))
	}
	return entries
}

func (x *exerciser) fields() {
	for _, item := range x.e.Items {
		if x.steps--; x.steps <= 0 {
			return
		}
		var info DataInfo
		var err error
		x.buf, info, err = x.f.AppendData(x.buf[:0], item, maxDamagedField)
		if len(x.buf) > maxDamagedField {
			x.tb.Errorf("data at %d: %d bytes", item, len(x.buf))
		}
		x.note(x.buf)
		if x.check(err) {
			x.last = item
			n, same := x.f.HasData(item, string(x.buf))
			if !x.racing && (same == info.Compressed || same && n != info.NEntries) {
				x.tb.Errorf("data at %d, %+v: has the payload that was read: %v, %d", item, info, same, n)
			}
		}
	}
}

func (x *exerciser) lookups() {
	for _, payload := range []string{"PRIORITY=3", "MESSAGE=number 7c", "nothing"} {
		off, _, err := x.f.FindData([]byte(payload))
		x.check(err)
		x.note(binary.AppendUvarint(nil, off))
	}
	for _, name := range []string{"PRIORITY", "MESSAGE", "BIG", "NOTHING"} {
		n := 0
		x.check(x.f.FieldValues(name, func(off uint64) bool {
			x.note(binary.AppendUvarint(nil, off))
			n++
			return n < 1000
		}))
	}
	_, _, err := x.f.FindMonotonic(testBoot, 5_000_000)
	x.check(err)
	_, err = x.f.DataNEntries(x.last)
	x.check(err)
	if list, err := x.f.DataEntries(x.last); x.check(err) {
		x.steps = min(x.steps, 1000)
		x.read(list)
	}
	_, err = x.f.Header()
	x.check(err)
	_, err = x.f.NEntries()
	x.check(err)
	if st, err := x.f.Stat(); err != nil || st.Nlink != 1 {
		x.tb.Errorf("stat: %+v, %v", st, err)
	}
}

// damaged writes b to a file of its own and exercises it.
func damaged(tb testing.TB, path string, b []byte) int {
	tb.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return exercise(tb, path, 200_000)
}

func TestUndamaged(t *testing.T) {
	for name, l := range layouts() {
		if n := exercise(t, sample(l, 100).write(t), 200_000); n != 100 {
			t.Errorf("%s: %d of 100 entries", name, n)
		}
	}
}

func TestTruncated(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sample(l, 40)
			path := filepath.Join(t.TempDir(), "truncated")
			before := 0
			for size := 0; size < len(w.b); size += 1 + len(w.b)/300 {
				n := damaged(t, path, w.b[:size])
				if n < before { // more of the file can't hold less
					t.Errorf("cut at %d of %d bytes: %d entries, fewer than before", size, len(w.b), n)
				}
				before = n
			}
			if before < 35 {
				t.Errorf("only %d of 40 entries with nearly all of the file", before)
			}
		})
	}
}

func TestBitFlips(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(7, 7))
			w := sample(l, 30)
			path := filepath.Join(t.TempDir(), "flipped")
			best := 0
			for range 300 {
				b := append([]byte(nil), w.b...)
				for range 1 + r.IntN(20) {
					b[r.IntN(len(b))] ^= 1 << r.IntN(8)
				}
				best = max(best, damaged(t, path, b))
			}
			if best < 28 {
				t.Errorf("at best %d of 30 entries survived a few flipped bits", best)
			}
		})
	}
}

func TestZeroedAndRandomRanges(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(8, 8))
			w := sample(l, 30)
			path := filepath.Join(t.TempDir(), "damaged")
			for i := range 200 {
				b := append([]byte(nil), w.b...)
				from := r.IntN(len(b))
				hurt := b[from:min(len(b), from+1+r.IntN(1<<r.IntN(14)))]
				for k := range hurt {
					hurt[k] = 0
					if i%2 == 1 {
						hurt[k] = byte(r.Uint32())
					}
				}
				damaged(t, path, b)
			}
		})
	}
}

func TestForeignCorrupted(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join(sharedJournals(t), "foreign", "corrupted", "*.zst"))
	if len(paths) == 0 {
		t.Error("no corrupted journals")
	}
	for _, path := range paths {
		t.Logf("%s: %d entries", filepath.Base(path), exercise(t, unpack(t, path), 10_000_000))
	}
}

// whileReading has do done to a file again and again while it is read, and restores it in between. It is mapped, once, or copied
// for each time that it is read.
func whileReading(t *testing.T, do func(out *os.File, size int64) error) {
	t.Helper()
	b := sample(layout{compact: true, keyed: true, compress: compressedZSTD}, 2000).b
	t.Run("mapped", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f := openFile(t, path)
		f.SetResidentLimit(1 << 20)
		x := exerciser{tb: t, f: f, racing: true, said: fnv.New64a()}
		changing(t, path, b, do, func() int {
			x.steps = 3000
			return x.read(f.Entries())
		})
	})
	t.Run("copied", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		memory := usedMemory(len(b))
		changing(t, path, b, do, func() (entries int) {
			f, err := OpenInto(path, memory)
			if err != nil {
				if !errors.Is(err, ErrNotJournal) {
					t.Errorf("opening: %v", err)
				}
				return 0
			}
			defer f.Close()
			x := exerciser{tb: t, f: f, racing: true, steps: 3000, said: fnv.New64a()}
			return x.read(f.Entries())
		})
	})
}

// changing has do done to a file again and again while read reads it, and restores it in between.
func changing(t *testing.T, path string, b []byte, do func(out *os.File, size int64) error, read func() (entries int)) {
	t.Helper()
	var reads, failed, stop atomic.Int64
	done := make(chan struct{})
	go func() { // readers are used by one goroutine, which is not this one
		defer close(done)
		for stop.Load() == 0 {
			if read() == 0 {
				failed.Add(1)
			}
			reads.Add(1)
		}
	}()
	out, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	deadline := time.Now().Add(20 * time.Second)
	for i := 0; i < 200 || failed.Load() == 0 || reads.Load() < 20; i++ {
		if time.Now().After(deadline) {
			t.Errorf("after %d rounds: %d passes, %d without an entry", i, reads.Load(), failed.Load())
			break
		}
		if err := do(out, int64(len(b))); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
		if _, err := out.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(1)
	<-done
	if n := exercise(t, path, 1_000_000); n != 2000 {
		t.Errorf("%d of 2000 entries once all is restored", n)
	}
}

func TestTruncatedWhileReading(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	whileReading(t, func(out *os.File, size int64) error {
		if r.IntN(2) == 0 {
			return out.Truncate(0)
		}
		return out.Truncate(r.Int64N(size))
	})
}

func TestPunchedWhileReading(t *testing.T) {
	whileReading(t, func(out *os.File, size int64) error {
		return unix.Fallocate(int(out.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, size)
	})
}

func TestVacuumed(t *testing.T) {
	path := sample(layout{}, 50).write(t)
	f := openFile(t, path)
	x := f.Entries()
	if _, ok, err := x.Next(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if gone, err := f.Deleted(); err != nil || !gone {
		t.Errorf("deleted: %v, %v", gone, err)
	}
	if got := all(t, x.Next); len(got) != 49 { // the inode lives on
		t.Errorf("%d entries left of a deleted file, want 49", len(got))
	}
	if err := unix.Ftruncate(f.m.fd, 0); err == nil {
		t.Error("our descriptor must not be writable")
	}
}

// A huge file of holes that claims to be full takes neither long nor much memory.
func TestSparse(t *testing.T) {
	const size = min(1<<36, math.MaxInt/2+1)
	w := sample(layout{}, 3)
	x := w.open(t).Entries()
	_ = all(t, x.Next)
	w.put(x.arrays[1].off+objectSize, size) // an array that never ends
	w.put(headerNEntries, 1<<60)
	w.put(w.data["_TRANSPORT=journal"]+objectSize, size/2) // and a field
	w.put(w.data["PRIORITY=1"]+objectSize, 1<<62)
	path := w.write(t)
	if err := os.Truncate(path, size); err != nil {
		t.Skipf("cannot make a sparse file: %v", err)
	}
	f := openFile(t, path)
	f.SetResidentLimit(1 << 20)
	x = f.Entries()
	for range 3 {
		if _, ok, err := x.Next(); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	for runs, before := 0, x.Index(); runs < 3; before = x.Index() { // first, what follows is taken for slots
		if _, _, err := x.Next(); err != nil && !errors.Is(err, ErrCorrupt) || x.Index() <= before || x.Index() > before+maxRun {
			t.Fatalf("%v, from %d to %d", err, before, x.Index())
		}
		if x.Index() == before+maxRun {
			runs++
		}
	}
	if err := x.SeekSeqnum(1); err != nil || x.Index() > 1 {
		t.Errorf("sought 1: at %d, %v", x.Index(), err)
	}
	if f.Resident() > 1<<20 {
		t.Errorf("%d bytes resident", f.Resident())
	}
	if b, _, err := f.AppendData(nil, w.data["_TRANSPORT=journal"], 100); !errors.Is(err, ErrTooLarge) || len(b) != 100 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, _, err := f.AppendData(nil, w.data["PRIORITY=1"], 100); !errors.Is(err, ErrTruncated) || len(b) != 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
