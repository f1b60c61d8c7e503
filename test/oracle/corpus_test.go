package oracle

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/test/corpus"
	"journalpump/test/sample"
)

func sharedDir() string {
	if dir := os.Getenv("JOURNALPUMP_SHARED"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared")
}

// setting returns a number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// sets returns the corpus.
func sets(t *testing.T) []corpus.Set {
	t.Helper()
	if _, err := sample.Remote(); err != nil {
		t.Skip(err)
	}
	if one := os.Getenv("ORACLE_SET"); one != "" {
		parts := strings.Split(one, ":")
		if len(parts) != 3 {
			t.Fatal("ORACLE_SET is not NAME:SEED:ENTRIES")
		}
		seed, err1 := strconv.ParseUint(parts[1], 10, 64)
		entries, err2 := strconv.Atoi(parts[2])
		s, ok := corpus.One(parts[0], seed, entries, setting(t, "ORACLE_FILES", 1000))
		if err1 != nil || err2 != nil || !ok {
			t.Fatalf("there is no set %q", one)
		}
		return []corpus.Set{s}
	}
	return corpus.Sets(corpus.Options{
		Seed:       uint64(setting(t, "ORACLE_SEED", 1)),
		Entries:    setting(t, "ORACLE_ENTRIES", 20_000),
		Files:      setting(t, "ORACLE_FILES", 100),
		SetEntries: setting(t, "ORACLE_SET_ENTRIES", 8_000),
	})
}

// TestCorpus compares everything on every set.
func TestCorpus(t *testing.T) { //nolint:tparallel // one set after the other: they are large
	t.Parallel()
	all := sets(t)
	want := 0
	for i := range all {
		want += all[i].Entries
	}
	began, entries, files, failed := time.Now(), 0, 0, 0
	for i := range all {
		s := &all[i]
		name := fmt.Sprintf("%s:%d:%d", s.Name, s.Seed, s.Entries)
		ok := t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := s.Build(t.Context(), dir, 0); err != nil {
				t.Fatal(err)
			}
			e, f := compareSet(t, s, dir)
			entries, files = entries+e, files+f
			t.Logf("%d entries in %d files", e, f)
		})
		if !ok {
			t.Logf("ORACLE_SET=%q runs this set alone", name)
			if failed++; failed == maxFailed {
				t.Fatal("too many differences")
			}
		}
		t.Logf("%d of %d sets, %d of %d entries, %d files, %.0f s, %d sets with differences", i+1, len(all), entries, want, files,
			time.Since(began).Seconds(), failed)
	}
}

// maxFailed is in how many sets there may be differences before the others are not looked at.
const maxFailed = 10

// compareSet makes all comparisons on the journal in dir, and returns how large it was. In the end files are deleted.
func compareSet(t *testing.T, s *corpus.Set, dir string) (entries, files int) {
	t.Helper()
	l := native(t, inDir(dir))
	rnd := random(s)
	seen := newSampler(s, rnd)
	all := compareAll(t, s, l, dir, seen)
	if s.Sane {
		compareSeeks(t, s, l, dir, all, rnd)
		compareMatches(t, dir, seen.fields, rnd)
		compareUnique(t, dir, seen.sortedNames())
	}
	compareResumes(t, s, l, all, seen.places)
	if p := l.Problems(); len(p) > 0 {
		t.Fatalf("files that cannot be read: %v", p)
	}
	paths, err := inDir(dir).Selection.List()
	if err != nil {
		t.Fatal(err)
	}
	compareVacuumed(t, s, dir, all, seen.places, rnd)
	return len(all), len(paths)
}

func random(s *corpus.Set) *rand.Rand { return rand.New(rand.NewPCG(s.Seed, 2)) }

// compareAll compares all entries, and their order.
func compareAll(t *testing.T, s *corpus.Set, l pump.Log, dir string, seen *sampler) []pump.Cursor {
	t.Helper()
	if !s.Sane {
		all, circles := inOrder(t, l, dir, seen)
		if circles > 0 {
			t.Logf("the order goes round in circles at %d of %d entries, so journalctl's does not count", circles, len(all))
			return all
		}
	}
	all := sameAsJournalctl(t, l, s.Twice, seen, "--directory="+dir)
	if !s.Sane { // the other backend seeks again at the end, and finds libsystemd elsewhere
		return all
	}
	if other := systemd(t, inDir(dir).Selection); other != nil {
		sameAsLibsystemd(t, l, other, s.Twice)
	}
	return all
}
