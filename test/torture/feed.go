package torture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// feed is the pipe to a systemd-journal-remote.
type feed struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
	fat  atomic.Bool // the next entry gets so many fields that the file has to be rotated
	last uint64      // the last entry's time
	buf  []byte
	done bool
	said bytes.Buffer // for when it has ended
}

// manyFields is more names than a file of systemd-journal-remote has room for (src/libsystemd/sd-journal/journal-file.c,
// journal_file_rotate_suggested).
const manyFields = 800

const feedBoot = "00000000000000000000000000000b07"

func startFeed(binary, file string) (*feed, error) {
	f := &feed{cmd: exec.Command(binary, "--output="+file, "--split-mode=none", "-")} //nolint:noctx // ends with its input
	f.cmd.Stderr = &f.said
	pipe, err := f.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting systemd-journal-remote: %w", err)
	}
	f.pipe = pipe
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting systemd-journal-remote: %w", err)
	}
	return f, nil
}

// Send implements Sink: it sends an entry in the Journal Export Format.
func (f *feed) Send(_ int, fields ...string) error {
	now := uint64(time.Now().UnixMicro())
	f.last = max(now, f.last+1)
	var mono unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
		return err
	}
	b := fmt.Appendf(f.buf[:0], "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n", f.last, mono.Nano()/1000, feedBoot)
	for _, field := range fields {
		b = append(append(b, field...), '\n')
	}
	if f.fat.Swap(false) {
		for i := range manyFields {
			b = fmt.Appendf(b, "NAME_%d=\n", i)
		}
	}
	b = append(b, '\n')
	f.buf = b
	_, err := f.pipe.Write(b)
	return err
}

// Close lets systemd-journal-remote read what it was sent, and waits for its end.
func (f *feed) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	if err := errors.Join(f.pipe.Close(), f.cmd.Wait()); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("ending systemd-journal-remote: %w", err)
	}
	return nil
}

func (f *feed) kill() {
	f.done = true
	_ = f.cmd.Process.Signal(syscall.SIGKILL)
	_ = f.cmd.Wait() // it says that it was killed; the writer finds its pipe closed
}
