package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journald"
	"journalpump/test/journalwriter"
	"journalpump/test/program"
)

// TestMovedToVar follows a journald that goes on in /var, from the first entry and from one that was read before: what it
// moves there comes once. Lines that are equal in everything but their number are no copies of each other.
func TestMovedToVar(t *testing.T) {
	t.Parallel()
	j := journald.StartSystem(t)
	native, lines := j.Native(t), j.Stream(t, "lines")
	say := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		j.Sync(t)
	}
	say(native.Message("first"))
	l := openLog(t, Options{Selection: journaldir.Selection{Path: j.Root, Flags: journaldir.OSRoot}})
	all, before := followed(t, l)
	rest, err := l.Open(t.Context(), before.last)
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()

	say(lines.Messages("same", "same", "same"))
	say(native.Message("before"))
	got := []map[string]int{countUntil(t, all, "before"), countUntil(t, rest, "before")}
	j.Flush(t)
	say(lines.Messages("same", "same", "same"))
	say(native.Message("after"))
	for i, it := range []pump.Iterator{all, rest} {
		for m, n := range countUntil(t, it, "after") {
			got[i][m] += n
		}
		for m, want := range map[string]int{"first": 0, "same": 6, "before": 1, "after": 1} {
			if got[i][m] != want {
				t.Errorf("iterator %d: %q came %d times, want %d", i, m, got[i][m], want)
			}
		}
	}
}

// osRoot makes a root with a journal directory in /run and one in /var, and opens its journal.
func osRoot(t *testing.T) (l *Log, run, persistent string) {
	t.Helper()
	root := t.TempDir()
	const machine = "00112233445566778899aabbccddeeff"
	run, persistent = filepath.Join(root, "run/log/journal", machine), filepath.Join(root, "var/log/journal", machine)
	for _, dir := range []string{run, persistent} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	selection := journaldir.Selection{Path: root, Flags: journaldir.OSRoot, MachineID: machine, Namespaces: []string{"*"}}
	return openLog(t, Options{Selection: selection, MaxChunkEntries: 1}), run, persistent
}

func messagesOf(records []record) (all []string) {
	for _, r := range records {
		all = append(all, messageOf(r))
	}
	return all
}

// TestMovedToVarUnread moves on to /var before what is archived in /run was opened, and while what comes after it is open. It all comes,
// from /var, in order.
func TestMovedToVarUnread(t *testing.T) {
	t.Parallel()
	for name, sequence := range map[string]byte{"up to systemd 253": 2, "systemd 254 and later": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, run, persistent := osRoot(t)
			writeNumbered(t, filepath.Join(run, "system@1.journal"), 1, journalwriter.Archived, numbered{1, 1}, numbered{2, 2})
			writeNumbered(t, filepath.Join(run, "system@2.journal"), 1, journalwriter.Archived, numbered{3, 3}, numbered{4, 4})
			writeNumbered(t, filepath.Join(run, "system.journal"), 1, journalwriter.Online, numbered{5, 5}, numbered{6, 6})
			it, err := l.Open(t.Context(), pump.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer it.Close()
			p := pendingTest{it: it}
			p.next(t)
			writeNumbered(t, filepath.Join(persistent, "system.journal"), sequence, journalwriter.Online,
				numbered{7, 1}, numbered{8, 2}, numbered{9, 3}, numbered{10, 4}, numbered{11, 5}, numbered{12, 6}, numbered{13, 7})
			if err := os.RemoveAll(run); err != nil {
				t.Fatal(err)
			}
			p.drain(t)
			if got := messagesOf(p.got); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6", "7"}) || len(p.gaps) > 0 {
				t.Errorf("%v, gaps %+v", got, p.gaps)
			}
		})
	}
}

// TestBackInRun goes on after an entry of another journald, with entries in /var that are older than it and were not read, and a journald
// that is back in /run: they are no copies of what was read there.
func TestBackInRun(t *testing.T) {
	t.Parallel()
	l, run, persistent := osRoot(t)
	other := persistent + ".other"
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	writeNumbered(t, filepath.Join(persistent, "system.journal"), 1, journalwriter.Archived, numbered{1, 10}, numbered{2, 20})
	writeNumbered(t, filepath.Join(other, "system.journal"), 2, journalwriter.Archived, numbered{1, 30})
	at := readAll(t, l, pump.Position{}).last
	writeNumbered(t, filepath.Join(persistent, "system.journal"), 1, journalwriter.Archived, numbered{1, 10}, numbered{2, 20}, numbered{3, 25})
	writeNumbered(t, filepath.Join(run, "system.journal"), 3, journalwriter.Archived, numbered{1, 40})
	if got := messagesOf(readAll(t, l, at).records); !slices.Equal(got, []string{"25", "40"}) {
		t.Error(got)
	}
}

// countUntil follows until a message comes, and returns how often each one came.
func countUntil(t *testing.T, it pump.Iterator, last string) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	count := map[string]int{}
	for count[last] == 0 {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			err = it.Wait(ctx)
			c = &pump.Chunk{}
		}
		if err != nil {
			t.Fatalf("waiting for %q: %v", last, err)
		}
		for i := range c.Entries {
			m, _ := c.Lookup(i, "MESSAGE")
			count[string(m)]++
		}
	}
	return count
}
