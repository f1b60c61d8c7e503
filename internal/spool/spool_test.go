package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/internal/smalldisk"
	"journalpump/internal/spool"
)

func open(t *testing.T, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeIt(t *testing.T, s *spool.Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func meta(n uint64) []byte { return fmt.Appendf(nil, "meta %d", n) }
func body(n uint64) []byte { return bytes.Repeat(fmt.Appendf(nil, "body %d ", n), int(n%7)) }

// add appends the records with the numbers from first to last.
func add(t *testing.T, s *spool.Spool, first, last uint64) {
	t.Helper()
	for n := first; n <= last; n++ {
		r, err := s.Append(meta(n), body(n))
		if err != nil {
			t.Fatal(err)
		}
		if r.Number != n {
			t.Fatalf("record %d was appended as %d", n, r.Number)
		}
	}
}

// numbers returns which records there are, and fails the test if one of them is not what was written.
func numbers(t *testing.T, s *spool.Spool) (whole, damaged []uint64) {
	t.Helper()
	for _, r := range s.Records() {
		if !bytes.Equal(r.Meta, meta(r.Number)) {
			t.Fatalf("the meta data of record %d is %q", r.Number, r.Meta)
		}
		b, err := s.Body(&r, nil)
		switch {
		case errors.Is(err, spool.ErrCorrupt):
			damaged = append(damaged, r.Number)
		case err != nil:
			t.Fatal(err)
		case !bytes.Equal(b, body(r.Number)):
			t.Fatalf("the body of record %d is %q", r.Number, b)
		default:
			whole = append(whole, r.Number)
		}
	}
	return whole, damaged
}

func upTo(first, last uint64) []uint64 {
	var all []uint64
	for n := first; n <= last; n++ {
		all = append(all, n)
	}
	return all
}

func wantAll(t *testing.T, s *spool.Spool, first, last uint64) {
	t.Helper()
	if whole, damaged := numbers(t, s); !slices.Equal(whole, upTo(first, last)) || damaged != nil {
		t.Errorf("the records are %v, and damaged %v; want %d to %d", whole, damaged, first, last)
	}
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestRecordsSurvive(t *testing.T) {
	o := spool.Options{Dir: filepath.Join(t.TempDir(), "a", "b"), SegmentBytes: 300}
	s := open(t, o)
	wantAll(t, s, 1, 0)
	add(t, s, 1, 20)
	wantAll(t, s, 1, 20)
	size := s.Size()
	closeIt(t, s)
	if n := len(segments(t, o.Dir)); n < 3 {
		t.Errorf("%d segments", n)
	}
	s = open(t, o)
	if s.Size() != size || len(s.Problems()) > 0 {
		t.Errorf("%d bytes, were %d; problems: %v", s.Size(), size, s.Problems())
	}
	add(t, s, 21, 30)
	wantAll(t, s, 1, 30)
	if err := s.Sync(); err != nil {
		t.Error(err)
	}
	closeIt(t, s)
}

func TestTrim(t *testing.T) {
	o := spool.Options{Dir: t.TempDir(), SegmentBytes: 200}
	s := open(t, o)
	add(t, s, 1, 20)
	before := len(segments(t, o.Dir))
	if err := s.Trim(10); err != nil {
		t.Fatal(err)
	}
	whole, _ := numbers(t, s)
	if after := len(segments(t, o.Dir)); after >= before || whole[0] > 10 || whole[len(whole)-1] != 20 {
		t.Errorf("%d segments, were %d; records %v", after, before, whole)
	}
	if err := s.Trim(21); err != nil {
		t.Fatal(err)
	}
	wantAll(t, s, 1, 0)
	if s.Size() != 0 {
		t.Errorf("%d bytes in an empty spool", s.Size())
	}
	closeIt(t, s)
	s = open(t, o)
	add(t, s, 21, 22) // numbers are not used again
	wantAll(t, s, 21, 22)
	closeIt(t, s)
}

func TestFull(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir(), MaxBytes: 1000, SegmentBytes: 200})
	n := uint64(0)
	for {
		_, err := s.Append(meta(n+1), body(n+1))
		if errors.Is(err, spool.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if s.Size() > 1000 || s.Size() < 900 {
		t.Errorf("full with %d bytes", s.Size())
	}
	wantAll(t, s, 1, n)
	if err := s.Trim(n / 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(meta(n+1), body(n+1)); err != nil {
		t.Errorf("there is room again, and yet: %v", err)
	}
	closeIt(t, s)
}

// Whatever was torn off by a crash, what was whole before it is there, and writing goes on behind it.
func TestTornTail(t *testing.T) {
	o := spool.Options{Dir: t.TempDir()}
	s := open(t, o)
	add(t, s, 1, 5)
	four := s.Size()
	add(t, s, 6, 6)
	closeIt(t, s)
	path := segments(t, o.Dir)[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := four; size < int64(len(data)); size++ {
		for _, zeros := range []int{0, 5000} { // blocks that were allocated and not written
			torn := append(slices.Clone(data[:size]), make([]byte, zeros)...)
			if err := os.WriteFile(path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, o)
			wantAll(t, s, 1, 5)
			add(t, s, 6, 7)
			wantAll(t, s, 1, 7)
			closeIt(t, s)
			s = open(t, o)
			wantAll(t, s, 1, 7)
			closeIt(t, s)
		}
	}
}

// A flipped bit costs the record it is in, or what is behind it in its segment; never does it change a record.
func TestFlippedBits(t *testing.T) {
	o := spool.Options{Dir: t.TempDir(), SegmentBytes: 250}
	s := open(t, o)
	add(t, s, 1, 15)
	closeIt(t, s)
	for _, path := range segments(t, o.Dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			flipped := slices.Clone(data)
			flipped[i] ^= 1 << (i % 8)
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, o)
			whole, _ := numbers(t, s)
			if len(whole) == 15 || len(whole) < 5 {
				t.Errorf("with byte %d of %s flipped there are records %v", i, filepath.Base(path), whole)
			}
			closeIt(t, s)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, o)
	wantAll(t, s, 1, 15)
	closeIt(t, s)
}

func TestDiskFull(t *testing.T) {
	dir := filepath.Join(smalldisk.New(t, 256), "spool")
	o := spool.Options{Dir: dir, SegmentBytes: 32 << 10}
	s := open(t, o)
	large := bytes.Repeat([]byte("x"), 10_000)
	n := 0
	var err error
	for ; err == nil && n < 100; n++ {
		_, err = s.Append(meta(1), large)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("after %d records: %v", n, err)
	}
	if got := len(s.Records()); got != n-1 {
		t.Errorf("%d records, want %d", got, n-1)
	}
	closeIt(t, s)
	s = open(t, o)
	records := s.Records()
	if len(records) != n-1 {
		t.Errorf("%d records after opening it again, want %d", len(records), n-1)
	}
	for i := range records {
		if b, err := s.Body(&records[i], nil); err != nil || !bytes.Equal(b, large) {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if err := s.Trim(records[len(records)/2].Number); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(meta(1), large); err != nil {
		t.Errorf("there is room again, and yet: %v", err)
	}
	closeIt(t, s)
}

func TestOneAtATime(t *testing.T) {
	o := spool.Options{Dir: t.TempDir()}
	s := open(t, o)
	if other, err := spool.Open(o); err == nil {
		t.Error("it was opened twice")
		closeIt(t, other)
	}
	closeIt(t, s)
	closeIt(t, open(t, o))
}

func TestTooLong(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir()})
	if _, err := s.Append(make([]byte, 2<<20), nil); err == nil {
		t.Error("it took 2 MiB of meta data")
	}
	closeIt(t, s)
}
