package filters

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"journalpump/filters/condition"
	"journalpump/pump"
)

// Whether fields are the entry's own or shared, occur twice or collide with others by name: watched are the entries that the stage
// shows and that have a field which passes.
func TestWatchedEntries(t *testing.T) {
	t.Parallel()
	watch := must(condition.New([]condition.Named{
		{Name: "a", When: condition.Config{{Transports: []string{"kernel"}, Fields: map[string]condition.FieldTest{"MESSAGE": {Patterns: []string{"^x"}}}}}},
		{Name: "b", When: condition.Config{{Fields: map[string]condition.FieldTest{"timestamp": {Is: []string{"1"}}}}}},
	}))
	passes := []string{"_TRANSPORT=kernel", "MESSAGE=x1", "timestamp=1"}
	others := []string{"TRANSPORT=kernel", "_TRANSPORT=syslog", "MESSAGE=1x", "_MESSAGE=x1", "timestamp=2", "PRIORITY=3", "_SYSTEMD_UNIT=x", "N=1"}
	rnd := rand.New(rand.NewPCG(1, 2))
	stage := NewStage(StageConfig{Watch: watch, Matches: []*Match{must(NewMatch("N", nil))}}) // entries without N
	b := newChunker()
	watched, kept := 0, 0
	for range 50 {
		var want []uint32
		for i := range 40 {
			var refs []pump.Ref
			shows, looked := true, false
			for range rnd.IntN(6) {
				text := others[rnd.IntN(len(others))]
				if rnd.IntN(8) == 0 {
					text = passes[rnd.IntN(len(passes))]
				}
				shows, looked = shows && text != "N=1", looked || slices.Contains(passes, text)
				name, value, _ := strings.Cut(text, "=")
				if rnd.IntN(2) == 0 {
					refs = append(refs, b.own(fieldOf(name, value)))
				} else {
					refs = append(refs, b.shared(fieldOf(name, value)))
				}
			}
			if b.entry(1, refs...); shows {
				kept++
				if looked {
					want = append(want, uint32(i))
				}
			}
		}
		watched += len(want)
		if got := stage.Watched(b.take()); !slices.Equal(got, want) {
			t.Fatalf("watched %v, want %v", got, want)
		}
	}
	if watched < 200 || kept-watched < 200 {
		t.Errorf("%d of %d entries are watched: the test is no good", watched, kept)
	}
}
