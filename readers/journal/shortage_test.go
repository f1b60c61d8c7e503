package journal

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/journal/journalfile"
	"journalpump/test/journalwriter"
)

// These tests take something from the whole process, so they are not parallel.

// limit sets a limit of the process until the function that it returns is called.
func limit(t *testing.T, resource int, to uint64) (restore func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(resource, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: min(to, was.Max), Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := unix.Setrlimit(resource, &was); err != nil {
			t.Fatal(err)
		}
	}
}

// takeDescriptors leaves none for the process, until the function that it returns is called.
func takeDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	unlimit := limit(t, unix.RLIMIT_NOFILE, 256)
	var taken []int
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	return func() {
		t.Helper()
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
		unlimit()
	}
}

// addressSpace returns how many bytes of it the process uses.
func addressSpace(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages uint64
	if _, err := fmt.Sscan(string(text), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}

// A file that is written outgrows the address space. What it has is neither damaged nor lost: the iterator fails, and the next
// one reads it.
func TestNoAddressSpace(t *testing.T) {
	const grown = min(1<<36, math.MaxInt/2+1)
	g := &goods{dir: t.TempDir()}
	path := filepath.Join(g.dir, "system.journal")
	write := func(n int) {
		overwrite(t, path, g.bytes(t, "file", 3, 1, 0, n, journalwriter.Options{State: journalwriter.Online}))
	}
	write(50)
	l := openDir(t, g.dir)
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	before := drain(t, it, pump.Position{})
	write(500)
	if err := os.Truncate(path, grown); err != nil {
		t.Skipf("cannot make a sparse file: %v", err)
	}
	restore := limit(t, unix.RLIMIT_AS, addressSpace(t)+grown/2)
	_, err = it.Next(t.Context())
	restore()
	if !pump.IsShortage(err) {
		t.Errorf("error %v, want one of memory", err)
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	if it, err = l.Open(t.Context(), before.last); err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	after := drain(t, it, before.last)
	for i, r := range append(before.records, after.records...) {
		if want := fmt.Sprintf("MESSAGE=file %d", i); !strings.Contains(strings.Join(r.fields, "\n"), want) {
			t.Fatalf("entry %d has %q, want %q", i, r.fields, want)
		}
	}
	if n := len(before.records) + len(after.records); n != 500 || len(after.gaps) > 0 || after.corrupted > 0 {
		t.Errorf("%d entries of 500, gaps %v, %d corrupted", n, after.gaps, after.corrupted)
	}
}

// A file outgrows the address space while somebody looks back in it: what it has is not known then.
func TestNoAddressSpaceToLookBack(t *testing.T) {
	const grown = min(1<<36, math.MaxInt/2+1)
	g := &goods{dir: t.TempDir()}
	path := filepath.Join(g.dir, "system.journal")
	write := func(n int) {
		overwrite(t, path, g.bytes(t, "file", 3, 1, 0, n, journalwriter.Options{State: journalwriter.Online}))
	}
	l := openDir(t, g.dir)
	for name, look := range map[string]func(*recall, *backWalk) error{
		"in the index": func(r *recall, w *backWalk) error { return w.seek(r) },
		"in an entry": func(r *recall, w *backWalk) error {
			w.lists = []backList{{off: uint64(w.info.size) + 8}}
			r.step(w)
			return r.err
		},
	} {
		write(50)
		info := new(examiner).examine(path)
		f, err := journalfile.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		what := pump.Recall{Before: pump.Position{Cursor: info.tail.cursor()}, Any: [][]pump.Field{{{Name: "MESSAGE", Value: []byte("file 300")}}}, Limit: 5}
		w := &backWalk{cursor: cursor{info: info, chain: &chain{id: info.chain}, file: f}}
		r := &recall{log: l, what: &what, walks: []*backWalk{w}}
		r.build.init(l)
		r.build.begin(5)
		write(500)
		if err := os.Truncate(path, grown); err != nil {
			t.Skipf("cannot make a sparse file: %v", err)
		}
		restore := limit(t, unix.RLIMIT_AS, addressSpace(t)+grown/2)
		err = look(r, w)
		restore()
		if !pump.IsShortage(err) {
			t.Errorf("%s: error %v, want one of memory", name, err)
		}
		r.close()
	}
}

// Without descriptors nothing can be said of a file: whoever asks is told so, not that it has nothing.
func TestNoDescriptors(t *testing.T) {
	g := &goods{dir: t.TempDir()}
	for i, name := range []string{"system@1.journal", "system.journal"} {
		state := []journalwriter.State{journalwriter.Archived, journalwriter.Online}[i]
		overwrite(t, filepath.Join(g.dir, name), g.bytes(t, "file", 3, uint64(1+each*i), each*i, each, journalwriter.Options{State: state}))
	}
	l := openDir(t, g.dir)
	at, err := l.available()
	if err != nil {
		t.Fatal(err)
	}
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	all := drain(t, it, pump.Position{})
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	middle := all.chunks[0].PositionAfter(each / 2)
	middle.Parts &^= pump.HasSeqnum // so that it is looked for by time
	paths, err := journaldir.Selection{Path: g.dir}.List()
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	own := all.chunks[0].PositionAfter(each / 2)
	recall := pump.Recall{Before: all.last, Any: [][]pump.Field{{{Name: "_HOSTNAME", Value: []byte("host")}}}, Limit: 5}
	l.bootID = [16]byte{15: goodBoot}
	for name, ask := range map[string]func() error{
		"list":   func() error { _, err := list(paths, nil); return err },
		"relist": func() error { _, err := relist(nil, at.files); return err },
		"locate": func() error { return l.locate(at.files, &middle, false).err },
		"number": func() error { return l.locate(at.files, &own, false).err },
		"boot": func() error {
			_, _, err := l.placeIn(at.files, pump.Start{Kind: pump.StartBoot, Offset: time.Microsecond})
			return err
		},
		"recall": func() error { _, err := l.Recall(t.Context(), recall); return err },
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		restore := takeDescriptors(t)
		err := ask()
		restore()
		if !pump.IsShortage(err) {
			t.Errorf("%s: error %v, want one of descriptors", name, err)
		}
	}
}
