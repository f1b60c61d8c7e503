//go:build !race

// Under the race detector sync.Pool forgets things at random, so these count too much.

package pattern

import "testing"

func TestNoAllocationWithoutMatch(t *testing.T) {
	for _, expr := range []string{`password=\w{99}`, `(?i)bearer\s{50}`, `\b4[0-9]{12}(?:[0-9]{3})?\b`, `(?P<a>\w+)@\w+`, `é\b`, `x$`} {
		p := mustCompile(t, expr)
		r, err := CompileReplacement(p, "x")
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"an ordinary line", "password= bearer x 1234567890123", "ünï€ode: password= bearer x@", "a line\n"} {
			text := []byte(text)
			if n := testing.AllocsPerRun(50, func() {
				if _, changed, _ := p.AppendReplaceAllFiltered(nil, text, r); changed {
					t.Errorf("%q matches %q", expr, text)
				}
				if ok, _ := p.MatchFiltered(text); ok {
					t.Errorf("%q matches %q", expr, text)
				}
				p.MayMatch(text)
			}); n > 0.5 { // a pool may be emptied in between
				t.Errorf("%q on %q: %v allocations", expr, text, n)
			}
		}
	}
}
