package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestConformance(t *testing.T) {
	for _, compression := range []Compression{None, Gzip, Zstd} {
		t.Run(string(compression), func(t *testing.T) {
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T) sendertest.Destination {
					t.Helper()
					return newDisk(t, compression)
				},
				Lacks: map[sendertest.Fault]string{
					sendertest.RefusePart:    "a file takes any line that it has room for",
					sendertest.RefuseForever: "a file takes any line that it has room for",
					sendertest.Throttle:      "a file system does not say when to come again",
					sendertest.TooLarge:      "a file takes any line that it has room for",
					sendertest.Slow:          "a write that takes long is a write",
					sendertest.Hang:          "a write to a file that hangs cannot be given up; see TestHangingFIFO for what is no file",
				},
			})
		})
	}
}

// disk is a directory with a file in it of which it knows how much has been synced, and which fails when it is told to.
type disk struct {
	t      *testing.T
	config *Config
	synced int64
	fault  sendertest.Fault
}

func newDisk(t *testing.T, c Compression) *disk {
	t.Helper()
	cfg := DefaultConfig()
	cfg.FileOutput = filepath.Join(t.TempDir(), "out.json")
	cfg.Compression = c
	return &disk{t: t, config: cfg}
}

func (d *disk) Open(context.Context) (pump.Sender, error) {
	return d.config.newSender(func(path string, flags int, mode fs.FileMode) (handle, error) {
		f, err := os.OpenFile(path, flags, mode)
		if err != nil {
			return nil, err
		}
		return &faultyFile{File: f, disk: d}, nil
	}, slog.New(slog.NewTextHandler(d.t.Output(), nil)))
}

func (d *disk) Script(f sendertest.Fault) { d.fault = f }

// take returns whether the fault is due, which then is over.
func (d *disk) take(faults ...sendertest.Fault) sendertest.Fault {
	for _, f := range faults {
		if d.fault == f {
			d.fault = ""
			return f
		}
	}
	return ""
}

// Accepted returns the lines that a power failure would leave.
func (d *disk) Accepted() [][]byte {
	data, err := os.ReadFile(d.config.FileOutput)
	if err != nil {
		d.t.Fatal(err)
	}
	return lines(d.t, data[:min(d.synced, int64(len(data)))], d.config.Compression)
}

func lines(t *testing.T, data []byte, c Compression) [][]byte {
	t.Helper()
	data = unpack(t, data, c)
	if len(data) == 0 {
		return nil
	}
	if data[len(data)-1] != '\n' {
		t.Errorf("the last line has no end: %.200q", data[max(0, len(data)-200):])
	}
	return bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
}

func unpack(t *testing.T, data []byte, c Compression) []byte {
	t.Helper()
	if c == None || len(data) == 0 {
		return data
	}
	var r io.Reader
	var err error
	if c == Gzip {
		r, err = gzip.NewReader(bytes.NewReader(data))
	} else {
		var d *zstd.Decoder
		d, err = zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
		if err == nil {
			defer d.Close()
		}
		r = d
	}
	if err != nil {
		t.Fatalf("decompressing: %v", err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("decompressing: %v", err)
	}
	return plain
}

// faultyFile is a file on the disk.
type faultyFile struct {
	*os.File
	disk *disk
}

func (f *faultyFile) Write(b []byte) (int, error) {
	switch f.disk.take(sendertest.Refuse, sendertest.BreakBefore, sendertest.BreakWithin) {
	case sendertest.Refuse:
		return 0, unix.ENOSPC
	case sendertest.BreakBefore:
		return 0, unix.EIO
	case sendertest.BreakWithin:
		n, err := f.File.Write(b[:len(b)/2+1])
		return n, errors.Join(unix.ENOSPC, err)
	}
	return f.File.Write(b)
}

func (f *faultyFile) Sync() error {
	fault := f.disk.take(sendertest.CommitFails, sendertest.BreakAfter)
	if fault == sendertest.CommitFails {
		return unix.EIO
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := f.File.Sync(); err != nil {
		return err
	}
	f.disk.synced = info.Size()
	if fault == sendertest.BreakAfter {
		return unix.EIO
	}
	return nil
}

func (f *faultyFile) Truncate(size int64) error {
	f.disk.synced = min(f.disk.synced, size)
	return f.File.Truncate(size)
}
