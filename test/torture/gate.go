package torture

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// HoldOpens calls hold when a process opens a file of a directory, or lists it, and lets it go on only when hold returns. The kernel has found
// the file by then, which may so have another name, or none, before it is opened (fanotify(7), FAN_OPEN_PERM). hold is called
// concurrently. It ends with the test. ok is false where it is not allowed.
func HoldOpens(t *testing.T, dir string, hold func(pid int)) (ok bool) {
	t.Helper()
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Logf("opening files cannot be held up here: %v", err)
		return false
	}
	if err != nil {
		t.Fatalf("fanotify: %v", err)
	}
	g := &gate{file: os.NewFile(uintptr(fd), "fanotify"), hold: hold}
	done := make(chan struct{})
	t.Cleanup(func() {
		if err := g.file.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM|unix.FAN_EVENT_ON_CHILD|unix.FAN_ONDIR, unix.AT_FDCWD, dir)
	go func() {
		defer close(done)
		g.run()
	}()
	if err != nil {
		t.Logf("opening files cannot be held up here: %v", err)
		return false
	}
	return true
}

type gate struct {
	file *os.File
	hold func(pid int)
	wg   sync.WaitGroup
}

const eventBytes = 24 // struct fanotify_event_metadata

// run lets go of all who are held when the file is closed.
func (g *gate) run() {
	defer g.wg.Wait()
	buf := make([]byte, 4096)
	for {
		n, err := g.file.Read(buf)
		if err != nil {
			return
		}
		for b := buf[:n]; len(b) >= eventBytes; b = b[binary.NativeEndian.Uint32(b):] {
			fd, pid := int(int32(binary.NativeEndian.Uint32(b[16:]))), int(int32(binary.NativeEndian.Uint32(b[20:])))
			g.wg.Go(func() {
				g.hold(pid)
				answer := binary.NativeEndian.AppendUint32(nil, uint32(fd))
				_, _ = g.file.Write(binary.NativeEndian.AppendUint32(answer, unix.FAN_ALLOW))
				_ = unix.Close(fd)
			})
		}
	}
}
