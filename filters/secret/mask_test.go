package secret

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	t.Parallel()
	password := Config{`(password=)[0-9a-zA-Z]+`, `\1[REDACTED]`}
	card := Config{`\b4[0-9]{12}(?:[0-9]{3})?\b`, "[CARD]"}
	for _, c := range []struct {
		name    string
		filters []Config
		in, out string
		by      []int
	}{
		{"nothing to hide", []Config{password}, "nothing", "nothing", nil},
		{"groups that are kept are shown", []Config{password}, "a password=hunter2 b", "a password=******** b", []int{0}},
		{"what is replaced as a whole is not", []Config{{`password=\w+`, "password=x"}}, "password=xyz", "********", []int{0}},
		{"several", []Config{password, card}, "password=a 4111111111111111.", "password=******** ********.", []int{0, 1}},
		{"what a later one takes away of what an earlier one kept", []Config{{`(key=\w+) tail`, `\1`}, {`key=(\w)\w+`, `key \1`}}, "key=abc tail", "********a********", []int{0, 1}},
		{"all of it", []Config{{`.*`, ""}}, "abc", "********", []int{0}},
		{"back to what it was", []Config{{"a", "b"}, {"b", "a"}}, "a", "a", nil},
		{"beyond ASCII", []Config{{`ключ=\w+`, "K"}}, "мой ключ=тайна.", "мой ********.", []int{0}},
		{"no time", []Config{{`(?=(a+)+$)(?<!b)a`, "x"}}, strings.Repeat("a", 64) + "!", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			masked, by := mustNew(t, c.filters...).Mask([]byte(c.in))
			if c.name == "no time" { // it may or may not be found in time; the text must not show
				if len(by) > 0 && bytes.Contains(masked, []byte("aa")) {
					t.Errorf("masked %q", masked)
				}
				return
			}
			if string(masked) != c.out || !slices.Equal(by, c.by) {
				t.Errorf("Mask(%q) = %q by %v, want %q by %v", c.in, masked, by, c.out, c.by)
			}
		})
	}
}

// Whatever the filters do: Mask says that something changes exactly when Redact changes something, traces its result to the
// byte, and shows nothing that the result does not hold.
func TestMaskAgreesWithRedact(t *testing.T) {
	t.Parallel()
	pool := []Config{
		{`(a+)(b?)`, `\2<\1>`}, {`b`, ""}, {`<(\w)`, `\1\1`}, {`c(?=a)`, "é"}, {`(?<=a)c`, "q"}, {`x*`, "-"}, {`\w{3}`, `\g<0>!`}, {`é`, "a"},
	}
	rng := rand.New(rand.NewPCG(7, 11))
	for range 3000 {
		var configs []Config
		for range 1 + rng.IntN(4) {
			configs = append(configs, pool[rng.IntN(len(pool))])
		}
		f := mustNew(t, configs...)
		var in []byte
		for range rng.IntN(12) {
			in = append(in, []string{"a", "b", "c", "é", "<", " "}[rng.IntN(6)]...)
		}
		out, changed := f.Redact(nil, in)
		masked, by := f.Mask(in)
		if changed != (len(by) > 0) || !changed && !bytes.Equal(masked, in) {
			t.Fatalf("%v: %q becomes %q (%t), masked %q by %v", configs, in, out, changed, masked, by)
		}
		for shown := range strings.SplitSeq(string(masked), stars) {
			for _, c := range shown {
				if changed && !bytes.ContainsRune(out, c) {
					t.Fatalf("%v: %q becomes %q, but %q shows %q", configs, in, out, masked, c)
				}
			}
		}
	}
}
