package journalfile

import (
	"errors"
	"testing"
)

// benchJournal is about what journald rotates at: some 60,000 entries of 20 fields.
func benchJournal(b *testing.B) *File {
	b.Helper()
	f := openFile(b, remote(b, b.TempDir(), 60_000))
	if n, err := f.NEntries(); err != nil || n < 30_000 {
		b.Fatalf("only %d entries, %v", n, err)
	}
	return f
}

// nextEntry returns the offset of the next entry, starting over at the end of the file.
func nextEntry(b *testing.B, x *Entries) uint64 { //nolint:thelper // Helper would cost more than what is measured
	for {
		off, ok, err := x.Next()
		if err != nil {
			b.Fatal(err)
		}
		if ok {
			return off
		}
		if err := x.SeekIndex(0); err != nil {
			b.Fatal(err)
		}
	}
}

func reportRate(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkNEntries(b *testing.B) {
	f := sample(layout{compact: true, keyed: true}, 10).open(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.NEntries(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadEntry(b *testing.B) {
	f := benchJournal(b)
	x := f.Entries()
	var e Entry
	b.ReportAllocs()
	for b.Loop() {
		if err := f.ReadEntry(nextEntry(b, x), &e); err != nil {
			b.Fatal(err)
		}
	}
	reportRate(b)
}

func BenchmarkReadEntryAndAllData(b *testing.B) {
	f := benchJournal(b)
	x := f.Entries()
	var e Entry
	var buf []byte
	var bytes int64
	b.ReportAllocs()
	for b.Loop() {
		if err := f.ReadEntry(nextEntry(b, x), &e); err != nil {
			b.Fatal(err)
		}
		for _, item := range e.Items {
			var err error
			if buf, _, err = f.AppendData(buf[:0], item, 1<<20); err != nil && !errors.Is(err, ErrTooLarge) {
				b.Fatal(err)
			}
			bytes += int64(len(buf))
		}
	}
	b.SetBytes(bytes / int64(b.N))
	reportRate(b)
}

func BenchmarkFindData(b *testing.B) {
	f := benchJournal(b)
	payload := []byte("_SYSTEMD_UNIT=unit-7.service")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := f.FindData(payload); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkSeekSeqnum(b *testing.B) {
	f := benchJournal(b)
	x := f.Entries()
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		i += 7919
		if err := x.SeekSeqnum(i % 30_000); err != nil {
			b.Fatal(err)
		}
	}
}
