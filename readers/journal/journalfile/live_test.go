package journalfile

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A real writer appends while we read: every entry comes once, whole, in order.
func TestFollowingRealWriter(t *testing.T) {
	need(t, journalRemote)
	for _, compact := range []string{"0", "1"} {
		t.Run("compact "+compact, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "live.journal")
			cmd := exec.CommandContext(t.Context(), journalRemote, "--output="+path, "--split-mode=none", "-")
			cmd.Env = append(os.Environ(), "SYSTEMD_JOURNAL_COMPACT="+compact)
			in, err := cmd.StdinPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			const n = 20_000
			written := make(chan error, 1)
			go func() { written <- writeNumbered(in, n) }()
			follow(t, path, n)
			if err := <-written; err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// writeNumbered writes entries in bursts, and closes.
func writeNumbered(in io.WriteCloser, n int) error {
	r := rand.New(rand.NewPCG(5, 5))
	for i := 0; i < n; {
		var burst []byte
		for range min(1+r.IntN(300), n-i) {
			burst = fmt.Appendf(burst, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%x\nMESSAGE=%d\nPRIORITY=%d\n\n",
				testStart+int64(i), 1000+i, testBoot, i, i%8)
			i++
		}
		if _, err := in.Write(burst); err != nil {
			return errors.Join(err, in.Close())
		}
	}
	return in.Close()
}

// follow reads n numbered entries as they come.
func follow(t *testing.T, path string, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	wait := func() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("still waiting for entries")
		}
	}
	f, err := Open(path)
	for ; errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrNotJournal); f, err = Open(path) {
		wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x := f.Entries()
	var e Entry
	for i := 0; i < n; {
		off, ok, err := x.Next()
		if err == nil && ok {
			err = f.ReadEntry(off, &e)
		}
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if !ok {
			wait()
			continue
		}
		checkNumber(t, f, &e, i)
		if e.Seqnum != uint64(i+1) || e.Realtime != testStart+uint64(i) {
			t.Fatalf("entry %d: seqnum %d, realtime %d", i, e.Seqnum, e.Realtime)
		}
		i++
	}
}

func checkNumber(t *testing.T, f *File, e *Entry, i int) {
	t.Helper()
	want := fmt.Sprintf("MESSAGE=%d", i)
	for _, item := range e.Items {
		b, _, err := f.AppendData(nil, item, 0)
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if string(b) == want {
			return
		}
	}
	t.Fatalf("entry %d has no %s", i, want)
}
