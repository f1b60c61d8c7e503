package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// identity tells whether a path still names the file that was opened by it.
type identity struct{ dev, ino uint64 }

func identityOf(info fs.FileInfo) identity {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{st.Dev, st.Ino}
	}
	return identity{}
}

// output is a file that is being appended to. The part after committed may not have reached the disk.
type output struct {
	path      string
	h         handle // nil when it had to be closed; it was synced then
	identity  identity
	regular   bool  // otherwise, such as a FIFO, nothing can be synced or taken back
	committed int64 // where to cut to take back what was not committed
	size      int64 // where the last write ended
	synced    int64 // up to where nothing can have holes after a power failure
	dirty     bool  // something was written since the last commit
	used      uint64
}

// presence is what has become of the path of an output.
type presence int

const (
	present presence = iota
	moved            // renamed, removed or replaced
	shrunk           // cut by somebody else, as logrotate's copytruncate does
)

var errShrunk = errors.New("was cut by somebody else before what had been written was committed; it is written again")

// look compares the file with what the path names now. It is an error when something that wasn't committed was cut. What others appended is left to them: it can't be told apart from
// ours any more, so taking back ends there.
func (o *output) look() (presence, error) {
	if !o.regular {
		return present, nil
	}
	var st unix.Stat_t
	if err := unix.Stat(o.path, &st); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return moved, nil
		}
		return present, &fs.PathError{Op: "stat", Path: o.path, Err: err}
	}
	switch {
	case identity{st.Dev, st.Ino} != o.identity:
		return moved, nil
	case st.Size < o.size:
		o.size, o.committed = st.Size, st.Size
		if o.dirty {
			return shrunk, fmt.Errorf("%s %w", o.path, errShrunk)
		}
		return shrunk, nil
	case st.Size > o.size:
		o.size, o.committed = st.Size, st.Size
	}
	return present, nil
}

// write appends b in one write.
func (o *output) write(ctx context.Context, b []byte) error {
	o.dirty = true
	if !o.regular {
		return o.writeStream(ctx, b)
	}
	n, err := o.h.Write(b)
	o.size += int64(n)
	return err
}

// writeStream writes to something that may not take b for long, and gives up when the context ends.
func (o *output) writeStream(ctx context.Context, b []byte) error {
	inTime := func() bool { return true }
	if d, ok := o.h.(interface{ SetWriteDeadline(time.Time) error }); ok {
		inTime = context.AfterFunc(ctx, func() { _ = d.SetWriteDeadline(time.Unix(1, 0)) })
	}
	_, err := o.h.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		err = ctx.Err()
	}
	if !inTime() || err != nil { // who reads it may be gone, or it has a deadline now: the next Send opens it anew
		_ = o.close()
	}
	return err
}

// sync makes what was written durable.
func (o *output) sync() error {
	if !o.dirty || !o.regular || o.h == nil {
		return nil
	}
	return o.h.Sync()
}

// bound syncs once so much was written, so that what a power failure can leave holes in is bounded.
func (o *output) bound(most int64) error {
	if o.size-max(o.synced, o.committed) < most {
		return nil
	}
	if err := o.sync(); err != nil {
		return err
	}
	o.synced = o.size
	return nil
}

// settle notes that everything written is committed.
func (o *output) settle() { o.committed, o.dirty = o.size, false }

// undo takes back what was written and not committed, where nobody else has written behind it.
func (o *output) undo(op *opener) error {
	if !o.dirty {
		return nil
	}
	if !o.regular || o.size == o.committed {
		o.dirty = false
		return nil
	}
	h := o.h
	if h == nil {
		var err error
		if h, err = o.find(op); err != nil || h == nil {
			return err
		}
		defer h.Close()
	}
	info, err := h.Stat()
	if err != nil {
		return err
	}
	if info.Size() == o.size {
		if err := h.Truncate(o.committed); err != nil {
			return fmt.Errorf("taking back what was not committed: %w", err)
		}
		o.size = o.committed
	} else {
		o.size, o.committed = info.Size(), info.Size()
	}
	o.dirty = false
	return nil
}

// find opens a file again that had to be closed; nil when it isn't there any more.
func (o *output) find(op *opener) (handle, error) {
	h, err := op.open(o.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		o.dirty = false
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := h.Stat()
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if identityOf(info) != o.identity {
		o.dirty = false
		return nil, h.Close()
	}
	return h, nil
}

func (o *output) close() error {
	if o.h == nil {
		return nil
	}
	err := o.h.Close()
	o.h = nil
	return err
}
