//go:build cgo && linux

package libsystemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

const journaldPath = "/lib/systemd/systemd-journald"

// journald is a real one, with a namespace of its own.
type journald struct {
	process   *exec.Cmd
	namespace string
	socket    int
}

func startJournald(t *testing.T) *journald {
	t.Helper()
	if _, err := os.Stat(journaldPath); err != nil || os.Getuid() != 0 {
		t.Skip("a journald of one's own takes systemd and root")
	}
	j := &journald{namespace: fmt.Sprintf("jplibsd-%d", os.Getpid())}
	j.process = exec.Command(journaldPath, j.namespace) //nolint:gosec // a fixed path
	if err := j.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = j.process.Process.Signal(syscall.SIGTERM)
		_ = j.process.Wait()
		for _, pattern := range []string{"/run/systemd/journal.", "/run/log/journal/*.", "/var/log/journal/*."} {
			paths, _ := filepath.Glob(pattern + j.namespace)
			for _, path := range paths {
				_ = os.RemoveAll(path)
			}
		}
	})
	var err error
	if j.socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(j.socket) })
	address := &unix.SockaddrUnix{Name: "/run/systemd/journal." + j.namespace + "/socket"}
	eventually(t, "journald listens", func() bool { return unix.Connect(j.socket, address) == nil })
	return j
}

// log sends message number n as if it came from a process of the user, whose journal is another file.
func (j *journald) log(n, uid int) error {
	message := fmt.Appendf(nil, "MESSAGE=number %d\nPRIORITY=6\nSYSLOG_IDENTIFIER=live\n", n)
	who := unix.UnixCredentials(&unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(uid), Gid: uint32(uid)}) //nolint:gosec // small
	return unix.Sendmsg(j.socket, message, who, nil, 0)
}

// A live journald with three files that are rotated all the time: nothing is missing and nothing comes twice, although
// the child is killed now and then.
func TestLive(t *testing.T) {
	needTools(t)
	j := startJournald(t)
	l := openLog(t, Options{Selection: journaldir.Selection{Namespaces: []string{j.namespace}}})
	const messages = 12_000
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()

	written := make(chan error, 1)
	go func() { written <- j.writeAll(ctx, messages) }()
	defer func() {
		cancel()
		if err := <-written; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()

	var it pump.Iterator
	eventually(t, "there is a journal", func() bool {
		var err error
		it, err = l.Open(ctx, pump.Position{})
		return err == nil
	})
	defer func() { _ = it.Close() }()
	seen := make(map[int]int)
	last := 0
	for chunks := 1; len(seen) < messages; chunks++ {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			if chunks%10 != 0 {
				continue // asking all the time is what meets entries that are just being written
			}
			if err := it.Wait(ctx); err != nil {
				t.Fatalf("%v; %d of %d came", err, len(seen), messages)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Gaps) > 0 || c.Corrupted > 0 {
			t.Errorf("gaps %v, corrupted %d", c.Gaps, c.Corrupted)
		}
		for i := range c.Entries {
			if message, _ := c.Lookup(i, "MESSAGE"); strings.HasPrefix(string(message), "number ") {
				n := number(t, c, i)
				if seen[n]++; seen[n] > 1 || n != last+1 {
					t.Errorf("%d came after %d, for the %d. time", n, last, seen[n])
				}
				last = n
			}
		}
		if p := it.(*iterator).session.process; p != nil && chunks%500 == 0 {
			_ = p.cmd.Process.Kill()
		}
	}
}

func (j *journald) writeAll(ctx context.Context, messages int) error {
	for n := 1; n <= messages; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := j.log(n, []int{0, 1000, 1001}[n%3]); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		if n%1500 == 0 {
			if err := j.process.Process.Signal(syscall.SIGUSR2); err != nil { // rotate
				return err
			}
		}
	}
	return nil
}
