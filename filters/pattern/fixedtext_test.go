package pattern

import (
	"bytes"
	"strings"
	"testing"
)

func TestFixedTextsAreLookedForByTheirRarestByte(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]byte{"took 404 ms": 'k', "Out of memory": 'O', "aaa": 'a', "error: \x80": 0x80, "e": 'e'} {
		if l := newFixedText(text); l.text[l.rare] != want {
			t.Errorf("%q: by %q, want %q", text, l.text[l.rare], want)
		}
	}
}

// FuzzFixedText holds the search against bytes.Contains.
func FuzzFixedText(f *testing.F) {
	for _, fixed := range []string{"k", "took", "kk", "ak", "ka", "aka", "\xffk", strings.Repeat("k", 9)} {
		for _, text := range []string{"", "k", "took", "ttook", "tookk", "kakakakakakakakakaka", strings.Repeat("k", 20), strings.Repeat("tok", 10) + "took", "a\xffk"} {
			f.Add(fixed, text)
		}
	}
	f.Fuzz(func(t *testing.T, fixed, text string) {
		if fixed == "" {
			return // no filter looks for that
		}
		if got, want := newFixedText(fixed).in([]byte(text)), strings.Contains(text, fixed); got != want {
			t.Errorf("%q in %q: %t", fixed, text, got)
		}
	})
}

// BenchmarkFixedText is one line of 200 bytes without the text.
func BenchmarkFixedText(b *testing.B) {
	for _, text := range []string{"took 404 ms", "connection refused", "Out of memory: Killed process", "user="} {
		l := newFixedText(text)
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if l.in(benchLine) {
					b.Fatal("found")
				}
			}
		})
		b.Run("bytes.Contains/"+text, func(b *testing.B) {
			for b.Loop() {
				if bytes.Contains(benchLine, l.text) {
					b.Fatal("found")
				}
			}
		})
	}
}
