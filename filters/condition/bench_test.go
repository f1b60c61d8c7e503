package condition

import (
	"fmt"
	"strings"
	"testing"

	"journalpump/pump"
)

// benchSet is 20 conditions of the usual kinds.
func benchSet(tb testing.TB) *Set {
	tb.Helper()
	conditions := []Named{
		{"oom", parseGood(tb, `{"transports": "kernel", "fields": {"MESSAGE": "Out of memory: Killed process"}}`)},
		{"failed", parseGood(tb, `{"message_ids": "d9b373ed55a64feb8242e02dbe79a49c"}`)},
		{"severe", parseGood(tb, `{"priority": "crit"}`)},
		{"long", parseGood(tb, `{"fields": {"MESSAGE": {"is": "an exact message that is longer than what fits on a stack"}}}`)},
		{"root", parseGood(tb, `{"identifiers": "sudo", "expression": "_UID == \"0\" && int(PRIORITY) < 4"}`)},
	}
	for i := len(conditions); i < 20; i++ {
		src := fmt.Sprintf(`{"units": "app-%d*.service", "fields": {"MESSAGE": "user (?P<user>\\w+) logged in from %d"}}`, i, i)
		conditions = append(conditions, Named{fmt.Sprint(i), parseGood(tb, src)})
	}
	return newSet(tb, conditions...)
}

func benchChunk(entries int) *pump.Chunk {
	var all [][]string
	for i := range entries {
		p := i * 7 % 40
		all = append(all, []string{"_BOOT_ID=1", "_MACHINE_ID=1", "_HOSTNAME=h", "_TRANSPORT=journal", "_UID=0", "_GID=0",
			fmt.Sprintf("_PID=%d", p), fmt.Sprintf("_COMM=app-%d", p), fmt.Sprintf("_EXE=/usr/bin/app-%d", p),
			fmt.Sprintf("_SYSTEMD_UNIT=app-%d.service", p), fmt.Sprintf("SYSLOG_IDENTIFIER=app-%d", p), fmt.Sprintf("PRIORITY=%d", 3+i%5),
			fmt.Sprintf("MESSAGE=request %d from 10.0.0.%d took %d ms, user joe logged in from %d", i, i%256, i%97, i%25)})
	}
	return newChunker().chunk(func(f string) bool { return !strings.HasPrefix(f, "MESSAGE=") }, all...)
}

func BenchmarkDecide(b *testing.B) {
	const entries = 2000
	s, c := benchSet(b), benchChunk(entries)
	s.Decide(again(c))
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(again(c))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
}
