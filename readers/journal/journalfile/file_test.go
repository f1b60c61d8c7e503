package journalfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	toFIFO := filepath.Join(dir, "link to fifo")
	if err := os.Symlink(fifo, toFIFO); err != nil {
		t.Fatal(err)
	}
	good := sample(layout{}, 1).b
	patched := func(at int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = v
		return b
	}
	for _, tc := range []struct {
		path string
		want error // nil: any
		text string
	}{
		{filepath.Join(dir, "none"), fs.ErrNotExist, "no such file"},
		{dir, errNotRegular, "not a regular file"},
		{fifo, errNotRegular, "not a regular file"},
		{toFIFO, errNotRegular, "not a regular file"},
		{"/dev/null", errNotRegular, "not a regular file"},
		{put("empty", nil), ErrNotJournal, "not a journal file"},
		{put("short", good[:headerMin-1]), ErrNotJournal, "truncated"},
		{put("text", []byte(strings.Repeat("text ", 100))), ErrNotJournal, "no signature"},
		{put("zeros", make([]byte, 8192)), ErrNotJournal, "no signature"},
		{put("tiny header", patched(headerHeaderSize+1, 0)), ErrNotJournal, "a header of"},
		{put("odd header", patched(headerHeaderSize, 17)), ErrNotJournal, "a header of"},
	} {
		f, err := Open(tc.path)
		if err == nil {
			t.Errorf("%s: opened", tc.path)
			_ = f.Close()
			continue
		}
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), tc.path) {
			t.Errorf("%s: %v; want %v, %q and the path", tc.path, err, tc.want, tc.text)
		}
	}

	_, err := Open(put("newer", patched(headerIncompatible, 1<<5|1<<7)))
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.Flags != 1<<5|1<<7 || !strings.Contains(err.Error(), "5, 7") {
		t.Errorf("unknown incompatible flags: %v", err)
	}
	if f, err := Open(put("compatibly newer", patched(headerCompatible+3, 0x80))); err != nil {
		t.Errorf("unknown compatible flags: %v", err)
	} else if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenFollowsSymbolicLinks(t *testing.T) {
	path := sample(layout{}, 3).write(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	f := openFile(t, link)
	if n, err := f.NEntries(); err != nil || n != 3 || f.Path() != link {
		t.Errorf("%d, %v, %s", n, err, f.Path())
	}
}

func TestHeader(t *testing.T) {
	w := sample(layout{compact: true, keyed: true}, 10)
	w.b[headerState] = byte(Archived)
	w.put(headerTailEntryOffset, w.entries[9])
	f := w.open(t)
	h, err := f.Header()
	if err != nil {
		t.Fatal(err)
	}
	if !h.Compact() || !h.KeyedHash() || h.Sealed() || !h.TailBootValid() || h.State != Archived {
		t.Errorf("flags or state: %+v", h)
	}
	if h.FileID != testFileID || f.FileID() != testFileID || h.TailEntryBootID != testBoot2 || h.SeqnumID[3] != 0x5e || h.MachineID[5] != 0xaa {
		t.Errorf("IDs: %+v", h)
	}
	if h.NEntries != 10 || h.HeadSeqnum != 1 || h.TailSeqnum != 10 || h.HeadRealtime != testStart+1_000_000 ||
		h.TailRealtime != testStart+10_000_000 || h.TailMonotonic != 10_000_000 || h.EntryArrayOffset == 0 {
		t.Errorf("counters and times: %+v", h)
	}
	if h.HeaderSize != headerMax || h.HeaderSize+h.ArenaSize != uint64(len(w.b)) || h.NData != uint64(len(w.data)) ||
		h.NFields != uint64(len(w.fields)) || h.TailEntryOffset != w.entries[9] {
		t.Errorf("sizes: %+v", h)
	}
	st, err := f.Stat()
	if err != nil || st.Size != uint64(len(w.b)) || st.Nlink != 1 || st.Ino == 0 || st.Blocks == 0 {
		t.Errorf("stat: %+v, %v", st, err)
	}
}

func TestOldHeaderHasNoNewFields(t *testing.T) {
	w := sample(layout{header: headerMin}, 10)
	h, err := w.open(t).Header()
	if err != nil || h.NData != 0 || h.NFields != 0 || h.TailEntryArrayOffset != 0 || h.TailEntryOffset != 0 || h.NEntries != 10 {
		t.Errorf("%+v, %v", h, err)
	}
}

// reads are all methods that touch the mapping.
func reads(f *File, w *writer) map[string]func() error {
	list := f.Entries()
	data := w.data["_TRANSPORT=journal"]
	return map[string]func() error{
		"Header":        func() error { _, err := f.Header(); return err },
		"NEntries":      func() error { _, err := f.NEntries(); return err },
		"ReadEntry":     func() error { return f.ReadEntry(w.entries[1], &Entry{}) },
		"AppendData":    func() error { _, _, err := f.AppendData(nil, data, 0); return err },
		"DataNEntries":  func() error { _, err := f.DataNEntries(data); return err },
		"DataEntries":   func() error { _, err := f.DataEntries(data); return err },
		"BootEntries":   func() error { _, _, err := f.BootEntries(testBoot); return err },
		"FindMonotonic": func() error { _, _, err := f.FindMonotonic(testBoot, 0); return err },
		"FindData":      func() error { _, _, err := f.FindData([]byte("_TRANSPORT=journal")); return err },
		"FieldValues":   func() error { return f.FieldValues("PRIORITY", func(uint64) bool { return true }) },
		"Len":           func() error { _, err := list.Len(); return err },
		"Next":          func() error { _, _, err := list.Next(); return err },
		"SeekIndex":     func() error { return list.SeekIndex(3) },
		"SeekSeqnum":    func() error { return list.SeekSeqnum(3) },
		"SeekOffset":    func() error { return list.SeekOffset(3) },
	}
}

// A file that was truncated behind the back of a mapping faults when it is read. One fault a method, as the mapping is made
// anew after each.
func TestFaultsBecomeErrors(t *testing.T) {
	w := sample(layout{}, 10)
	for name := range reads(w.open(t), w) {
		path := w.write(t)
		f := openFile(t, path)
		if err := reads(f, w)[name](); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		if len(f.m.data) == 0 {
			t.Fatal("the mapping is gone before it could fault")
		}
		for range 2 { // the second time there is no mapping any more
			err := reads(f, w)[name]()
			if !errors.Is(err, ErrTruncated) || !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v, want ErrTruncated", name, err)
			}
		}
		if len(f.m.data) != 0 {
			t.Errorf("%s: did not fault", name)
		}
	}
}

func TestHasData(t *testing.T) {
	t.Parallel()
	w := sample(layout{compress: compressedZSTD}, 100)
	path := w.write(t)
	f := openFile(t, path)
	at := w.data["PRIORITY=1"]
	if n, same := f.HasData(at, "PRIORITY=1"); !same || n != 13 {
		t.Errorf("what it has: %v, %d", same, n)
	}
	for _, other := range []string{"PRIORITY=2", "PRIORITY=", "PRIORITY=11", ""} {
		if n, same := f.HasData(at, other); same || n != 0 {
			t.Errorf("%q: %v, %d", other, same, n)
		}
	}
	if _, same := f.HasData(at+8, "PRIORITY=1"); same {
		t.Error("where no object is")
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, same := f.HasData(at, "PRIORITY=1"); same {
		t.Error("in a file that is gone")
	}
}

func TestOtherPanicsGoOn(t *testing.T) {
	f := sample(layout{}, 10).open(t)
	defer func() {
		if r := recover(); r != "a bug" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = f.Entries().bisect(func(uint64) (bool, bool) { panic("a bug") })
	t.Error("no panic")
}

func TestClosed(t *testing.T) {
	w := sample(layout{}, 10)
	path := w.write(t)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, read := range reads(f, w) {
		if err := read(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// residentPages asks the kernel how much of the mapping this process has in its page tables, in bytes.
func residentPages(t *testing.T, f *File) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("needs /proc/self/smaps: %v", err)
	}
	_, rest, ok := strings.Cut(string(b), f.Path()+"\n")
	if !ok {
		t.Fatal("no such mapping")
	}
	_, rest, _ = strings.Cut(rest, "Rss:")
	var kib int
	for _, c := range strings.TrimSpace(rest) {
		if c < '0' || c > '9' {
			break
		}
		kib = kib*10 + int(c-'0')
	}
	return kib << 10
}

func TestResidentLimit(t *testing.T) {
	const limit = 2 << 20
	f := openFile(t, remote(t, t.TempDir(), 20_000))
	f.SetResidentLimit(limit)
	x := f.Entries()
	var e Entry
	var buf []byte
	most := 0
	for n := 0; ; n++ {
		off, ok, err := x.Next()
		if err == nil && ok {
			err = f.ReadEntry(off, &e)
		}
		for _, item := range e.Items {
			if err == nil {
				buf, _, err = f.AppendData(buf[:0], item, 0)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if n%100 == 0 {
			if f.Resident() > limit {
				t.Fatalf("resident: %d", f.Resident())
			}
			most = max(most, residentPages(t, f))
		}
	}
	if st, err := f.Stat(); err != nil || st.Size < 4*limit {
		t.Fatalf("the file is too small to show anything: %d bytes, %v", st.Size, err)
	}
	if most == 0 || most > limit+limit/2 {
		t.Errorf("%d bytes resident, limit %d", most, limit)
	}
	f.Release()
	if got := residentPages(t, f); got != 0 || f.Resident() != 0 {
		t.Errorf("%d (%d) bytes resident after Release", got, f.Resident())
	}
}
