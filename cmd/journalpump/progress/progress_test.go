package progress

import (
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		terminal bool
		steps    []string // what is shown after each second, "" for nothing
	}{
		{"lines", false, []string{"", "", "", "", " 50%  sent 5,000 of 10,000 entries, 1,000/s, 5.0s left\n", "", "", "", "", "100%  sent 10,000 of 10,000 entries, 1,000/s\n"}},
		{"a bar", true, []string{"\r\x1b[K[###---------------------------]  10%  sent 1,000 of 10,000 entries, 1,000/s, 9.0s left", "\r\x1b[K[######------------------------]  20%  sent 2,000 of 10,000 entries, 1,000/s, 8.0s left"}},
	} {
		var out strings.Builder
		now := time.Unix(1_700_000_000, 0)
		p := newAt(&out, "sent", c.terminal, func() time.Time { return now })
		p.Total(10_000)
		for i, want := range c.steps {
			now = now.Add(time.Second)
			out.Reset()
			p.Add(1000)
			if out.String() != want {
				t.Errorf("%s, after %d s: %q, want %q", c.name, i+1, out.String(), want)
			}
		}
		out.Reset()
		p.End()
		if removed := out.String() == clearLine; removed != c.terminal {
			t.Errorf("%s: at the end %q", c.name, out.String())
		}
	}
}

func TestProgressWithoutTotal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Unix(1_700_000_000, 0)
	p := newAt(&out, "read", true, func() time.Time { return now })
	p.End()
	p.Set(0, 0)
	if out.String() != "" {
		t.Errorf("at once: %q", out.String())
	}
	now = now.Add(2 * time.Second)
	p.Set(5000, 0)
	if out.String() != "\r\x1b[Kread 5,000 entries, 2,500/s" {
		t.Errorf("%q", out.String())
	}
	now = now.Add(time.Second)
	out.Reset()
	p.Set(5000, 4000) // an estimate that was too low
	if !strings.Contains(out.String(), "100%  read 5,000 of 5,000 entries") {
		t.Errorf("%q", out.String())
	}
}
