package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const passing = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`

const skipping = `{"Action":"output","Package":"q","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"    b_test.go:12: needs a printer\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"q","Test":"TestB"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}
`

const failing = `{"Action":"output","Package":"r","Test":"TestC","Output":"    c_test.go:3: got 1, want 2\n"}
{"Action":"output","Package":"r","Test":"TestC","Output":"--- FAIL: TestC (0.00s)\n"}
{"Action":"fail","Package":"r","Test":"TestC"}
{"Action":"output","Package":"r","Output":"FAIL\tr\t0.1s\n"}
{"Action":"fail","Package":"r"}
`

const panicking = `{"Action":"output","Package":"s","Test":"TestD","Output":"panic: test timed out\n"}
{"Action":"output","Package":"s","Output":"FAIL\ts\t0.1s\n"}
{"Action":"fail","Package":"s"}
`

const notBuilding = `{"ImportPath":"t","Action":"build-output","Output":"t.go:1:1: undefined: x\n"}
{"ImportPath":"t","Action":"build-fail"}
{"Action":"output","Package":"t","Output":"FAIL\tt [build failed]\n"}
{"Action":"fail","Package":"t","FailedBuild":"t"}
`

func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, allowed string
		strict, ok        bool
		want              []string
	}{
		{name: "passed", in: passing, ok: true, want: []string{"ok  \tp", "No test was skipped", "1 tests passed, 0 failed"}},
		{name: "failed", in: passing + failing, want: []string{"got 1, want 2", "1 tests passed, 1 failed"}},
		{name: "panicked", in: panicking, want: []string{"panic: test timed out", "FAIL\ts"}},
		{name: "does not build", in: notBuilding, want: []string{"undefined: x", "[build failed]"}},
		{name: "nothing ran", in: ""},
		{name: "other words pass through", in: "# vet: bad\n" + passing, ok: true, want: []string{"# vet: bad"}},
		{name: "skipped", in: skipping, ok: true, want: []string{"needs a printer (not on the list", "q.TestB"}},
		{name: "skip refused", in: skipping, strict: true, want: []string{"FAIL: 1 tests were skipped"}},
		{name: "skip allowed", in: skipping, strict: true, allowed: "# comment\n\nneeds a \\w+\n", ok: true, want: []string{"needs a printer\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			allowed := filepath.Join(t.TempDir(), "allowed")
			if err := os.WriteFile(allowed, []byte(tt.allowed), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			ok, err := run(strings.NewReader(tt.in), &out, allowed, tt.strict)
			if err != nil {
				t.Fatal(err)
			}
			if ok != tt.ok {
				t.Errorf("ok is %t, want %t", ok, tt.ok)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the output lacks %q:\n%s", want, out.String())
				}
			}
		})
	}
}
