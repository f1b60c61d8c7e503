package state

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// disk is what saving does to the file system, step by step, so that a test can let any step be the last.
type disk interface { //nolint:interfacebloat // the steps of one thing
	create(name string) (file, error) // which must not exist
	link(from, to string) error
	rename(from, to string) error
	remove(name string) error
	syncDir(dir string) error
}

// file is an *os.File that is being written.
type file interface { //nolint:interfacebloat // what is used of one concrete type
	io.Writer
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Sync() error
	Close() error
}

type osDisk struct{}

func (osDisk) create(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
}

func (osDisk) link(from, to string) error   { return os.Link(from, to) }
func (osDisk) rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) remove(name string) error     { return os.Remove(name) }

func (osDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // EINVAL: a file system that has no such thing
		return err
	}
	return nil
}

// replace makes data the content of name: in one step for whoever looks, and after a power failure too. With keep, what
// was there stays as name.previous.
func replace(d disk, name string, data []byte, keep bool) (err error) {
	next := name + ".new"
	if err := removeIfThere(d, next); err != nil { // left by a crash
		return err
	}
	defer func() {
		if err != nil {
			_ = d.remove(next) // it is of no use, and in no one's way if it stays
		}
	}()
	if err := writeNew(d, next, data, attributesOf(name)); err != nil {
		return err
	}
	if keep {
		if err := keepAs(d, name, name+previousSuffix); err != nil {
			return err
		}
	}
	if err := d.rename(next, name); err != nil {
		return err
	}
	return d.syncDir(dirOf(name))
}

// attributes of a file outlive its being replaced: an administrator may have set them.
type attributes struct {
	mode     fs.FileMode
	uid, gid int // -1: whatever comes
}

// defaultMode lets a monitoring agent read the file when it is in the group. The original's files had 0600.
const defaultMode fs.FileMode = 0o640

func attributesOf(name string) attributes {
	a := attributes{mode: defaultMode, uid: -1, gid: -1}
	info, err := os.Stat(name)
	if err != nil {
		return a
	}
	a.mode = info.Mode().Perm()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		a.uid, a.gid = int(st.Uid), int(st.Gid)
	}
	return a
}

// writeNew writes a file that did not exist, down to the disk.
func writeNew(d disk, name string, data []byte, a attributes) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	if a.uid >= 0 {
		_ = f.Chown(a.uid, a.gid) // only root may; for others the file is their own, as the one before
	}
	if err := errors.Join(f.Chmod(a.mode), writeAndSync(f, data), f.Close()); err != nil {
		return err
	}
	return nil
}

func writeAndSync(f file, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// keepAs gives the file another name besides its own. Where the file system knows no second names it is copied.
func keepAs(d disk, name, as string) error {
	if err := removeIfThere(d, as); err != nil {
		return err
	}
	err := d.link(name, as)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	data, readErr := os.ReadFile(name)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return writeNew(d, as, data, attributesOf(name))
}

func removeIfThere(d disk, name string) error {
	if err := d.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
