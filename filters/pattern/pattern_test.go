package pattern

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func mustCompile(tb testing.TB, expr string) *Pattern {
	tb.Helper()
	p, err := Compile(expr)
	if err != nil {
		tb.Fatalf("%q: %v", expr, err)
	}
	return p
}

func TestErrorsSayWhere(t *testing.T) {
	for expr, want := range map[string]string{
		`a(b`:                      `missing ), unterminated subpattern at position 1`,
		`é[a`:                      `unterminated character set at position 1`,
		`ab\q`:                     `bad escape \q at position 2`,
		`a\N{EM DASH}`:             `\N{...}, a character by its name, is not supported: write it as \uXXXX at position 1`,
		`x(?L)`:                    `bad inline flags: cannot use 'L' flag with a str pattern at position 3`,
		`(?<=a+)b`:                 `look-behind requires fixed-width pattern at position 0`,
		`a**`:                      `multiple repeat at position 2`,
		`(?P<n>a)(?P=m)`:           `unknown group name "m" at position 12`,
		`a\`:                       `bad escape (end of pattern) at position 1`,
		`(?:(a){9999}){9999}(?=b)`: "",
		strings.Repeat("(", 300):   `groups nested more than 200 deep at position 200`,
	} {
		_, err := Compile(expr)
		var syntax *SyntaxError
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", expr, err)
		case want != "" && (err == nil || err.Error() != want || !errors.As(err, &syntax)):
			t.Errorf("%q: %v, want %s", expr, err, want)
		}
	}
}

// TestBeyondPython is what Python 3.11 refuses or gets wrong, and we need not.
func TestBeyondPython(t *testing.T) {
	for _, c := range []struct{ expr, text string }{
		{"a(?i)b", "AB"},           // flags for the whole pattern at any place, as before 3.11
		{"a b(?x) c", "abc"},       // likewise
		{`(?a:\W)x`, "\u0663x"},    // 3.11 looks for the first character as if there were no a
		{`(\S+){2,}+`, "ab"},       // 3.11 makes every iteration atomic
		{`(?(1)a|b)(c)`, "bc"},     // a condition on a group that comes later
		{`[[:alpha:]]+`, "[:al]]"}, // only a warning in Python: an ordinary set
	} {
		if ok, err := mustCompile(t, c.expr).Match([]byte(c.text)); !ok || err != nil {
			t.Errorf("%q does not match %q (%v)", c.expr, c.text, err)
		}
	}
}

// TestEngines holds which engine a pattern gets: package regexp wherever that is right.
func TestEngines(t *testing.T) {
	for _, c := range []struct {
		expr                    string
		ascii, full, backtracks bool
	}{
		{`password=\w+`, true, true, false},
		{`(?i)secret$`, true, true, false},
		{`\bx\b`, true, false, false},
		{`(?a)\bx\b`, true, true, false},
		{`[0-9]{5000}x{2000,}`, true, true, false},
		{`(x){2000}`, false, false, false},
		{`(?:a|b*)*c`, false, false, false},
		{`(?:ab?)*c`, true, true, false},
		{`(?<=a)b`, false, false, true},
		{`(a)\1`, false, false, true},
		{`a++b`, false, false, true},
		{`(x){30000}`, false, false, true},
	} {
		p := mustCompile(t, c.expr)
		if (p.ascii != nil) != c.ascii || (p.full != nil) != c.full || p.MayTimeOut() != c.backtracks {
			t.Errorf("%q: ASCII %v, full %v, backtracks %v", c.expr, p.ascii != nil, p.full != nil, p.MayTimeOut())
		}
	}
}

// TestEnginesAgree runs patterns that package regexp can have on our own matcher as well.
func TestEnginesAgree(t *testing.T) {
	seed := rand.Uint64()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 3))}
	compared := 0
	for range 5000 {
		g.groups = 0
		expr, text := g.pattern(3), []byte(g.text())
		p, err := Compile(expr)
		if err != nil || p.machines == nil {
			continue
		}
		re := p.regexpFor(text)
		if re == nil {
			continue
		}
		compared++
		m := p.machines.get()
		var got []int
		if m.search(text, 0, false, 2*len(p.names)) {
			got = m.best
		}
		if want := re.FindSubmatchIndex(text); !slices.Equal(got, want) {
			t.Errorf("seed %d: %+q on %+q: %v, package regexp %v", seed, expr, text, got, want)
		}
		p.machines.put(m)
	}
	if compared < 500 {
		t.Errorf("only %d compared", compared)
	}
}

func TestTimeout(t *testing.T) {
	p := mustCompile(t, `(?=(?:a|a|aa)+$)(?:(a|aa)+)+\1!`)
	r, err := CompileReplacement(p, "x")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("a", 5000) + "!")
	start := time.Now()
	if _, err := p.Match(text); !errors.Is(err, ErrTimeout) || strings.Contains(err.Error(), "aaa") {
		t.Errorf("Match: %v", err)
	}
	if _, err := p.FindSubmatchIndex(nil, text); !errors.Is(err, ErrTimeout) {
		t.Errorf("FindSubmatchIndex: %v", err)
	}
	out, changed, err := p.AppendReplaceAll([]byte("kept"), text, r)
	if !errors.Is(err, ErrTimeout) || changed || string(out) != "kept" {
		t.Errorf("AppendReplaceAll: %q, %v, %v", out, changed, err)
	}
	if took := time.Since(start); took > 10*MatchTimeout {
		t.Errorf("gave up after %v", took)
	}
}

// TestManySlowMatches holds that the time for a text is bounded, not only that for a match.
func TestManySlowMatches(t *testing.T) {
	p := mustCompile(t, `a(?=a*b)`)
	r, err := CompileReplacement(p, "x")
	if err != nil {
		t.Fatal(err)
	}
	text := append(bytes.Repeat([]byte("a"), 300_000), 'b') // quadratic
	start := time.Now()
	_, _, err = p.AppendReplaceAll(nil, text, r)
	if took := time.Since(start); !errors.Is(err, ErrTimeout) || took > 10*MatchTimeout {
		t.Errorf("%v after %v", err, took)
	}
}

// TestLinearTime holds that patterns which are hard for backtracking engines are not for ours.
func TestLinearTime(t *testing.T) {
	start := time.Now()
	for _, expr := range []string{`(?:a+)+$b`, `(?:a|a)*c\b`, `(?:a*)*c\b`, `(a|aa)+\Bc`} {
		p := mustCompile(t, expr)
		text := append(bytes.Repeat([]byte("a"), 2000), "é\n"...)
		if ok, err := p.MatchFiltered(text); ok || err != nil {
			t.Errorf("%q: %v, %v", expr, ok, err)
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestFiltersAreSound holds that what a pattern's filter, or a set, rules out does not match.
func TestFiltersAreSound(t *testing.T) {
	seed := rand.Uint64()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 4)), irregular: true}
	matches, filtered := 0, 0
	for range 150 {
		var patterns []*Pattern
		for len(patterns) < 20 {
			g.groups = 0
			if p, err := Compile(g.pick("", "(?i)") + g.pick("", "", "^", `(\A)?`, "^(?:x )?") + g.pick("token", "key=", "[0-9]{3}", "(?:token|key=|tok)", "[tk][oe][ky]") + g.pattern(1)); err == nil {
				patterns = append(patterns, p)
			}
		}
		s := NewSet(patterns)
		bits := make([]uint64, s.Words())
		for range 20 {
			text := []byte(g.pick("", "x ", "TOK", "tok") + g.text() + g.text())
			some := s.Candidates(bits, text)
			for i, p := range patterns {
				ok, err := p.MatchFiltered(text)
				if err != nil {
					continue
				}
				candidate := bits[i/64]&(1<<(i%64)) != 0
				if ok && (!p.MayMatch(text) || !candidate || !some) {
					t.Errorf("seed %d: %+q matches %+q, but: MayMatch %v, in the set %v", seed, p, text, p.MayMatch(text), candidate)
				}
				if ok {
					matches++
				}
				if !candidate {
					filtered++
				}
			}
		}
	}
	if matches < 1000 || filtered < 1000 {
		t.Errorf("%d matches, %d ruled out: the generator is no good", matches, filtered)
	}
}

func TestFilterKinds(t *testing.T) {
	for _, c := range []struct{ expr, kind string }{
		{`password=\w+`, "literal password="},
		{`\w+(?:foo|bar)\d`, "finder bar foo"},
		{`(?i)Bearer\s`, "finder bearer"},
		{`(?:a|b)?xyz{2,}`, "finder axyzz bxyzz xyzz"},
		{`\b4[0-9]{12}(?:[0-9]{3})?\b`, "window 13"},
		{`x?[0-9a-f]{8}-[0-9a-f]{4}`, "window 13"},
		{`\w+@\w+`, "literal @"},
		{`.*`, "none"},
		{`(?:)|a`, "none"},
		{`(secret)+?`, "literal secret"},
		{`(?:ab){3}`, "literal ababab"},
		{`(?=secret)\w+`, "none"},
		{`(x1)?\1yy`, "literal yy"},
		{`^Failed (?:password|none) for \w+`, "starts Failed none for  Failed password for "},
		{`^(error: )?too many `, "starts error: too many  too many "},
		{`\Apam_\w+:`, "starts pam_"},
		{`(?:^ab+c|(^x))y`, "starts ab x"},
		{`(?i)^from`, "starts from"},
		{`(?i)^is`, "finder is"}, // ſ is an s, too
		{`(?m)^from`, "literal from"},
		{`(?:^a|b)cde`, "finder acde bcde"},
		{`^\w+ from`, "literal  from"},
		{`^`, "none"},
	} {
		f := &mustCompile(t, c.expr).filter
		got := "none"
		switch {
		case f.starts != nil:
			var texts []string
			for _, n := range f.starts {
				texts = append(texts, n.text)
			}
			slices.Sort(texts)
			got = "starts " + strings.Join(texts, " ")
		case f.literal != nil:
			got = "literal " + string(f.literal.text)
		case f.finder != nil:
			got = "finder"
			for _, n := range f.needles {
				got += " " + n.text
			}
			words := strings.Fields(got)
			slices.Sort(words[1:])
			got = strings.Join(words, " ")
		case f.window != nil:
			got = "window " + string(rune('0'+f.window.length/10)) + string(rune('0'+f.window.length%10))
		}
		if got != c.kind {
			t.Errorf("%q: %s, want %s", c.expr, got, c.kind)
		}
	}
}

// FuzzCompile holds that no pattern, template or text crashes anything, and that what is replaced in UTF-8 is UTF-8.
func FuzzCompile(f *testing.F) {
	for _, c := range cases {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, expr, text, template string) {
		if len(expr) > 200 || len(text) > 200 {
			return
		}
		p, err := Compile(expr)
		if err != nil {
			return
		}
		if p.MayTimeOut() {
			return // may take seconds; TestOracleGenerated has them
		}
		loc, err := p.FindSubmatchIndex(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(loc); i += 2 {
			if loc[i] > loc[i+1] || loc[i] < -1 || loc[i+1] > len(text) {
				t.Fatalf("positions %v in %d bytes", loc, len(text))
			}
		}
		if ok, _ := p.Match([]byte(text)); ok != (loc != nil) {
			t.Fatalf("Match %v, positions %v", ok, loc)
		}
		r, err := CompileReplacement(p, template)
		if err != nil {
			return
		}
		out, changed, err := p.AppendReplaceAll(nil, []byte(text), r)
		if err != nil || changed != (loc != nil) {
			t.Fatalf("changed %v, %v; positions %v", changed, err, loc)
		}
		if utf8.ValidString(text) && !utf8.Valid(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
	})
}
