package pattern

import (
	"bytes"
	"fmt"
	"testing"
)

// Secrets as people look for them. Only the last has no fixed text.
var benchPatterns = []string{
	`password=[0-9a-zA-Z]+`, `ghp_[0-9a-zA-Z]{16,36}`, `AKIA[0-9A-Z]{16}`, `xox[baprs]-[0-9a-zA-Z-]{10,48}`, `-----BEGIN [A-Z ]*PRIVATE KEY-----`,
	`glpat-[0-9a-zA-Z_-]{20}`, `(?i)bearer\s+[a-z0-9._~+/-]+=*`, `sk_live_[0-9a-zA-Z]{24}`, `SG\.[\w-]{22}\.[\w-]{43}`, `AIza[0-9A-Za-z_-]{35}`,
	`(?i)api[_-]?key["']?\s*[:=]\s*["']?\w{16,}`, `npm_[A-Za-z0-9]{36}`, `dop_v1_[a-f0-9]{64}`, `key-[0-9a-f]{32}`, `eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+`,
	`shpat_[a-fA-F0-9]{32}`, `hvs\.[\w-]{90,100}`, `(?:postgres|mysql)://[^:\s]+:[^@\s]+@`, `lin_api_\w{40}`, `pypi-AgEIcHlwaS5vcmc[\w-]{50,}`,
}

const noLiteralPattern = `\b4[0-9]{12}(?:[0-9]{3})?\b`

var benchLine = []byte(`2026-11-21T08:54:31.123 worker-17 INFO  request id=7f3a9c1e-2b44-4d0e-9f0d-5c1a2b3c4d5e GET /v1/service/metrics ` +
	`status=200 bytes=48213 duration=0.0173 upstream=10.12.7.44:8443 ua="curl/7.88.1" trace=on q`)

func compileAll(b *testing.B, exprs ...string) []*Pattern {
	b.Helper()
	var out []*Pattern
	for _, e := range exprs {
		p, err := Compile(e)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// BenchmarkSet is one line of 200 bytes that no pattern matches.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{2, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmarkSet(b, benchLine, benchPatterns[:n]...)
		})
	}
	b.Run("2+window", func(b *testing.B) {
		benchmarkSet(b, benchLine, append([]string{noLiteralPattern}, benchPatterns[:2]...)...)
	})
	b.Run("5 non-ASCII line", func(b *testing.B) {
		benchmarkSet(b, bytes.Replace(benchLine, []byte("curl"), []byte("cúrl…"), 1), benchPatterns[:5]...)
	})
}

func benchmarkSet(b *testing.B, line []byte, exprs ...string) {
	b.Helper()
	patterns := compileAll(b, exprs...)
	s := NewSet(patterns)
	bits := make([]uint64, s.Words())
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if s.Candidates(bits, line) {
			b.Fatal("candidates")
		}
	}
}

// BenchmarkMatch is one pattern on one line that it does not match; NoFilter is what the engine itself would take.
func BenchmarkMatch(b *testing.B) {
	for name, expr := range map[string]string{
		"literal": benchPatterns[0], "fold": benchPatterns[6], "window": noLiteralPattern, `window \d`: `\b4\d{12}(?:\d{3})?\b`, "plain": `\w+@\w+`,
	} {
		p := compileAll(b, expr)[0]
		b.Run(name, func(b *testing.B) { benchmarkMatch(b, p.Match) })
		b.Run(name+"/NoFilter", func(b *testing.B) { benchmarkMatch(b, p.MatchFiltered) })
	}
}

func benchmarkMatch(b *testing.B, match func([]byte) (bool, error)) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := match(benchLine); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkReplace is a line with one secret.
func BenchmarkReplace(b *testing.B) {
	p := compileAll(b, `password=([0-9a-zA-Z]+)`)[0]
	for _, template := range []string{"password=[REDACTED]", `<\1>`} {
		r, err := CompileReplacement(p, template)
		if err != nil {
			b.Fatal(err)
		}
		line := bytes.Replace(benchLine, []byte("trace=on"), []byte("password=hunter2"), 1)
		var out []byte
		b.Run(template, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var changed bool
				if out, changed, err = p.AppendReplaceAll(out[:0], line, r); !changed || err != nil {
					b.Fatal(changed, err)
				}
			}
		})
	}
}
