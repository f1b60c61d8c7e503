package search

import (
	"fmt"
	"testing"

	"journalpump/pump"
)

// benchChunk is what services log: the fields of a process are shared, the message is the entry's own.
func benchChunk(message string) *pump.Chunk {
	var entries [][]string
	for i := range 1000 {
		e := []string{"PRIORITY=" + fmt.Sprint(3+i%4), "_HOSTNAME=edge", fmt.Sprintf("_SYSTEMD_UNIT=unit-%d.service", i%20)}
		for k := range 16 {
			e = append(e, fmt.Sprintf("FIELD_%d=%d", k, i%7))
		}
		entries = append(entries, append(e, fmt.Sprintf("MESSAGE=%s %d", message, i)))
	}
	return newChunker().chunk(notMessage, entries...)
}

const benchMessage = "2026-11-21T08:54:31.123 worker INFO request GET /v1/service/metrics status=200 bytes=48213 duration=0.0173 upstream=10.12.7.44:8443"

var benchSearches = []Config{
	{Name: "oom", Fields: map[string]string{"MESSAGE": `kernel: Out of memory: Kill process .+ \((?P<process>[^ ]+)\)`}},
	{Name: "stop", Fields: map[string]string{"MESSAGE": `Stopped target (?P<target>.+)\.`}},
	{Name: "user", Fields: map[string]string{"MESSAGE": `user=(?P<user>\w+).*tags (?P<tags>.+)$`, "_HOSTNAME": "(?P<host>.*)"}},
	{Name: "emergency", Fields: map[string]string{"PRIORITY": "^0$", "MESSAGE": ".*failed.*"}},
	{Name: "slow", Fields: map[string]string{"_SYSTEMD_UNIT": "^postgres", "MESSAGE": `duration: (?P<d>[0-9.]+)`}},
}

func BenchmarkSearch(b *testing.B) {
	for _, c := range []struct {
		name, message string
	}{
		{"no match", benchMessage},
		{"almost", "Stopped target basic system, which took worker 17 of all its 48213 milliseconds"}, // patterns run and do not match
		{"all match", "user=alice " + benchMessage + " tags x"},
	} {
		chunk := benchChunk(c.message)
		b.Run(c.name, func(b *testing.B) {
			s := mustNew(b, Options{}, benchSearches...)
			matched := make([]bool, len(chunk.Entries))
			b.ReportAllocs()
			for b.Loop() {
				clear(matched)
				s.Search(chunk, matched)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(chunk.Entries)), "ns/entry")
		})
	}
}

func TestNoAllocationPerEntry(t *testing.T) {
	s := mustNew(t, Options{}, benchSearches...)
	chunk := benchChunk(benchMessage)
	matched := make([]bool, len(chunk.Entries))
	if n := testing.AllocsPerRun(10, func() { s.Search(chunk, matched) }); n > 20 {
		t.Errorf("%v allocations for a chunk of %d entries without a match", n, len(chunk.Entries))
	}
}
