package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"journalpump/internal/smalldisk"
	"journalpump/pump"
)

var errCrash = errors.New("the machine is gone")

// crashingDisk works on the real one until the power goes: the step that is the last one fails, half done where it can
// be, and everything after it. What had been written but not synced is then lost.
type crashingDisk struct {
	osDisk
	left     int // steps until then
	unsynced map[uint64]bool
	steps    []string
}

func (d *crashingDisk) step(format string, args ...any) error {
	d.steps = append(d.steps, fmt.Sprintf(format, args...))
	if d.left--; d.left < 0 {
		return errCrash
	}
	return nil
}

func (d *crashingDisk) create(name string) (file, error) {
	if err := d.step("create %s", filepath.Base(name)); err != nil {
		return nil, err
	}
	f, err := d.osDisk.create(name)
	if err != nil {
		return nil, err
	}
	d.unsynced[inode(name)] = true
	return &crashingFile{file: f, disk: d, name: name}, nil
}

func (d *crashingDisk) link(from, to string) error {
	if err := d.step("link %s %s", filepath.Base(from), filepath.Base(to)); err != nil {
		return err
	}
	return d.osDisk.link(from, to)
}

func (d *crashingDisk) rename(from, to string) error {
	if err := d.step("rename %s %s", filepath.Base(from), filepath.Base(to)); err != nil {
		return err
	}
	return d.osDisk.rename(from, to)
}

func (d *crashingDisk) remove(name string) error {
	if err := d.step("remove %s", filepath.Base(name)); err != nil {
		return err
	}
	return d.osDisk.remove(name)
}

func (d *crashingDisk) syncDir(dir string) error {
	if err := d.step("sync directory"); err != nil {
		return err
	}
	return d.osDisk.syncDir(dir)
}

// losePower empties the files that were not synced.
func (d *crashingDisk) losePower(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := filepath.Join(dir, e.Name()); d.unsynced[inode(name)] {
			if err := os.Truncate(name, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func inode(name string) uint64 {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return 0
	}
	return st.Ino
}

type crashingFile struct {
	file
	disk *crashingDisk
	name string
}

func (f *crashingFile) Chmod(mode fs.FileMode) error {
	if err := f.disk.step("chmod"); err != nil {
		return err
	}
	return f.file.Chmod(mode)
}

func (f *crashingFile) Write(b []byte) (int, error) {
	if err := f.disk.step("write"); err != nil {
		n, _ := f.file.Write(b[:len(b)/2])
		return n, err
	}
	return f.file.Write(b)
}

func (f *crashingFile) Sync() error {
	if err := f.disk.step("sync"); err != nil {
		return err
	}
	delete(f.disk.unsynced, inode(f.name))
	return f.file.Sync()
}

// Whatever step of a Save is the last one, Load finds the old snapshot or the new one, and nothing is damaged.
func TestCrashWhileSaving(t *testing.T) {
	older, newer := full(), full()
	newer.StartTime = older.StartTime.Add(time.Hour)
	sawOld, sawNew := 0, 0
	for steps := 0; ; steps++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "state.json")
		f := openFile(t, path)
		save(t, f, empty())
		save(t, f, older)

		disk := &crashingDisk{left: steps, unsynced: map[uint64]bool{}}
		f.disk = disk
		err := f.Save(newer)
		disk.losePower(t, dir)

		s, warnings := load(t, path)
		if len(warnings) != 0 {
			t.Fatalf("after %q: %q", disk.steps, warnings)
		}
		switch {
		case cmp.Equal(s, newer):
			sawNew++
		case cmp.Equal(s, older):
			sawOld++
		default:
			t.Fatalf("after %q: neither the old nor the new:\n%s", disk.steps, cmp.Diff(older, s))
		}
		if err == nil {
			if !cmp.Equal(s, newer) {
				t.Error("Save returned nil, but the old snapshot was found")
			}
			break
		}
		// The next agent saves as if nothing had been.
		save(t, openFile(t, path), newer)
		if s, _ := load(t, path); !cmp.Equal(s, newer) {
			t.Fatalf("after %q saving did not go on", disk.steps)
		}
	}
	if sawOld < 5 || sawNew < 2 {
		t.Errorf("old %d times, new %d times: not every step was tried", sawOld, sawNew)
	}
}

// Going back to the previous copy may be cut short too.
func TestCrashWhileFallingBack(t *testing.T) {
	for steps := range 12 {
		dir := t.TempDir()
		path := filepath.Join(dir, "state.json")
		f := openFile(t, path)
		save(t, f, full())
		if err := os.Rename(path, path+previousSuffix); err != nil {
			t.Fatal(err)
		}
		write(t, path, "{")
		disk := &crashingDisk{left: steps, unsynced: map[uint64]bool{}}
		l := loader{path: path, disk: disk, now: time.Now()}
		if s, err := l.load(); err != nil || !cmp.Equal(s, full()) {
			t.Fatalf("after %q: %v, %v", disk.steps, s, err)
		}
		disk.losePower(t, dir)
		if s, _ := load(t, path); !cmp.Equal(s, full()) {
			t.Fatalf("after %q the positions are lost", disk.steps)
		}
	}
}

func TestFullDisk(t *testing.T) {
	dir := smalldisk.New(t, 64)
	path := filepath.Join(dir, "state.json")
	f := openFile(t, path)
	save(t, f, full())
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	changed := full()
	changed.StartTime = changed.StartTime.Add(time.Hour)
	if err := f.Save(changed); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), dir) {
		t.Errorf("saving to a full disk: %v", err)
	}
	if s, warnings := load(t, path); !cmp.Equal(s, full()) || len(warnings) != 0 {
		t.Errorf("the old file was not kept: %q", warnings)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	save(t, f, changed)
	if s, _ := load(t, path); !cmp.Equal(s, changed) {
		t.Error("saving did not go on when there was room again")
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	f := openFile(t, path)
	save(t, f, full())
	f.disk = readOnlyDisk{}
	if err := f.Save(pump.Snapshot{}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
		t.Errorf("saving to a read-only directory: %v", err)
	}
	if s, _ := load(t, path); !cmp.Equal(s, full()) {
		t.Error("the old file was not kept")
	}
}

// readOnlyDisk refuses as a directory does to those who may not write to it. (To root they never do.)
type readOnlyDisk struct{ osDisk }

func (readOnlyDisk) create(name string) (file, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: unix.EACCES}
}
func (readOnlyDisk) remove(string) error { return fs.ErrNotExist }
