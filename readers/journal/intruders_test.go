package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// TestIntruders puts into the directory what is called a journal file and is none.
func TestIntruders(t *testing.T) {
	t.Parallel()
	g := newGoods(t, journalwriter.Options{})
	if err := os.WriteFile(g.victim, g.b, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range g.n {
		g.want[fmt.Sprintf("victim %d", i)] = true
	}
	in := func(name string) string { return filepath.Join(g.dir, name) }
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", in("socket.journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := errors.Join(
		unix.Mkfifo(in("fifo.journal"), 0o600),
		os.Mkdir(in("directory.journal"), 0o700),
		os.Mkdir(in("0123456789abcdef0123456789abcdef"), 0o700),
		os.Symlink("0123456789abcdef0123456789abcdef", in("link-to-directory.journal")),
		os.Symlink("fifo.journal", in("link-to-fifo.journal")),
		os.Symlink("/dev/zero", in("link-to-device.journal")),
		os.Symlink("loop-b.journal", in("loop-a.journal")),
		os.Symlink("loop-a.journal", in("loop-b.journal")),
		os.Symlink(".", in("fedcba9876543210fedcba9876543210")), // a machine's directory that is the journal's own
		os.Symlink("nowhere", in("dangling.journal")),
		os.Symlink(victimName, in("again.journal")),
		os.Link(g.victim, in("once-more@1.journal")),
		os.WriteFile(in("empty@1.journal"), nil, 0o600),
		os.WriteFile(in("text@1.journal"), []byte("no journal at all\n"), 0o600),
		os.WriteFile(in("zeros@1.journal"), make([]byte, 1<<16), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	g.n = 0 // no bad file
	l := openDir(t, g.dir)
	got := readAll(t, l, pump.Position{})
	g.judge(t, got)
	bad := 0
	for _, p := range l.Problems() {
		if strings.Contains(p.Path, "fedcba") {
			continue // each of them once more
		}
		bad++
	}
	// What leads to a FIFO, a device and a directory, what leads nowhere for ever, and three that are no journals. What is no
	// regular file itself is not even listed.
	if bad != 8 || got.corrupted < bad {
		t.Errorf("%d files cannot be read, %d counted, want 8: %v", bad, got.corrupted, l.Problems())
	}
}

// TestHostileBombs has fields that a few bytes on the disk decompress to. It measures the whole process, so no other runs beside it.
func TestHostileBombs(t *testing.T) {
	const size = 24 << 20
	bomb := append([]byte("BOMB="), bytes.Repeat([]byte("x"), size)...)
	for name, method := range map[string]journalwriter.Compression{"zstd": journalwriter.ZSTD, "lz4": journalwriter.LZ4, "xz": journalwriter.XZ} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, err := journalwriter.New(journalwriter.Options{Compress: method, SeqnumID: journalwriter.ID{9}, State: journalwriter.Archived})
			if err != nil {
				t.Fatal(err)
			}
			const n = 20
			for i := range uint64(n) {
				e := journalwriter.Entry{Seqnum: i + 1, Realtime: day + i, Monotonic: 1 + i, Boot: journalwriter.ID{1}}
				e.Fields = [][]byte{[]byte("A=b"), bomb}
				if err := w.Append(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.WriteFile(filepath.Join(dir, "bombs@1.journal")); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, MaxFieldBytes: maxHostileField})
			it, err := l.Open(t.Context(), pump.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer it.Close()
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			entries, corrupted := 0, 0
			for {
				c, err := it.Next(t.Context())
				if errors.Is(err, pump.ErrNoMore) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				entries, corrupted = entries+len(c.Entries), corrupted+c.Corrupted
				if c.Bytes > DefaultChunkBytes+2*maxHostileField {
					t.Fatalf("a chunk of %d bytes", c.Bytes)
				}
			}
			runtime.ReadMemStats(&after)
			if entries != n || corrupted != n {
				t.Errorf("%d entries, %d of them cut; want %d", entries, corrupted, n)
			}
			if grown := int64(after.Sys) - int64(before.Sys); grown > 96<<20 {
				t.Errorf("the process grew by %d bytes", grown)
			}
		})
	}
}

// TestHostileWhileReading empties the bad file, cuts it off or punches holes into it, again and again, while it is read.
func TestHostileWhileReading(t *testing.T) {
	t.Parallel()
	g := newGoods(t, journalwriter.Options{Compact: true, Keyed: true, Compress: journalwriter.ZSTD})
	if err := os.WriteFile(g.victim, g.b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(g.victim, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	stop, done := make(chan struct{}), sync.WaitGroup{}
	done.Go(func() {
		r := rand.New(rand.NewPCG(4, 4))
		for {
			select {
			case <-stop:
				return
			default:
			}
			var err error
			switch size := int64(len(g.b)); r.IntN(3) {
			case 0:
				err = out.Truncate(0)
			case 1:
				err = out.Truncate(r.Int64N(size))
			default:
				from := r.Int64N(size) &^ 4095
				err = unix.Fallocate(int(out.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, size-from)
			}
			runtime.Gosched()
			if err == nil {
				_, err = out.WriteAt(g.b, 0)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	l := openLog(t, Options{Selection: journaldir.Selection{Path: g.dir}, MaxChunkEntries: 7})
	for range 150 {
		got := readAll(t, l, pump.Position{})
		for i := range got.records { // what is left of fields may be anything
			if m := messageOf(got.records[i]); !g.want[m] {
				got.records[i].fields = nil
			}
		}
		g.judge(t, got)
		if t.Failed() {
			break
		}
	}
	close(stop)
	done.Wait()
}
