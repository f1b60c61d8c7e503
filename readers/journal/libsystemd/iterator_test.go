package libsystemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

// found is what a reading to the end brought.
type found struct {
	numbers   []int
	gaps      []pump.Gap
	corrupted int
	last      pump.Position
}

// readAll reads until there is nothing more, and checks what holds for all chunks.
func readAll(tb testing.TB, it pump.Iterator, from pump.Position) found {
	tb.Helper()
	f := found{last: from}
	for {
		c, err := it.Next(tb.Context())
		if errors.Is(err, pump.ErrNoMore) {
			return f
		}
		if err != nil {
			tb.Fatal(err)
		}
		if c.From != f.last {
			tb.Fatalf("a chunk is from %v, the one before was to %v", c.From, f.last)
		}
		f.last = c.To
		f.gaps = append(f.gaps, c.Gaps...)
		f.corrupted += c.Corrupted
		for i := range c.Entries {
			f.numbers = append(f.numbers, number(tb, c, i))
		}
	}
}

func number(tb testing.TB, c *pump.Chunk, i int) int {
	tb.Helper()
	message, _ := c.Lookup(i, "MESSAGE")
	n, err := strconv.Atoi(strings.TrimPrefix(string(message), "number "))
	if err != nil {
		tb.Fatalf("entry %d has MESSAGE=%q", i, message)
	}
	return n
}

func upTo(first, last int) (all []int) {
	for i := first; i <= last; i++ {
		all = append(all, i)
	}
	return all
}

func wantNumbers(tb testing.TB, f found, want []int) {
	tb.Helper()
	if diff := cmp.Diff(want, f.numbers); diff != "" {
		tb.Errorf("numbers: %s", diff)
	}
}

func TestReadsAll(t *testing.T) {
	l := openLog(t, inDir(journalOf(t, 1, 3000)))
	it := iterate(t, l, pump.Position{})
	f := readAll(t, it, pump.Position{})
	wantNumbers(t, f, upTo(1, 3000))
	if len(f.gaps) > 0 || f.corrupted > 0 {
		t.Errorf("gaps %v, corrupted %d", f.gaps, f.corrupted)
	}
}

func TestFieldsKeepOrderAndRepeats(t *testing.T) {
	l := openLog(t, inDir(journalOf(t, 1, 9)))
	it := iterate(t, l, pump.Position{})
	c, err := it.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for i := range c.Entries {
		tags := map[string]int{}
		for _, r := range c.Fields(i) {
			if _, ok := r.Dict(); ok {
				shared++
			}
			if f := c.Field(r); f.Name == "TAG" {
				tags[string(f.Value)]++
			}
		}
		want := map[string]int{"a": 1, "b": 1, fmt.Sprintf("a%d", (i+1)%3): 1}
		if diff := cmp.Diff(want, tags); diff != "" {
			t.Errorf("entry %d: %s", i, diff)
		}
		p := c.Entries[i].Position
		if p.Parts != pump.HasAll || p.Monotonic != uint64(i+1)*1000 || p.BootID.String() != testBoot ||
			p.Realtime != testStart+uint64(i+1)*1000 {
			t.Errorf("entry %d is at %v", i, p)
		}
	}
	if shared == 0 {
		t.Error("no field is shared")
	}
}

func TestResumes(t *testing.T) {
	l := openLog(t, inDir(journalOf(t, 1, 50)))
	c, err := iterate(t, l, pump.Position{}).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 20, 48, 49} {
		at := c.Entries[i].Position
		for what, cursor := range map[string]pump.Cursor{
			"whole":     at,
			"seqnum":    {SeqnumID: at.SeqnumID, Seqnum: at.Seqnum, Parts: pump.HasSeqnum},
			"monotonic": {BootID: at.BootID, Monotonic: at.Monotonic, Parts: pump.HasMonotonic},
			"realtime":  {Realtime: at.Realtime, Parts: pump.HasRealtime},
		} {
			p := pump.Position{Cursor: cursor}
			f := readAll(t, iterate(t, l, p), p)
			wantNumbers(t, f, upTo(i+2, 50))
			if len(f.gaps) > 0 {
				t.Errorf("by %s: gaps %v", what, f.gaps)
			}
		}
	}
}

func TestUnits(t *testing.T) {
	dir := journalOf(t, 1, 30)
	tests := []struct {
		units []string
		want  func(i int) bool
	}{
		{[]string{"unit-1.service"}, func(i int) bool { return i%3 == 1 }},
		{[]string{"unit-1.service", "unit-2.service"}, func(i int) bool { return i%3 != 0 }},
		{[]string{"unit-[02]*"}, func(i int) bool { return i%3 != 1 }},
		{[]string{"*-2.service", "unit-1.service"}, func(i int) bool { return i%3 != 0 }},
		{[]string{"none*"}, func(int) bool { return false }},
		{[]string{"none"}, func(int) bool { return false }},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.units, " "), func(t *testing.T) {
			o := inDir(dir)
			o.Units = tt.units
			l := openLog(t, o)
			var want []int
			for i := 1; i <= 30; i++ {
				if tt.want(i) {
					want = append(want, i)
				}
			}
			f := readAll(t, iterate(t, l, pump.Position{}), pump.Position{})
			wantNumbers(t, f, want)
			if len(want) == 0 {
				return
			}
			// From an entry that is not wanted nothing is missing either.
			all := openLog(t, inDir(dir))
			tail, err := all.Seek(t.Context(), pump.Start{Kind: pump.StartRealtime, Time: time.UnixMicro(testStart + 1001)})
			if err != nil {
				t.Fatal(err)
			}
			if f := readAll(t, iterate(t, l, tail), tail); len(f.gaps) > 0 {
				t.Errorf("gaps %v", f.gaps)
			}
		})
	}
}

func TestSeek(t *testing.T) {
	l := openLog(t, inDir(journalOf(t, 1, 20)))
	tests := []struct {
		name  string
		start pump.Start
		want  []int
	}{
		{"head", pump.Start{Kind: pump.StartHead}, upTo(1, 20)},
		{"tail", pump.Start{Kind: pump.StartTail}, nil},
		{"time of an entry", pump.Start{Kind: pump.StartRealtime, Time: time.UnixMicro(testStart + 5000)}, upTo(5, 20)},
		{"time between", pump.Start{Kind: pump.StartRealtime, Time: time.UnixMicro(testStart + 5001)}, upTo(6, 20)},
		{"before all", pump.Start{Kind: pump.StartRealtime, Time: time.UnixMicro(5)}, upTo(1, 20)},
		{"after all", pump.Start{Kind: pump.StartRealtime, Time: time.UnixMicro(testStart * 2)}, nil},
		{"a boot without entries", pump.Start{Kind: pump.StartBoot}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := l.Seek(t.Context(), tt.start)
			if err != nil {
				t.Fatal(err)
			}
			f := readAll(t, iterate(t, l, p), p)
			wantNumbers(t, f, tt.want)
			if len(f.gaps) > 0 {
				t.Errorf("gaps %v", f.gaps)
			}
		})
	}
}

func TestSeekInThisBoot(t *testing.T) {
	boot, err := currentBoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	remote(t, filepath.Join(dir, "old.journal"), numbered(1, 5))
	mine := strings.ReplaceAll(string(numbered(6, 9)), testBoot, boot.String())
	remote(t, filepath.Join(dir, "new.journal"), []byte(mine))
	l := openLog(t, inDir(dir))
	for offset, want := range map[time.Duration][]int{
		0:                       upTo(6, 9),
		7 * time.Millisecond:    upTo(7, 9),
		7001 * time.Microsecond: upTo(8, 9),
		time.Hour:               nil,
	} {
		p, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartBoot, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		wantNumbers(t, readAll(t, iterate(t, l, p), p), want)
	}
}

func TestNotYet(t *testing.T) {
	needTools(t)
	dir := filepath.Join(t.TempDir(), "journal")
	l := openLog(t, inDir(dir))
	for _, state := range []string{"no directory", "no file", "no content"} {
		switch state {
		case "no file":
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		case "no content":
			if err := os.WriteFile(filepath.Join(dir, "system.journal"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Open(t.Context(), pump.Position{}); !errors.Is(err, pump.ErrNotYet) {
			t.Errorf("%s: Open: %v", state, err)
		}
		for _, kind := range []pump.StartKind{pump.StartHead, pump.StartTail, pump.StartBoot, pump.StartRealtime} {
			if _, err := l.Seek(t.Context(), pump.Start{Kind: kind}); !errors.Is(err, pump.ErrNotYet) {
				t.Errorf("%s: Seek: %v", state, err)
			}
		}
	}
}

func TestVacuumedIsAGap(t *testing.T) {
	dir := t.TempDir()
	remote(t, filepath.Join(dir, "system.journal"), numbered(1, 10))
	l := openLog(t, inDir(dir))
	at := readAll(t, iterate(t, l, pump.Position{}), pump.Position{}).last
	it := iterate(t, l, at)

	// The file goes, and another one comes that goes on elsewhere.
	if err := os.Remove(filepath.Join(dir, "system.journal")); err != nil {
		t.Fatal(err)
	}
	remote(t, filepath.Join(dir, "other.journal"), numbered(21, 30))
	for what, it := range map[string]pump.Iterator{"open": it, "opened later": iterate(t, l, at)} {
		f := readAll(t, it, at)
		if diff := cmp.Diff(upTo(21, 30), f.numbers); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		want := []pump.Gap{{SeqnumID: at.SeqnumID, First: 11, From: at.Realtime, To: testStart + 21000, Reason: reasonVacuumed}}
		if diff := cmp.Diff(want, f.gaps); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func TestFollows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "system.journal")
	remote(t, path, numbered(1, 10))
	l := openLog(t, inDir(dir))
	it := iterate(t, l, pump.Position{})
	f := readAll(t, it, pump.Position{})
	steps := []struct {
		name string
		do   func()
	}{
		{"more in the same file", func() { remote(t, path, numbered(11, 20)) }},
		{"a new file", func() { remote(t, filepath.Join(dir, "user-1.journal"), numbered(21, 30)) }},
		{"both", func() {
			remote(t, path, numbered(31, 40))
			remote(t, filepath.Join(dir, "user-1.journal"), numbered(41, 50))
		}},
	}
	next := 11
	for _, step := range steps {
		step.do()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		want := upTo(next, next+9)
		if step.name == "both" {
			want = upTo(next, next+19)
		}
		var got []int
		for len(got) < len(want) {
			more := readAll(t, it, f.last)
			got = append(got, more.numbers...)
			f.last = more.last
			if len(got) >= len(want) {
				break
			}
			if err := it.Wait(ctx); err != nil {
				t.Fatalf("%s: %v after %v", step.name, err, got)
			}
		}
		cancel()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		next += len(want)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	l := openLog(t, inDir(journalOf(t, 1, 10)))
	it := iterate(t, l, pump.Position{})
	f := readAll(t, it, pump.Position{})
	for range 3 { // the first wait of a child returns at once
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		for ctx.Err() == nil {
			if err := it.Wait(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		cancel()
	}
	pid := it.session.process.cmd.Process.Pid
	if again := readAll(t, it, f.last); len(again.numbers) > 0 {
		t.Errorf("read %v twice", again.numbers)
	}
	if it.session.process.cmd.Process.Pid != pid {
		t.Error("the child had to be replaced")
	}
}

func TestLag(t *testing.T) {
	dir := journalOf(t, 1, 100)
	l := openLog(t, inDir(dir))
	it := iterate(t, l, pump.Position{})
	c, err := it.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]pump.Lag{
		0:  {Entries: 99, Age: 99 * time.Millisecond},
		59: {Entries: 40, Age: 40 * time.Millisecond},
		99: {},
	} {
		want.Tail = pump.Position{Cursor: c.Entries[99].Position}
		got, err := l.Lag(t.Context(), pump.Position{Cursor: c.Entries[i].Position})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at entry %d: %s", i, diff)
		}
	}
	got, err := l.Lag(t.Context(), pump.Position{})
	if err != nil || got.Entries != 100 {
		t.Errorf("at the head: %+v, %v", got, err)
	}
}
