package libsystemd

import (
	"errors"
	"testing"

	"journalpump/pump"
)

// BenchmarkRead reads a journal of 20,000 entries, from the child's start to its end.
func BenchmarkRead(b *testing.B) {
	const entries = 20_000
	l := openLog(b, inDir(journalOf(b, 1, entries)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		it := iterate(b, l, pump.Position{})
		for {
			c, err := it.Next(b.Context())
			if errors.Is(err, pump.ErrNoMore) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n += len(c.Entries)
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
		if n != entries {
			b.Fatalf("%d entries", n)
		}
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkDecode is the agent's share of that.
func BenchmarkDecode(b *testing.B) {
	var frame entriesFrame
	n := newNumbering()
	fields := [][]byte{
		[]byte("_HOSTNAME=here"), []byte("PRIORITY=6"), []byte("_SYSTEMD_UNIT=unit.service"), []byte("_BOOT_ID=b0"),
		[]byte("MESSAGE=a message that nothing else has, of some length as they go"),
	}
	agent := newFields()
	for range 3 {
		frame.reset()
		for range batchEntries {
			frame.begin()
			for range 4 {
				for _, f := range fields[:4] {
					n.add(&frame, f)
				}
			}
			frame.own(tagOwn, fields[4])
			frame.finish(&samplePosition)
		}
		if _, err := agent.decode(frame.append(nil, 0, 0), pump.Position{}); err != nil {
			b.Fatal(err)
		}
	}
	payload := frame.append(nil, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := agent.decode(payload, pump.Position{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batchEntries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
