package secret

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"journalpump/filters/pattern"
)

func mustNew(tb testing.TB, configs ...Config) *Filters {
	tb.Helper()
	f, err := New(configs)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func TestRedact(t *testing.T) {
	card := Config{`\b4[0-9]{12}(?:[0-9]{3})?\b`, "[CARD]"}
	password := Config{`password=[0-9a-zA-Z]+`, "password=[REDACTED]"}
	for _, c := range []struct {
		name    string
		filters []Config
		in, out string
	}{
		{"none", nil, "password=x", "password=x"},
		{"no match", []Config{password, card}, "nothing here", "nothing here"},
		{"empty", []Config{password}, "", ""},
		{"one", []Config{password}, "a password=hunter2 b", "a password=[REDACTED] b"},
		{"several in one message", []Config{password}, "password=a password=b", "password=[REDACTED] password=[REDACTED]"},
		{"two filters", []Config{password, card}, "password=hunter2 4111111111111111.", "password=[REDACTED] [CARD]."},
		{"number and name", []Config{{`(?P<who>\w+):(\d+)`, `\2/\g<who>`}}, "alice:12 bob:34", "12/alice 34/bob"},
		{"each on the result of the one before", []Config{{"one", "two"}, {"two", "three"}, {"three", "four"}}, "one two", "four four"},
		{"a later one sees what an earlier one removed", []Config{{"x+", ""}, {"ab", "!"}}, "axxb", "!"},
		{"back to what it was", []Config{{"a", "b"}, {"b", "a"}}, "a", "a"},
		{"replaced by itself", []Config{{"a", "a"}}, "banana", "banana"},
		{"look-behind", []Config{{`(?<=token )ghp_\w+`, "[T]"}}, "token ghp_abc", "token [T]"},
		{"beyond ASCII", []Config{{`\bключ=\w+\b`, "[K]"}}, "мойключ=a ключ=тайна.", "мойключ=a [K]."},
		{"ignoring case", []Config{{`(?i)secret`, "*"}}, "SECRET ſecret", "* *"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := mustNew(t, c.filters...)
			in := []byte(c.in)
			out, changed := f.Redact([]byte("kept:")[:0], in)
			if string(out) != c.out || changed != (c.in != c.out) {
				t.Errorf("Redact(%q) = %q, %v, want %q", c.in, out, changed, c.out)
			}
			if !changed && len(in) > 0 && &out[0] != &in[0] {
				t.Error("unchanged, but not the text itself")
			}
			if string(in) != c.in {
				t.Errorf("the input became %q", in)
			}
			if out, changed := f.Redact([]byte("kept:"), in); changed && string(out) != "kept:"+c.out {
				t.Errorf("appended to something: %q", out)
			}
		})
	}
}

// TestTimeout holds that a message is withheld when it is not known whether there is a secret in it.
func TestTimeout(t *testing.T) {
	f := mustNew(t, Config{"password=[a-z]+", "password=*"}, Config{`(?=(?:a|a|aa)+$)(?:(a|aa)+)+\1!`, ""})
	in := "password=hunter " + strings.Repeat("a", 5000) + "!"
	out, changed := f.Redact([]byte("kept:"), []byte(in))
	if !changed || string(out) != "kept:[message withheld: secret filter 2 timed out]" {
		t.Errorf("changed %v: %.60q", changed, out)
	}
}

func TestNewErrors(t *testing.T) {
	_, err := New([]Config{{"ok", ""}, {"(open", ""}, {"(a)", `\2`}, {"b", `\q`}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"secret filter 2: pattern: missing ), unterminated subpattern at position 0",
		"secret filter 3: replacement: invalid group reference 2 at position 0",
		`secret filter 4: replacement: bad escape \q at position 0`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	var e *Error
	if !errors.As(err, &e) || e.Index != 1 || e.Key != "pattern" {
		t.Errorf("as *Error: %+v", e)
	}
	var s *pattern.SyntaxError
	if !errors.As(err, &s) || s.Offset != 0 {
		t.Errorf("as *SyntaxError: %+v", s)
	}
}

var benchFilters = []Config{
	{`password=[0-9a-zA-Z]+`, "password=[REDACTED]"},
	{`\b4[0-9]{12}(?:[0-9]{3})?\b`, "[CARD]"},
}

var benchLine = []byte(strings.Repeat("an ordinary line of a log, 2026-11-21 08:54:31 ", 5)[:200])

func BenchmarkRedact(b *testing.B) {
	f := mustNew(b, benchFilters...)
	for _, c := range []struct {
		name string
		line []byte
	}{{"no match", benchLine}, {"match", append(bytes.Clone(benchLine), " password=hunter2 and more"...)}} {
		b.Run(c.name, func(b *testing.B) {
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out, _ = f.Redact(out[:0:cap(out)], c.line)
				if &out[0] == &c.line[0] {
					out = nil
				}
			}
		})
	}
}
