package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestThousands(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{0: "0", 17.4: "17", 999: "999", 17_437: "17,400", 450_449: "450,000", 1_449_999: "1,450,000"} {
		if got := thousands(x); got != want {
			t.Errorf("thousands(%v) is %q, want %q", x, got, want)
		}
	}
}

func TestReplaceBetweenMarkers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.md")
	for _, tt := range []struct{ before, after string }{
		{"a\n" + beginMarker + "old" + endMarker + "\nb\n", "a\n" + beginMarker + "\nnew\n" + endMarker + "\nb\n"},
		{"no markers", ""},
		{endMarker + beginMarker, ""},
	} {
		if err := os.WriteFile(file, []byte(tt.before), 0o600); err != nil {
			t.Fatal(err)
		}
		err := replaceBetweenMarkers(file, "new\n")
		if tt.after == "" {
			if err == nil {
				t.Errorf("%q was accepted", tt.before)
			}
			continue
		}
		got, readErr := os.ReadFile(file)
		if err != nil || readErr != nil || string(got) != tt.after {
			t.Errorf("got %q, %v, %v; want %q", got, err, readErr, tt.after)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	r := result{runs: []measurement{{wall: 3e9}, {wall: 1e9}, {wall: 2e9}}}
	if got := r.median(wallSeconds); got != 2 {
		t.Errorf("the median is %v, want 2", got)
	}
}
