package pattern

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// question is something to ask of Python's re module.
type question struct {
	Pattern  string  `json:"pattern"`
	Text     string  `json:"text"`
	Template *string `json:"template,omitempty"`
}

// answer is what it said.
type answer struct {
	Error         string   `json:"error,omitempty"`
	Groups        []int    `json:"groups,omitempty"`
	Names         []string `json:"names,omitempty"`
	Replaced      *string  `json:"replaced,omitempty"`
	TemplateError string   `json:"template_error,omitempty"`
	Timeout       bool     `json:"timeout,omitempty"` // Python's own matching took too long
}

// oracle is a running Python.
type oracle struct {
	in  io.Writer
	out *bufio.Reader
}

// startOracle starts Python, or skips the test where there is none.
func startOracle(tb testing.TB) *oracle {
	tb.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		tb.Skip("no python3 to compare with; testdata/recorded.jsonl has what it said")
	}
	cmd := exec.CommandContext(tb.Context(), python, filepath.Join("testdata", "oracle.py"))
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Skipf("python3 does not start: %v", err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &oracle{in: in, out: bufio.NewReader(out)}
}

func (o *oracle) ask(tb testing.TB, q question) answer {
	tb.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := o.in.Write(append(line, '\n')); err != nil {
		tb.Fatalf("asking Python: %v", err)
	}
	reply, err := o.out.ReadBytes('\n')
	if err != nil {
		tb.Fatalf("Python's answer to %s: %v", line, err)
	}
	var a answer
	if err := json.Unmarshal(reply, &a); err != nil {
		tb.Fatal(err)
	}
	return a
}

// ours answers a question with this package.
func ours(q question) (answer, error) {
	p, err := Compile(q.Pattern)
	if err != nil {
		return answer{Error: err.Error()}, nil //nolint:nilerr // the error is the answer
	}
	var a answer
	text := []byte(q.Text)
	loc, err := p.FindSubmatchIndex(nil, text)
	if err != nil {
		return answer{}, err
	}
	if loc != nil {
		a.Groups, a.Names = loc, p.Names()
	}
	matched, err := p.Match(text)
	if err != nil {
		return answer{}, err
	}
	if matched != (loc != nil) {
		return answer{}, fmt.Errorf("Match says %v, FindSubmatchIndex %v", matched, loc)
	}
	if q.Template == nil {
		return a, nil
	}
	r, err := CompileReplacement(p, *q.Template)
	if err != nil {
		a.TemplateError = err.Error()
		return a, nil //nolint:nilerr // the error is the answer
	}
	out, changed, err := p.AppendReplaceAll([]byte("before"), text, r)
	if err != nil {
		return answer{}, err
	}
	replaced := strings.TrimPrefix(string(out), "before")
	if !changed {
		replaced = q.Text
	}
	a.Replaced = &replaced
	return a, nil
}

// compare reports how our answer to q differs from Python's.
func compare(q question, want answer) error {
	got, err := ours(q)
	if err != nil {
		return err
	}
	// What errors say and where is not compared, only what is one.
	if (got.Error != "") != (want.Error != "") {
		return fmt.Errorf("error %q, Python's is %q", got.Error, want.Error)
	}
	if (got.TemplateError != "") != (want.TemplateError != "") {
		return fmt.Errorf("template error %q, Python's is %q", got.TemplateError, want.TemplateError)
	}
	if !slices.Equal(got.Groups, want.Groups) {
		return fmt.Errorf("groups at %v, Python's at %v", got.Groups, want.Groups)
	}
	if !slices.Equal(got.Names, want.Names) {
		return fmt.Errorf("names %q, Python's %q", got.Names, want.Names)
	}
	if got.Replaced != nil && want.Replaced != nil && *got.Replaced != *want.Replaced {
		return fmt.Errorf("replaced %q, Python's %q", *got.Replaced, *want.Replaced)
	}
	return nil
}

// generator makes patterns, texts and templates at random.
type generator struct {
	*rand.Rand
	groups    int
	irregular bool
}

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g *generator) pattern(depth int) string {
	var b strings.Builder
	if depth == 3 && g.IntN(4) == 0 {
		b.WriteString(g.pick("(?i)", "(?m)", "(?s)", "(?a)", "(?x)", "(?im)", "(?ai)"))
	}
	for i := range 1 + g.IntN(3) {
		if i > 0 && g.IntN(4) == 0 {
			b.WriteByte('|')
		}
		b.WriteString(g.item(depth))
	}
	return b.String()
}

func (g *generator) item(depth int) string {
	s := g.atom(depth)
	if g.IntN(3) == 0 {
		s += g.pick("*", "+", "?", "{2}", "{1,2}", "{,2}", "{0,3}", "{2,}")
		s += g.pick("", "", "?")
		if g.irregular && g.IntN(4) == 0 {
			s = strings.TrimSuffix(s, "?") + "+"
		}
	}
	return s
}

func (g *generator) atom(depth int) string {
	if depth > 0 && g.IntN(3) == 0 {
		body := g.pattern(depth - 1)
		n := 7
		if g.irregular {
			n = 14
		}
		switch g.IntN(n) {
		case 0, 1, 2:
			g.groups++
			return "(" + body + ")"
		case 3:
			g.groups++
			return fmt.Sprintf("(?P<n%d>%s)", g.groups, body)
		case 4:
			return "(?i:" + body + ")"
		case 5:
			return g.pick("(?-i:", "(?u:", "(?s-m:", "(?m:", "(?x:") + body + ")"
		case 6:
			return "(?:" + body + ")"
		case 7:
			return "(?=" + body + ")"
		case 8:
			return "(?!" + body + ")"
		case 9:
			return g.pick("(?<=", "(?<!") + g.pick("a", "é", "ab", ".", `\w`, "a|b", "^", `\b`) + ")"
		case 10:
			return "(?>" + body + ")"
		default:
			if g.groups == 0 {
				return body
			}
			if g.IntN(3) == 0 {
				return fmt.Sprintf("(?(%d)%s|%s)", 1+g.IntN(g.groups), g.item(0), g.item(0))
			}
			return fmt.Sprintf(`\%d`, 1+g.IntN(g.groups))
		}
	}
	return g.pick("a", "a", "b", "b", "A", "é", "É", "s", "ſ", "k", "i", "I", "1", "-", " ", "_", "ab", "bab", "x1",
		".", `\d`, `\w`, `\W`, `\s`, `\S`, `\D`, `\b`, `\B`, "^", "$", `\A`, `\Z`, `\n`, `\.`, `\x61`, `\u00e9`, `\t`,
		"[ab]", "[^a]", "[a-k]", `[\w-]`, `[^\s]`, "[A-C_]", "[éa]", `[^\n]`, "[]a]", `[\d\s]`, "(?#comment)", "{", "{a}", "a{,}", `\101`, "Σ",
		"token", "token=", "tok|key=", "[0-9]{3}", `\d{2}-`, "[k-t]{4}")
}

func (g *generator) text() string {
	var b strings.Builder
	ascii := g.IntN(2) == 0
	for range g.IntN(8) {
		if ascii {
			b.WriteString(g.pick("a", "a", "b", "b", "A", "s", "k", "i", "I", "1", "-", " ", "_", "\n", "x1", "bab", "\t", "]", "{",
				"token", "TOKEN=", "key=", "1234", "12-"))
			continue
		}
		b.WriteString(g.pick("a", "b", "A", "é", "É", "s", "ſ", "K", "i", "İ", "ı", "1", "٣", "½", "²", "-", " ", "\u00a0",
			"_", "\n", "Ж", "σ", "ς", "日", "\u0301", "😀", "\x1d",
			"toKen", "ſkey=", "1٣3", "12-"))
	}
	return b.String()
}

func (g *generator) template() string {
	var b strings.Builder
	for range g.IntN(4) {
		b.WriteString(g.pick("x", "-", "é", `\1`, `\g<0>`, `\g<1>`, `\\`, `\n`, `\2`, "$1", "${1}", `\g<n1>`, `\.`, `\061`, `\0`))
	}
	return b.String()
}

// knownToDiffer reports whether a pattern is of the kinds that docs/patterns.md says may give other results.
func knownToDiffer(pattern string) bool {
	t, err := parse(pattern)
	if err != nil {
		return false
	}
	differs := false
	t.root.walk(func(n *node) {
		if n.op == opAtomic && n.subs[0].op == opRepeat && n.subs[0].subs[0].op != opSet {
			differs = true // Python 3.11 makes every iteration of a possessive repeat atomic, against its documentation
		}
	})
	return differs
}

// TestOracleGenerated compares random patterns on random texts with Python.
func TestOracleGenerated(t *testing.T) {
	o := startOracle(t)
	times := 1
	if n, err := strconv.Atoi(os.Getenv("JOURNALPUMP_ORACLE_TIMES")); err == nil {
		times = n
	}
	for _, kind := range []struct {
		name      string
		irregular bool
		count     int
	}{{"regular", false, 3000}, {"irregular", true, 1500}} {
		t.Run(kind.name, func(t *testing.T) {
			seed := rand.Uint64()
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), irregular: kind.irregular}
			compiled := 0
			for range times * kind.count {
				g.groups = 0
				pattern, template := g.pattern(3), g.template()
				q := question{Pattern: pattern, Text: g.text(), Template: &template}
				want := o.ask(t, q)
				if want.Timeout {
					continue
				}
				if want.Error == "" {
					compiled++
				}
				err := compare(q, want)
				if errors.Is(err, ErrTimeout) || knownToDiffer(q.Pattern) {
					continue
				}
				if err != nil {
					t.Errorf("seed %d: %+q on %+q with %q: %v", seed, q.Pattern, q.Text, template, err)
				}
			}
			if compiled < times*kind.count/4 {
				t.Errorf("only %d of %d patterns compiled: the generator is no good", compiled, times*kind.count)
			}
		})
	}
}
