package sendertest

import (
	"syscall"
	"testing"
	"time"

	"journalpump/pump"
)

// Measure runs a benchmark of sending a batch, and reports entries a second: of time, and of what this process uses of the
// processor. What the batch is sent to is mostly a server in the same process, whose part is in both.
func Measure(b *testing.B, batch pump.Batch, send func() error) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(batch.Bytes))
	before := cpuTime(b)
	b.ResetTimer()
	for b.Loop() {
		if err := send(); err != nil {
			b.Fatal(err)
		}
	}
	used := cpuTime(b) - before
	entries := float64(b.N * len(batch.Records))
	b.ReportMetric(entries/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(entries/used.Seconds(), "entries/cpu-s")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
