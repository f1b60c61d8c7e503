package promise

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What a sender has to deliver or to have in a gap follows from what its agent has seen, and still knows.
func TestWitness(t *testing.T) {
	t.Parallel()
	at := places{{"5e", 11}, {"5e", 12}, {"5e", 14}, {"5e", 15}} // of entries 1 to 4
	const unknown = 5
	cursor := func(seqnum int) string { return fmt.Sprintf(`"s=5e;i=%x;b=1"`, seqnum) }
	state := func(reader, first string, started bool) string {
		return fmt.Sprintf(`{"readers": {"journal": {"cursor": %s, "senders": {"s0": {"started": %t, "first": %s}}}}}`, reader, started, first)
	}
	for name, c := range map[string]struct {
		state  string
		moved  string           // a line of the positions log
		then   func(w *witness) // after a look at these
		expect int              // the first entry that counts
	}{
		"nothing is said":                    {expect: unknown},
		"it has spoken of the beginning":     {state: state("null", cursor(13), true), expect: 3},
		"a position":                         {moved: cursor(12), expect: 2},
		"it does not say what was shown":     {state: state(cursor(14), "null", true), then: func(w *witness) { w.show(2, true) }, expect: 2},
		"it has not begun":                   {state: state(cursor(14), "null", false), then: func(w *witness) { w.show(2, true) }, expect: unknown},
		"it begins after that":               {then: func(w *witness) { w.show(2, false); w.of("s0").started(true, true) }, expect: unknown},
		"it is killed, and keeps its state":  {state: state(cursor(14), "null", true), then: func(w *witness) { w.show(2, true); w.forget(false) }, expect: 2},
		"it has not saved what it was shown": {state: state("null", "null", true), then: func(w *witness) { w.show(2, false); w.forget(false) }, expect: unknown},
		"its state is gone": {state: state(cursor(14), "null", true), then: func(w *witness) {
			w.show(2, true)
			_ = os.Remove(w.path)
			w.forget(true)
		}, expect: unknown},
		"its positions count no more": {state: state("null", "null", true), moved: cursor(12), then: func(w *witness) { w.forget(false) }, expect: unknown},
	} {
		w := newWitness(filepath.Join(t.TempDir(), "state.json"))
		for path, text := range map[string]string{w.path: c.state, w.positions(): `01234567 sent {"sender": "s0", "cursor": ` + c.moved + "}\n"} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w.look()
		if c.then != nil {
			c.then(w)
			w.look()
		}
		if got := w.since("s0", at); got != c.expect {
			t.Errorf("%s: all from entry %d on, want %d", name, got, c.expect)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	ps := places{{"5e", 11}, {"5e", 13}, {"a", 1}, {"a", 2}}
	for p, want := range map[place][2]int{{"5e", 10}: {1, 0}, {"5e", 11}: {1, 1}, {"5e", 12}: {2, 1}, {"5e", 14}: {5, 2}, {"a", 2}: {4, 4}, {"b", 1}: {5, 0}} {
		if got := [2]int{ps.from(p), ps.upTo(p)}; got != want {
			t.Errorf("%v: from %d, up to %d, want %v", p, got[0], got[1], want)
		}
	}
}
