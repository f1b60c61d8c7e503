package condition

import (
	"slices"
	"strings"
	"testing"
)

func TestExpressionsAreDecidedInParts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`A == "a"`:                              `A == "a"`,
		`A == "a" && B == "b"`:                  `A == "a" | B == "b"`,
		`A == "a" and B == "b" && not (C == D)`: `A == "a" | B == "b" | not (C == D)`,
		`A == "ä&&" && B == "ö"`:                `A == "ä&&" | B == "ö"`,
		`A == "a" && (B == "b" && C == "c")`:    `A == "a" | (B == "b" && C == "c")`,
		`(A == "a" && B == "b")`:                `(A == "a" && B == "b")`,
		`A == "a" || B == "b" && C == "c"`:      `A == "a" || B == "b" && C == "c"`,
		`A == "a" && B == "b" ? C == D : true`:  `A == "a" && B == "b" ? C == D : true`,
		`1 < int(A) < 5`:                        `1 < int(A) < 5`,
		`A == "a" /* && */ && B == "b"`:         `A == "a" /* && */ | B == "b"`,
	} {
		parts, err := conjuncts(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, p := range parts {
			got = append(got, strings.TrimSpace(p.text))
		}
		if got := strings.Join(got, " | "); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// An expression on one field is decided for the field, not for the entry: nothing is asked again.
func TestExpressionsOnOneFieldAreDecidedOncePerValue(t *testing.T) {
	t.Parallel()
	s := newSet(t, Named{"c", parseGood(t, `{"expression": "int(PRIORITY) < 4 && A != \"x\""}`)})
	c := newChunker().chunk(allShared, []string{"PRIORITY=3"}, []string{"PRIORITY=5"}, []string{"A=y", "PRIORITY=3"}, []string{"PRIORITY=3", "A=x"}, []string{"A=y"})
	d := s.Decide(c)
	var holds []int
	for i := range c.Entries {
		if d.Holds(i, 0) {
			holds = append(holds, i)
		}
	}
	if !slices.Equal(holds, []int{0, 2}) {
		t.Errorf("holds for %d", holds)
	}
	m, _ := s.memos.Take(c.Dict)
	for _, state := range m.states {
		if state.plan != nil && len(state.plan.open) > 0 {
			t.Errorf("%b leaves something open", state.bits)
		}
	}
}

func allShared(string) bool { return true }
