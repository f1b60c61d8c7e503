package deadletter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"journalpump/pump"
)

// RotatedSuffix is what the file is called after it was full.
const RotatedSuffix = ".1"

// File is where dead letters are appended. It is opened anew each time: dead letters are rare, and whoever renames or
// deletes the file (logrotate, a person) need not tell us. Several senders may share one; its methods may be called
// concurrently.
type File struct {
	path string

	mu    sync.Mutex
	limit int64  // bytes; 0: none
	lines []byte // reused
	named bool   // the file's name has been synced: one that is there may have been made by a process that was killed
}

// NewFile returns the file at path, which need not exist.
func NewFile(path string) *File { return &File{path: path} }

// Limit sets how large the file may become. When it would grow over so many bytes it becomes PATH.1, in place of the one
// that was called so before; 0 lets it grow.
func (f *File) Limit(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = bytes
}

// Path returns where the file is.
func (f *File) Path() string { return f.path }

// For returns the file as the place for the dead letters of one sender.
func (f *File) For(reader, sender string) pump.DeadLetters {
	return &box{file: f, reader: reader, sender: sender}
}

// box is a sender's access to a File.
type box struct {
	file           *File
	reader, sender string
}

// Bury implements pump.DeadLetters.
func (b *box) Bury(letters []pump.DeadLetter) error {
	f := b.file
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = f.lines[:0]
	for i := range letters {
		f.lines = appendLine(f.lines, b.reader, b.sender, &letters[i])
	}
	if err := f.append(f.lines); err != nil {
		return fmt.Errorf("writing dead letters: %w", err)
	}
	return nil
}

// append writes whole lines, down to the disk. After an error nothing was written.
func (f *File) append(lines []byte) (err error) {
	if err := f.makeRoom(int64(len(lines))); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) // it holds log entries: nobody else's business
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if info.Mode().IsRegular() && size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' { // torn by a crash
			lines = append([]byte{'\n'}, lines...)
		}
	}
	if _, err := file.Write(lines); err != nil {
		return errors.Join(err, file.Truncate(size))
	}
	if err := syncFile(file); err != nil {
		return errors.Join(err, file.Truncate(size))
	}
	if size > 0 && f.named {
		return nil
	}
	err = syncDir(filepath.Dir(f.path))
	f.named = err == nil
	return err
}

// makeRoom renames the file if it would become too large.
func (f *File) makeRoom(more int64) error {
	if f.limit <= 0 {
		return nil
	}
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() == 0 || info.Size()+more <= f.limit || !info.Mode().IsRegular() {
		return nil
	}
	return os.Rename(f.path, f.path+RotatedSuffix)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return syncFile(d)
}

// syncFile leaves alone what cannot be synced, such as a terminal, a pipe, or the directory of some file systems.
func syncFile(f *os.File) error {
	if err := f.Sync(); err != nil && !errors.Is(err, errCannotSync) {
		return err
	}
	return nil
}
