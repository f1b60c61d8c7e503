package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// TestAfterCursor goes on after every cursor, whole and in parts, and compares with journalctl doing that.
func TestAfterCursor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(append(steps(1, 20, day, 1000, 10), steps(2, 20, day+5000, 10, 10)...), "a"))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(append(steps(1, 10, day+55, 1055, 10), steps(2, 10, day+5005, 15, 10)...), "b"))
	writeJournal(t, filepath.Join(dir, "c.journal"), export(steps(3, 10, day+9000, 7, 10), "c"))
	all := journalctl(t, "-D", dir)
	l := openDir(t, dir)
	for i := range all {
		p, err := pump.ParsePosition(all[i].cursor)
		if err != nil {
			t.Fatal(err)
		}
		got := readAll(t, l, p)
		sameRecords(t, got.records, all[i+1:])
		if len(got.gaps) > 0 {
			t.Errorf("after entry %d: gaps %v", i, got.gaps)
		}
		// Without the sequence, as when the file it began in is gone, time says the same.
		p.Parts &^= pump.HasSeqnum
		sameRecords(t, readAll(t, l, p).records, all[i+1:])
	}
}

// TestVacuumedSequence goes on after an entry of a file that is gone, where other sequences survive.
func TestVacuumedSequence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a@1.journal"), export(steps(1, 20, day, 1000, 10), "a"))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(1, 20, day+5000, 6000, 10), "b"))
	all := journalctl(t, "-D", dir)
	p, err := pump.ParsePosition(all[4].cursor)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "a@1.journal")); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, openDir(t, dir), p)
	sameRecords(t, got.records, all[20:])
	if len(got.gaps) != 1 || got.gaps[0].First != p.Seqnum+1 || got.gaps[0].Count != 0 || got.gaps[0].From != p.Realtime {
		t.Errorf("gaps %+v, want one of unknown size after %d", got.gaps, p.Seqnum)
	}
}

// TestLateFile copies files in while an iterator follows: nobody has read them, however old they are.
func TestLateFile(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 50, day, 1000, 10), "a"))
	writeJournal(t, filepath.Join(elsewhere, "b.journal"), export(steps(1, 100, day+5, 1005, 10), "b"))
	l := openDir(t, dir)
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	first := drain(t, it, pump.Position{})
	copyFile(t, filepath.Join(elsewhere, "b.journal"), filepath.Join(elsewhere, "b.tmp"))
	if err := os.Rename(filepath.Join(elsewhere, "b.tmp"), filepath.Join(dir, "b.journal")); err != nil {
		t.Fatal(err)
	}
	if err := it.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := drain(t, it, first.last)
	sameRecords(t, late.records, journalctl(t, "--file="+filepath.Join(dir, "b.journal")))
	// Whoever starts then reads the same.
	sameRecords(t, readAll(t, l, first.last).records, late.records)
}

// TestMemory reads with so little memory that the shared fields must be forgotten again and again.
func TestMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=m%d\nPAIR=%0200d\nSAME=s\n\n",
			day+uint64(i), 1000+uint64(i), 5, i, i/2)
	}
	writeJournal(t, filepath.Join(dir, "a.journal"), []byte(b.String()))
	got := readAll(t, openLog(t, Options{Selection: journaldir.Selection{Path: dir}, MemoryLimit: 1}), pump.Position{})
	sameRecords(t, got.records, journalctl(t, "-D", dir))
	dicts := map[uint64]int{}
	for _, c := range got.chunks {
		dicts[c.Dict.ID] = max(dicts[c.Dict.ID], len(c.Dict.Fields))
		if len(c.Entries) > DefaultChunkEntries || c.Bytes > 2*DefaultChunkBytes {
			t.Errorf("a chunk of %d entries and %d bytes", len(c.Entries), c.Bytes)
		}
	}
	if len(dicts) < 3 {
		t.Errorf("%d dictionaries, so memory was not limited", len(dicts))
	}
}

// TestSharedFields checks that fields that many entries have are there once, also across files.
func TestSharedFields(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 100, day, 1000, 10), "x"))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(1, 100, day+5, 1005, 10), "x"))
	got := readAll(t, openDir(t, dir), pump.Position{})
	if len(got.chunks) != 1 {
		t.Fatalf("%d chunks", len(got.chunks))
	}
	known := map[string]bool{}
	for _, f := range got.chunks[0].Dict.Fields {
		text := f.Name + "=" + string(f.Value)
		if known[text] {
			t.Errorf("%s is in the dictionary twice", text)
		}
		known[text] = true
	}
	if len(known) < 10 || len(got.chunks[0].Own) != 200 { // the MESSAGEs
		t.Errorf("%d shared fields, %d of one entry each", len(known), len(got.chunks[0].Own))
	}
}

func TestUnwatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openDir(t, dir)
	if err := l.watcher.Close(); err != nil {
		t.Fatal(err)
	}
	l.watcher = nil // as where the kernel gives out no more inotify instances
	if _, err := l.Open(t.Context(), pump.Position{}); !errors.Is(err, pump.ErrNotYet) || !strings.Contains(err.Error(), "no journal files at "+l.opts.Selection.Path) {
		t.Fatal(err)
	}
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 5, day, 1000, 10), "a"))
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	first := drain(t, it, pump.Position{})
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(1, 5, day+500, 1500, 10), "b"))
	if err := it.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if late := drain(t, it, first.last); len(late.records) != 5 {
		t.Errorf("%d entries of the new file, want 5", len(late.records))
	}
}

// TestUnwatchedFile has a file appear whose entry is older than one that comes to light before: where directories cannot be watched, that
// one waits until they have been listed.
func TestUnwatchedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeNumbers(t, filepath.Join(dir, "system.journal"), journalwriter.Online, 1)
	l := openDir(t, dir)
	if err := l.watcher.Close(); err != nil {
		t.Fatal(err)
	}
	l.watcher = nil
	it, res := followed(t, l)
	writeNumbers(t, filepath.Join(dir, "user-1000.journal"), journalwriter.Online, 2)
	writeNumbers(t, filepath.Join(dir, "system.journal"), journalwriter.Online, 1, 3)
	for len(res.records) < 3 {
		if err := it.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		more := drain(t, it, res.last)
		res.records, res.last = append(res.records, more.records...), more.last
		if n := len(res.records); n > 0 && messageOf(res.records[n-1]) != strconv.Itoa(n) {
			t.Fatalf("%s is the entry number %d", messageOf(res.records[n-1]), n)
		}
	}
}

func TestSeekBeforeAnything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 5, day, 1000, 10), "a"))
	l := openDir(t, dir)
	tail, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartTail})
	if err != nil {
		t.Fatal(err)
	}
	boot, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartBoot, Offset: time.Second})
	if err != nil || boot.Cursor != tail.Cursor {
		t.Errorf("from this boot, which has no entries: %v, %v; want the tail %v", boot, err, tail)
	}
	old, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartRealtime})
	if err != nil || !old.IsZero() {
		t.Errorf("from the year 1: %v, %v", old, err)
	}
}

// Why there is nothing to be read is said with the file's path, once.
func TestNothingReadable(t *testing.T) {
	t.Parallel()
	for want, create := range map[string]func(path string) error{
		"not a regular file": func(path string) error { return os.Symlink("/dev/null", path) },
		"no signature":       func(path string) error { return os.WriteFile(path, make([]byte, 8192), 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "system@1.journal")
		if err := create(path); err != nil {
			t.Fatal(err)
		}
		l := openDir(t, filepath.Dir(path))
		_, err := l.Lag(t.Context(), pump.Position{})
		if !errors.Is(err, pump.ErrNotYet) || !strings.Contains(err.Error(), path+": ") || !strings.HasSuffix(err.Error(), want) ||
			strings.Count(err.Error(), path) != 1 {
			t.Errorf("the error is %v, want %s and the path", err, want)
		}
		for _, p := range l.Problems() {
			if strings.Contains(p.Err.Error(), path) || !strings.HasPrefix(p.String(), path+": ") {
				t.Errorf("the problem is %v: %v", p, p.Err)
			}
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text string
		want journaldir.Selection
		bad  string
	}{
		{text: `{}`, want: journaldir.Selection{Flags: journaldir.LocalOnly}},
		{text: `{"flags": ["SYSTEM", " RUNTIME_ONLY "]}`, want: journaldir.Selection{Flags: journaldir.System | journaldir.RuntimeOnly}},
		{text: `{"journal_flags": 5}`, want: journaldir.Selection{Flags: journaldir.System | journaldir.LocalOnly}},
		{text: `{"journal_flags": 0}`, want: journaldir.Selection{}},
		{text: `{"journal_path": "/x"}`, want: journaldir.Selection{Path: "/x"}},
		{text: `{"journal_path": "/x", "flags": "OS_ROOT"}`, want: journaldir.Selection{Path: "/x", Flags: journaldir.OSRoot}},
		{text: `{"journal_namespace": "n"}`, want: journaldir.Selection{Flags: journaldir.LocalOnly, Namespaces: []string{"n"}}},
		{text: `{"journal_namespace": ["n", "m"]}`, want: journaldir.Selection{Flags: journaldir.LocalOnly, Namespaces: []string{"n", "m"}}},
		{text: `{"journal_files": ["/a", "/b"]}`, want: journaldir.Selection{Files: []string{"/a", "/b"}}},
		{text: `{"flags": ["LOCAL"]}`, bad: "LOCAL_ONLY"},
		{text: `{"flags": 64}`, bad: "list of flags"},
		{text: `{"flags": 1.5}`, bad: "list of flags"},
		{text: `{"flags": {}}`, bad: "list of flags"},
		{text: `{"journal_backend": "gnu"}`, bad: "libsystemd"},
		{text: `{"journal_path": "/x", "journal_files": ["/a"]}`, bad: "exclude"},
		{text: `{"flags": ["OS_ROOT"]}`, bad: "journal_path"},
		{text: `{"units_to_match": [""]}`, bad: "units_to_match"},
	}
	for _, c := range cases {
		root, report := conf.Parse("test", []byte(c.text))
		var cfg Config
		root.Decode(&cfg)
		said := fmt.Sprint(report.Problems())
		opts, err := cfg.Options()
		if err != nil {
			said += err.Error()
		}
		if c.bad != "" {
			if !strings.Contains(said, c.bad) {
				t.Errorf("%s: it says %q, want something about %s", c.text, said, c.bad)
			}
			continue
		}
		if len(report.Problems()) > 0 || err != nil || fmt.Sprint(opts.Selection) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v, %s; want %+v", c.text, opts.Selection, said, c.want)
		}
	}
}
