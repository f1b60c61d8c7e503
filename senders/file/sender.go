package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"journalpump/internal/placeholder"
	"journalpump/pump"
)

// defaultMaxOpen is how many files are kept open.
const defaultMaxOpen = 64

// pieceBytes is how much is written at once: little enough to be still in the processor's cache, and not to be kept twice.
const pieceBytes = 256 << 10

// sender is a pump.Sender, pump.Committer and pump.Reopener.
type sender struct {
	*opener
	path    string             // when all entries go to one file
	router  *router            // when the file depends on the entry
	outputs map[string]*output // open, by path
	retired []*output          // renamed or closed, with something that isn't committed
	maxOpen int
	clock   uint64 // counts uses, to find the output that was not used for the longest

	lines  []byte // reused
	packed []byte // reused

	undone  bool // something sent since the last commit was taken back, and nothing sent since
	pending bool // taking back has failed and must be tried again first
}

func (s *sender) setCompression(c Compression) error {
	if c == None || c == "" {
		return nil
	}
	for _, p := range packings() {
		if p.kind() == c {
			s.packing = p
			return nil
		}
	}
	return pump.Permanent(fmt.Errorf("compression %q is not known", c))
}

// setPath opens the file, so that what is wrong with it shows at once.
func (s *sender) setPath(t *placeholder.Template) error {
	path, static := t.Static()
	if static {
		s.path = path
		_, err := s.output(path)
		if s.alone && errors.Is(err, errLocked) {
			err = pump.Permanent(fmt.Errorf("%w: stop that one, or send to another file_output", err))
		}
		return err
	}
	s.router = newRouter(t)
	s.root = filepath.Dir(t.Prefix() + "x")
	info, err := os.Stat(s.root)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: s.root, Err: unix.ENOTDIR}
	}
	return err
}

// Send appends the records, whole lines at a time. After an error everything that was not committed has been taken back.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if s.pending {
		if err := s.undo(nil); err != nil {
			return err
		}
	}
	s.undone = false
	if err := s.send(ctx, b.Records); err != nil {
		return s.undo(err)
	}
	return nil
}

func (s *sender) send(ctx context.Context, records []pump.Record) error {
	if s.router == nil {
		return s.sendTo(ctx, s.path, records)
	}
	for _, g := range s.router.route(records) {
		s.lines = s.lines[:0]
		for _, i := range g.records {
			s.addLine(records[i].Body)
		}
		if err := s.write(ctx, g.path); err != nil {
			return err
		}
	}
	return nil
}

// sendTo appends the records to one file, a piece of whole lines a write.
func (s *sender) sendTo(ctx context.Context, path string, records []pump.Record) error {
	s.lines = s.lines[:0]
	for i := range records {
		s.addLine(records[i].Body)
		if len(s.lines) < pieceBytes || s.packing != nil { // what is packed together gets smaller
			continue
		}
		if err := s.write(ctx, path); err != nil {
			return err
		}
		s.lines = s.lines[:0]
	}
	return s.write(ctx, path)
}

func (s *sender) addLine(body []byte) {
	s.lines = append(s.lines, body...)
	s.lines = append(s.lines, '\n')
}

// write appends s.lines to the file.
func (s *sender) write(ctx context.Context, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, err := s.output(path)
	if err != nil {
		return err
	}
	out := s.lines
	if s.packing != nil {
		if s.packed, err = s.packing.pack(s.packed[:0], s.lines); err != nil {
			return fmt.Errorf("compressing: %w", err)
		}
		out = s.packed
	}
	if err := o.write(ctx, out); err != nil {
		return err
	}
	return o.bound(unsynced(s.packing) / 2)
}

// output returns the file to append to, opened anew when the path names another file than before.
func (s *sender) output(path string) (*output, error) {
	s.clock++
	if o := s.outputs[path]; o != nil {
		ok, err := s.stillThere(o)
		if err != nil {
			return nil, err
		}
		if ok {
			o.used = s.clock
			return o, nil
		}
		s.retire(o)
	}
	if len(s.outputs) >= s.maxOpen {
		if err := s.closeOldest(); err != nil {
			return nil, err
		}
	}
	o, err := s.append(path)
	if err != nil {
		return nil, err
	}
	o.used = s.clock
	s.outputs[path] = o
	return o, nil
}

func (s *sender) stillThere(o *output) (bool, error) {
	if o.h == nil {
		return false, nil
	}
	p, err := o.look()
	switch {
	case err != nil:
		return false, err
	case p == shrunk:
		s.log.Info("the file was cut by somebody else, appending goes on", "file", o.path, "size", o.size)
	case p == moved:
		s.log.Info("the file was renamed or removed, opening it anew", "file", o.path)
	}
	return p != moved, nil
}

// retire lets go of an output; when something in it isn't committed, not before that.
func (s *sender) retire(o *output) {
	delete(s.outputs, o.path)
	if o.dirty {
		s.retired = append(s.retired, o)
		return
	}
	if err := o.close(); err != nil {
		s.log.Warn("closing the file", "error", err) // all of it was synced
	}
}

// closeOldest makes room for another open file.
func (s *sender) closeOldest() error {
	var oldest *output
	for _, o := range s.outputs {
		if oldest == nil || o.used < oldest.used {
			oldest = o
		}
	}
	if err := oldest.sync(); err != nil {
		return err
	}
	s.retire(oldest)
	return oldest.close()
}

var errUndone = errors.New("what was sent since the last commit has been taken back")

// Commit makes everything that was sent durable.
func (s *sender) Commit(ctx context.Context) error {
	if s.pending || s.undone {
		return s.undo(errUndone)
	}
	if err := s.sync(ctx); err != nil {
		return s.undo(err)
	}
	for o := range s.all() {
		o.settle()
	}
	s.dropRetired()
	return nil
}

func (s *sender) sync(ctx context.Context) error {
	for _, o := range s.outputs {
		if o.dirty {
			if _, err := o.look(); err != nil {
				return err
			}
		}
	}
	for o := range s.all() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.sync(); err != nil {
			return err
		}
	}
	return s.syncDirs()
}

// all yields the outputs, and of those with the same path the newest first.
func (s *sender) all() iter.Seq[*output] {
	return func(yield func(*output) bool) {
		for _, o := range s.outputs {
			if !yield(o) {
				return
			}
		}
		for _, o := range slices.Backward(s.retired) {
			if !yield(o) {
				return
			}
		}
	}
}

// undo takes back what was not committed and returns cause, with what went wrong added to it.
func (s *sender) undo(cause error) error {
	var failed error
	for o := range s.all() {
		s.undone = s.undone || o.dirty
		if err := o.undo(s.opener); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	s.pending = failed != nil
	switch {
	case failed == nil:
		s.dropRetired()
		return cause
	case cause == nil:
		return failed
	}
	return fmt.Errorf("%w; %w", cause, failed)
}

func (s *sender) dropRetired() {
	for _, o := range s.retired {
		if err := o.close(); err != nil {
			s.log.Warn("closing the file", "error", err)
		}
	}
	clear(s.retired)
	s.retired = s.retired[:0]
}

// Reopen lets go of all files and opens those that are written to by their paths again.
func (s *sender) Reopen(context.Context) error {
	for _, o := range s.outputs {
		s.retire(o)
	}
	if s.router != nil {
		return nil
	}
	_, err := s.output(s.path)
	return err
}

// Close takes back what was not committed and closes the files.
func (s *sender) Close() error {
	err := s.undo(nil)
	for o := range s.all() {
		err = errors.Join(err, o.close())
	}
	clear(s.outputs)
	s.retired = nil
	return err
}
