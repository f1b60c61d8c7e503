package filters

import (
	"testing"

	"journalpump/pump"
)

func TestSelfIsLeftOut(t *testing.T) {
	b := newChunker()
	for i, fields := range [][]pump.Field{
		{fieldOf("SYSLOG_IDENTIFIER", "journalpump"), fieldOf("_COMM", "journalpump"), fieldOf("_PID", "7")}, // an earlier run
		{fieldOf("SYSLOG_IDENTIFIER", "journalpump"), fieldOf("_COMM", "renamed"), fieldOf("_PID", "42")},    // this process
		{fieldOf("SYSLOG_IDENTIFIER", "journalpump"), fieldOf("_COMM", "impostor"), fieldOf("_PID", "7")},
		{fieldOf("SYSLOG_IDENTIFIER", "journalpump")},
		{fieldOf("_COMM", "journalpump"), fieldOf("_PID", "42")}, // its child process, say
		{fieldOf("SYSLOG_IDENTIFIER", "sshd"), fieldOf("_COMM", "sshd"), fieldOf("_PID", "42")},
	} {
		var refs []pump.Ref
		for _, f := range fields {
			refs = append(refs, b.shared(f))
		}
		b.entry(uint64(i), refs...)
	}
	view := must(NewView(NewStage(StageConfig{Exclude: NewSelf("journalpump", "journalpump", 42)}), ViewConfig{}))
	var got []int
	for _, r := range view.Render(b.take()).Records {
		got = append(got, r.Index)
	}
	if len(got) != 4 || got[0] != 2 || got[3] != 5 {
		t.Errorf("entries %v passed, want 2 to 5", got)
	}
}
