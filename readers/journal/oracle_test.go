package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

// record is an entry in a form that can be compared: its cursor, and NAME=value of its fields in the file's order.
type record struct {
	cursor string
	fields []string
}

// journalctl returns what journalctl reads. It is the oracle of these tests.
func journalctl(tb testing.TB, args ...string) []record {
	tb.Helper()
	if _, err := exec.LookPath("journalctl"); err != nil {
		tb.Skip("there is no journalctl to compare with")
	}
	out, err := exec.CommandContext(tb.Context(), "journalctl", append([]string{"-o", "export", "--all", "--quiet"}, args...)...).Output()
	if err != nil {
		tb.Fatalf("journalctl %v: %v", args, err)
	}
	records, err := parseExport(out)
	if err != nil {
		tb.Fatalf("journalctl %v: %v", args, err)
	}
	return records
}

// recordsOf returns the chunk's entries.
func recordsOf(c *pump.Chunk) []record {
	records := make([]record, 0, len(c.Entries))
	for i := range c.Entries {
		r := record{cursor: c.Entries[i].Position.String()}
		for _, ref := range c.Fields(i) {
			if f := c.Field(ref); f.Name != "_BOOT_ID" {
				r.fields = append(r.fields, f.Name+"="+string(f.Value))
			}
		}
		records = append(records, r)
	}
	return records
}

// result is what reading to the end gave.
type result struct {
	records   []record
	gaps      []pump.Gap
	corrupted int
	chunks    []*pump.Chunk
	last      pump.Position
}

func openLog(tb testing.TB, opts Options) *Log {
	tb.Helper()
	l, err := Open(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

func openDir(tb testing.TB, dir string) *Log {
	tb.Helper()
	return openLog(tb, Options{Selection: journaldir.Selection{Path: dir}})
}

// readAll reads from the position to the end, and checks that chunks join.
func readAll(tb testing.TB, l *Log, after pump.Position) result {
	tb.Helper()
	it, err := l.Open(tb.Context(), after)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() {
		if err := it.Close(); err != nil {
			tb.Error(err)
		}
	}()
	return drain(tb, it, after)
}

func drain(tb testing.TB, it pump.Iterator, after pump.Position) result {
	tb.Helper()
	res := result{last: after}
	for {
		c, err := it.Next(tb.Context())
		if errors.Is(err, pump.ErrNoMore) {
			return res
		}
		if err != nil {
			tb.Fatal(err)
		}
		if c.From != res.last {
			tb.Fatalf("chunk from %v, the one before was to %v", c.From, res.last)
		}
		if n := len(c.Entries); n > 0 && it.(*iterator).log.filter == nil && c.To != c.PositionAfter(n-1) {
			tb.Fatalf("chunk to %v, its last entry leads to %v", c.To, c.PositionAfter(n-1))
		}
		res.last = c.To
		res.records = append(res.records, recordsOf(c)...)
		res.gaps = append(res.gaps, c.Gaps...)
		res.corrupted += c.Corrupted
		res.chunks = append(res.chunks, c)
	}
}

func sameRecords(tb testing.TB, got, want []record) {
	tb.Helper()
	for i := range min(len(got), len(want)) {
		if got[i].cursor != want[i].cursor {
			tb.Fatalf("entry %d of %d is %s, want %s", i, len(want), got[i].cursor, want[i].cursor)
		}
		if !slices.Equal(got[i].fields, want[i].fields) {
			tb.Fatalf("entry %d: fields\n%.2000q\nwant\n%.2000q", i, got[i].fields, want[i].fields)
		}
	}
	if len(got) != len(want) {
		tb.Fatalf("%d entries, want %d", len(got), len(want))
	}
}

const remote = "/lib/systemd/systemd-journal-remote"

// writeJournal has systemd-journal-remote write entries in the export format to a journal file.
func writeJournal(tb testing.TB, file string, export []byte, env ...string) {
	tb.Helper()
	if _, err := os.Stat(remote); err != nil {
		tb.Skip("there is no systemd-journal-remote to write journals with")
	}
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), remote, "--output="+file, "--split-mode=none", "-")
	cmd.Stdin = bytes.NewReader(export)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("systemd-journal-remote: %v\n%s", err, out)
	}
}

// stamp is when and where an entry was written.
type stamp struct {
	boot           byte
	realtime, mono uint64 // in microseconds
}

// export returns entries in the export format.
func export(stamps []stamp, label string) []byte {
	var b bytes.Buffer
	for i, s := range stamps {
		fmt.Fprintf(&b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n", s.realtime, s.mono, s.boot)
		fmt.Fprintf(&b, "MESSAGE=%s %d\n_SYSTEMD_UNIT=unit-%d.service\nPRIORITY=%d\n_HOSTNAME=%s\n\n", label, i, i%7, i%5, label)
	}
	return b.Bytes()
}

// exportBare returns an entry that depends on the stamp alone.
func exportBare(s stamp) string {
	return fmt.Sprintf("__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=at %d\n\n", s.realtime, s.mono, s.boot, s.mono)
}

// steps returns n stamps of a boot, a step apart.
func steps(boot byte, n int, realtime, mono, step uint64) []stamp {
	s := make([]stamp, n)
	for i := range s {
		s[i] = stamp{boot, realtime + uint64(i)*step, mono + uint64(i)*step}
	}
	return s
}

const day = uint64(1_700_000_000_000_000)

// TestLikeJournalctl compares all entries of several journals, and their order, with journalctl.
func TestLikeJournalctl(t *testing.T) {
	cases := map[string]map[string][]stamp{
		"one file":       {"a.journal": steps(1, 300, day, 1000, 10)},
		"interleaved":    {"a.journal": steps(1, 200, day, 1000, 10), "b.journal": steps(1, 200, day+5, 1005, 10)},
		"at one time":    {"a.journal": steps(1, 100, day, 1000, 10), "b.journal": steps(1, 100, day, 1000, 10)},
		"other boots":    {"a.journal": steps(1, 100, day, 1000, 10), "b.journal": steps(2, 100, day+3, 70, 7)},
		"one by one":     {"a.journal": steps(2, 50, day+9000, 10, 10), "b.journal": steps(1, 50, day, 100, 10), "c.journal": steps(3, 50, day+19000, 10, 10)},
		"wrong clock":    {"a.journal": steps(1, 100, day, 1000, 10), "b.journal": steps(1, 100, day-1e12, 1005, 10)},
		"several boots":  {"a.journal": append(steps(1, 100, day, 1000, 10), steps(2, 100, day+5000, 10, 10)...), "b.journal": append(steps(1, 50, day+500, 1500, 10), steps(2, 50, day+5005, 15, 10)...)},
		"same timestamp": {"a.journal": steps(1, 20, day, 1000, 0), "b.journal": steps(1, 20, day, 1000, 0)},
	}
	for name, files := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, stamps := range files {
				writeJournal(t, filepath.Join(dir, file), export(stamps, file))
			}
			l := openDir(t, dir)
			got := readAll(t, l, pump.Position{})
			sameRecords(t, got.records, journalctl(t, "-D", dir))
			if got.corrupted != 0 || len(got.gaps) != 0 || len(l.Problems()) != 0 {
				t.Errorf("%d corrupted, gaps %v, problems %v", got.corrupted, got.gaps, l.Problems())
			}
		})
	}
}

// TestLayouts reads what systemd can write in other ways.
func TestLayouts(t *testing.T) {
	stamps := steps(1, 500, day, 1000, 10)
	text := export(stamps, strings.Repeat("long enough to be compressed ", 100))
	for _, compact := range []string{"0", "1"} {
		for _, keyed := range []string{"0", "1"} {
			for _, compress := range []string{"ZSTD", "LZ4", "XZ", "0"} {
				t.Run(compact+keyed+compress, func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					writeJournal(t, filepath.Join(dir, "a.journal"), text, "SYSTEMD_JOURNAL_COMPACT="+compact,
						"SYSTEMD_JOURNAL_KEYED_HASH="+keyed, "SYSTEMD_JOURNAL_COMPRESS="+compress)
					sameRecords(t, readAll(t, openDir(t, dir), pump.Position{}).records, journalctl(t, "-D", dir))
				})
			}
		}
	}
}

// TestTwice reads a file that is there under two names, and a copy of a part of it.
func TestTwice(t *testing.T) {
	dir := t.TempDir()
	a := filepath.Join(dir, "a.journal")
	writeJournal(t, a, export(steps(1, 100, day, 1000, 10), "first"))
	copyFile(t, a, filepath.Join(dir, "part.journal"))
	writeJournal(t, a, export(steps(1, 100, day+5000, 6000, 10), "second"))
	copyFile(t, a, filepath.Join(dir, "whole.journal"))
	if err := os.Link(a, filepath.Join(dir, "link.journal")); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, openDir(t, dir), pump.Position{})
	sameRecords(t, got.records, journalctl(t, "-D", dir))
	if len(got.records) != 200 {
		t.Errorf("%d entries, want 200", len(got.records))
	}
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// foreign unpacks a set of journals that others wrote; see journal/foreign/README.md of the shared folder.
func foreign(tb testing.TB, name string) string {
	tb.Helper()
	shared := os.Getenv("JOURNALPUMP_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	packed, err := filepath.Glob(filepath.Join(shared, "journal", "foreign", name, "*.zst"))
	if err != nil || len(packed) == 0 {
		tb.Skipf("no journal/foreign/%s in %s: set JOURNALPUMP_SHARED", name, shared)
	}
	dir := tb.TempDir()
	for _, p := range packed {
		unzstd(tb, p, filepath.Join(dir, strings.TrimSuffix(filepath.Base(p), ".zst")))
	}
	return dir
}

func TestForeign(t *testing.T) {
	for _, name := range []string{"no-rtc", "rotated"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := foreign(t, name)
			got := readAll(t, openDir(t, dir), pump.Position{})
			want := journalctl(t, "-D", dir)
			sameRecords(t, got.records, want)
			t.Logf("%d entries, %d corrupted, gaps %v", len(got.records), got.corrupted, got.gaps)

			// Going on from any position leaves nothing out; with one clock nothing comes twice either.
			l := openDir(t, dir)
			for i := 0; i < len(want); i += 1 + len(want)/97 {
				p, err := pump.ParsePosition(want[i].cursor)
				if err != nil {
					t.Fatal(err)
				}
				rest := readAll(t, l, p)
				have := map[string]bool{}
				for _, r := range rest.records {
					have[r.cursor] = true
				}
				for k, r := range want[i+1:] {
					if !have[r.cursor] {
						t.Fatalf("after entry %d entry %d is missing: %s", i, i+1+k, r.cursor)
					}
				}
				if name == "rotated" && len(rest.records) != len(want)-i-1 {
					t.Fatalf("after entry %d come %d entries, want %d", i, len(rest.records), len(want)-i-1)
				}
				if again := len(rest.records) - (len(want) - i - 1); again > 0 {
					t.Logf("after entry %d, %d entries come again", i, again)
				}
			}
		})
	}
}

func TestForeignCorrupted(t *testing.T) {
	dir := foreign(t, "corrupted")
	l := openDir(t, dir)
	it, err := l.Open(t.Context(), pump.Position{})
	if errors.Is(err, pump.ErrNotYet) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := drain(t, it, pump.Position{})
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d entries, %d corrupted, gaps %v, problems %v", len(got.records), got.corrupted, got.gaps, l.Problems())
	if got.corrupted == 0 {
		t.Error("nothing corrupted was counted")
	}
}
