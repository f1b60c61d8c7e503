package pattern

import (
	"slices"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWithCase(t *testing.T) {
	for _, c := range []struct {
		in    string
		ascii bool
		want  string
	}{
		{"a", false, "Aa"}, {"A", true, "Aa"}, {"k", false, "Kk\u212a"}, {"k", true, "Kk"}, {"ı", false, "Iiİı"}, {"ı", true, "ı"},
		{"ß", false, "ßẞ"}, {"σ", false, "Σςσ"}, {"1", false, "1"}, {"é", true, "é"}, {"𐐀", false, "𐐀𐐨"},
	} {
		r, _ := utf8.DecodeRuneInString(c.in)
		want := runeSet{}
		for _, w := range c.want {
			want = append(want, w, w)
		}
		if got := withCase([]rune{r, r}, c.ascii); !slices.Equal(got, normalize(want)) {
			t.Errorf("%s (ASCII %v): %q, want %q", c.in, c.ascii, got, c.want)
		}
	}
}

// TestWithCaseOfMany holds that large sets, which are done another way, come out as their parts do.
func TestWithCaseOfMany(t *testing.T) {
	for lo := rune(0); lo < 0x20000; lo += 300 {
		hi := lo + 299
		var parts []rune
		for r := lo; r <= hi; r++ {
			parts = append(parts, withCase([]rune{r, r}, false)...)
		}
		if got := withCase([]rune{lo, hi}, false); !slices.Equal(got, normalize(parts)) {
			t.Errorf("%U to %U: %q, want %q", lo, hi, got, normalize(parts))
		}
	}
}

func TestRuneSet(t *testing.T) {
	s := normalize([]rune{'x', 'z', 'a', 'c', 'd', 'd', 'y', 0x100})
	if want := (runeSet{'a', 'd', 'x', 0x100}); !slices.Equal(s, want) {
		t.Fatalf("normalized %q", s)
	}
	for r, want := range map[rune]bool{'`': false, 'a': true, 'd': true, 'e': false, 'x': true, 0x100: true, 0x101: false} {
		if s.contains(r) != want || s.complement().contains(r) == want {
			t.Errorf("contains %q: %v", r, !want)
		}
	}
	if got := s.complement().complement(); !slices.Equal(got, s) {
		t.Errorf("complement of the complement %q", got)
	}
	if got := s.ascii(); !slices.Equal(got, runeSet{'a', 'd', 'x', unicode.MaxASCII}) || !s.hasBeyondASCII() || got.hasBeyondASCII() {
		t.Errorf("ASCII part %q", got)
	}
	if got := (runeSet{0, unicode.MaxRune}).complement(); len(got) != 0 {
		t.Errorf("complement of all %q", got)
	}
}
