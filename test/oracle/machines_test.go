package oracle

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/corpus"
	"journalpump/test/journald"
	"journalpump/test/sample"
)

// TestJournald compares what a journald of a namespace leaves behind: its own files and those of users, rotated and vacuumed.
func TestJournald(t *testing.T) {
	t.Parallel()
	j := journald.Start(t, "SystemMaxFileSize=512K")
	const entries = 2_000
	n := j.Native(t)
	for i := range entries {
		err := n.Send([]int{0, 0, 1000, 1001}[i%4], fmt.Sprintf("MESSAGE=entry %d\nof two lines", i), fmt.Sprintf("PRIORITY=%d", i%8), "EMPTY=", "RAW=\x00\xff")
		if err != nil {
			t.Fatal(err)
		}
		if i%300 == 299 {
			j.Sync(t)
			j.Rotate(t)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	j.Sync(t)
	s := corpus.Set{Name: "journald", Seed: 1, Entries: entries, Sane: true}
	l := native(t, journal.Options{Selection: journaldir.Selection{Namespaces: []string{j.Namespace}}})
	all := sameAsJournalctl(t, l, false, newSampler(&s, random(&s)), "--namespace="+j.Namespace)
	if len(all) < entries {
		t.Fatalf("%d entries, %d were written", len(all), entries)
	}
	j.Stop(t)
	compareSet(t, &s, copied(t, j.Dir))
	j.Vacuum(t, 3)
	compareSet(t, &s, copied(t, j.Dir))
}

// copied returns a directory with copies of the files in dir.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestSystemAndUser compares which journals of a machine's root directory count: those of the system, of a user, under /run,
// and not those of namespaces.
func TestSystemAndUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("not root: cannot read as another user")
	}
	root := t.TempDir()
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // another user shall read it
		t.Fatal(err)
	}
	for i, where := range []string{"var/log/journal/%032x", "run/log/journal/%032x", "var/log/journal/%032x.other"} {
		s, _ := corpus.One("users, one sequence", uint64(i), 500, 10)
		build(t, &s, filepath.Join(root, fmt.Sprintf(where, 0xabc)))
	}
	// Versions of systemd differ in what --user is for root: see docs/adr/0003.
	asUser := []string{"setpriv", "--reuid=1000", "--clear-groups", "journalctl"}
	for _, tt := range []struct {
		journalctl, args []string
		flags            journaldir.Flags
	}{
		{[]string{"journalctl"}, nil, 0},
		{[]string{"journalctl"}, []string{"--system"}, journaldir.System},
		{asUser, []string{"--user"}, journaldir.CurrentUser},
		{asUser, []string{"--system", "--user"}, journaldir.System | journaldir.CurrentUser},
	} {
		s := corpus.Set{Name: "root", Entries: 1_000}
		uid := 1000
		l := native(t, journal.Options{Selection: journaldir.Selection{Path: root, Flags: journaldir.OSRoot | tt.flags, UID: &uid}})
		all := sameAsExport(t, l, false, newSampler(&s, random(&s)), exportOf(t, tt.journalctl, append(tt.args, "--root="+root)...))
		if len(all) == 0 || len(all) > 1_000 || len(all) == 1_000 && tt.flags != 0 {
			t.Errorf("%q: %d entries", tt.args, len(all))
		}
	}
}

// build makes the set's files, for everybody to read.
func build(t *testing.T, s *corpus.Set, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.Build(t.Context(), dir, 0); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecorded compares the journals that the behaviour of the Python journalpump was recorded with.
func TestRecorded(t *testing.T) {
	t.Parallel()
	for _, path := range shared(t, "compat/journals/*.export.gz") {
		dir := t.TempDir()
		err := sample.BuildJournal(t.Context(), dir, func(w io.Writer) error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				return err
			}
			_, err = io.Copy(w, z)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s := corpus.Set{Name: filepath.Base(path), Seed: 1, Entries: 1_000, Sane: true}
		n, _ := compareSet(t, &s, dir)
		t.Logf("%s: %d entries", s.Name, n)
	}
}

// TestForeign compares journals that others wrote. What of them is damaged on purpose is for TestForeignCorrupted of the
// reader.
func TestForeign(t *testing.T) {
	t.Parallel()
	rotated := corpus.Set{Name: "rotated", Seed: 1, Entries: 40, Sane: true}
	n, _ := compareSet(t, &rotated, unpacked(t, rotated.Name))
	t.Logf("%s: %d entries", rotated.Name, n)

	// Some entries of it are there twice, for journalctl, too, and some cannot be read.
	s := corpus.Set{Name: "no-rtc", Seed: 1, Entries: 10_000}
	dir := unpacked(t, s.Name)
	l := native(t, inDir(dir))
	seen := newSampler(&s, random(&s))
	seen.damaged = true
	all := sameAsJournalctl(t, l, false, seen, "--directory="+dir)
	for at, place := range seen.places {
		got, want := open(t, l, place).cursors(), slices.Clone(all[at+1:])
		slices.SortFunc(got, compareCursors)
		slices.SortFunc(want, compareCursors)
		if !slices.Equal(got, want) {
			t.Fatalf("after %v: %d entries, want the %d others", place, len(got), len(want))
		}
	}
	t.Logf("%s: %d entries", s.Name, len(all))
}

func compareCursors(a, b pump.Cursor) int { return strings.Compare(a.String(), b.String()) }

// unpacked returns a directory with the journal of that name.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, packed := range shared(t, filepath.Join("journal/foreign", name, "*.zst")) {
		unpack(t, packed, filepath.Join(dir, strings.TrimSuffix(filepath.Base(packed), ".zst")))
	}
	return dir
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	packed, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
