package stdout

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pollInterval is how often a context is looked at while the other side takes nothing.
const pollInterval = 50 // milliseconds

// writer writes to a file descriptor that others have opened and that may block: a terminal, a pipe, a socket. It waits
// with poll(2), which can be given up, instead of in write(2), which can't.
type writer struct {
	file  *os.File
	fd    int32
	piece int // at most so much at once
}

func newWriter(f *os.File) *writer {
	w := &writer{file: f, fd: int32(f.Fd()), piece: pipeBuf} //nolint:gosec // a descriptor
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		w.piece = 1 << 30
	}
	return w
}

// pipeBuf is PIPE_BUF, see pipe(7): when poll says that a pipe can be written to, there is room for this much.
const pipeBuf = 4096

// write returns how much was written when it fails.
func (w *writer) write(ctx context.Context, b []byte) (n int, err error) {
	for n < len(b) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		ready, err := w.wait()
		if err != nil {
			return n, err
		}
		if !ready {
			continue
		}
		m, err := w.file.Write(b[n:min(n+w.piece, len(b))])
		n += m
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			return n, err
		}
	}
	return n, nil
}

// wait waits for the descriptor to take something, but not long.
func (w *writer) wait() (ready bool, err error) {
	fds := []unix.PollFd{{Fd: w.fd, Events: unix.POLLOUT}}
	_, err = unix.Poll(fds, pollInterval)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("poll: %w", err)
	}
	return fds[0].Revents != 0, nil // an error shows when writing
}
