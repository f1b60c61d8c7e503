package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/internal/conf"
	"journalpump/internal/smalldisk"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func testLog(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func open(t *testing.T, cfg *Config) *sender {
	t.Helper()
	s, err := cfg.Open(t.Context(), "test", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*sender)
}

func openPath(t *testing.T, path string) *sender {
	t.Helper()
	cfg := DefaultConfig()
	cfg.FileOutput = path
	return open(t, cfg)
}

func send(t *testing.T, s *sender, b pump.Batch) {
	t.Helper()
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, s *sender) {
	t.Helper()
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func numbered(number int) []byte { return fmt.Appendf(nil, `{"n": %d}`, number) }

// batch returns records whose lines are {"n": from}, …
func batch(from, n int, opts ...sendertest.Option) pump.Batch {
	return sendertest.Batch(from, n, append(opts, sendertest.Bodies(numbered))...)
}

func linesOf(from, n int) string {
	var b strings.Builder
	for i := range n {
		b.Write(numbered(from + i))
		b.WriteByte('\n')
	}
	return b.String()
}

func check(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", filepath.Base(path), got, want)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConfig(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"good":            {`{"file_output": "/var/log/{_HOSTNAME}/%Y.json", "mode": "0640", "fsync": "5s", "compression": "zstd"}`, ""},
		"no path":         {`{}`, "file_output: is required"},
		"message in path": {`{"file_output": "/x/{MESSAGE}"}`, "{MESSAGE} is not allowed"},
		"bad directive":   {`{"file_output": "/x/%Q"}`, "%Q"},
		"many fields":     {`{"file_output": "` + strings.Repeat("{A}", 9) + `"}`, "more than 8"},
		"mode":            {`{"file_output": "/x", "mode": "rw-r--r--"}`, "must be permissions in octal"},
		"useless mode":    {`{"file_output": "/x", "mode": "0444"}`, "must be permissions in octal"},
		"set-uid":         {`{"file_output": "/x", "mode": "4755"}`, "must be permissions in octal"},
		"compression":     {`{"file_output": "/x", "compression": "rar"}`, `"rar" is not one of`},
		"fsync":           {`{"file_output": "/x", "fsync": "never"}`, "must be a number of seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			o, report := conf.Parse("test.json", []byte(test.config))
			cfg := DefaultConfig()
			if o.Decode(cfg) {
				cfg.Validate(o)
			}
			var text []string
			for _, p := range report.Problems() {
				text = append(text, p.String())
			}
			if got := strings.Join(text, "\n"); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("problems %q, want %q", got, test.want)
			}
		})
	}
}

func TestAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	write(t, path, "{\"old\": 1}\n")
	s := openPath(t, path)
	send(t, s, batch(0, 3))
	commit(t, s)
	check(t, path, "{\"old\": 1}\n"+linesOf(0, 3))
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "plain"), filepath.Join(dir, "packed")
	write(t, plain, "{\"old\": 1}\n")
	b, err := (&gzipPacking{}).pack(nil, []byte("x\n"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, packed, string(b))
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"directory":                 {Config{FileOutput: dir}, "is a directory"},
		"no directory":              {Config{FileOutput: dir + "/none/x"}, "no such file or directory"},
		"no directory to fill in":   {Config{FileOutput: dir + "/none/{A}"}, "no such file or directory"},
		"no directory but a file":   {Config{FileOutput: plain + "/{A}"}, "not a directory"},
		"compressed, not to be":     {Config{FileOutput: packed}, `compressed with "gzip"`},
		"compressed otherwise":      {Config{FileOutput: packed, Compression: Zstd}, `compressed with "gzip"`},
		"plain, to be compressed":   {Config{FileOutput: plain, Compression: Gzip}, `compressed with "none"`},
		"unknown compression":       {Config{FileOutput: plain, Compression: "rar"}, `"rar"`},
		"pattern of no date at all": {Config{FileOutput: "%Q"}, "%Q"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := test.cfg.Open(t.Context(), "test", testLog(t))
			if err == nil {
				t.Errorf("opened: %v", s.Close())
			} else if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	check(t, plain, "{\"old\": 1}\n")
}

func TestMode(t *testing.T) {
	old := unix.Umask(0o027)
	defer unix.Umask(old)
	for mode, want := range map[string]fs.FileMode{"": 0o640, "0664": 0o664, "600": 0o600} {
		cfg := DefaultConfig()
		cfg.FileOutput, cfg.Mode = filepath.Join(t.TempDir(), "out.json"), mode
		open(t, cfg)
		info, err := os.Stat(cfg.FileOutput)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode %q gives %o, want %o", mode, got, want)
		}
	}
}

// What was written but not committed when the sender is closed is taken back: it will be sent again.
func TestCloseTakesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	cfg := DefaultConfig()
	cfg.FileOutput = path
	s, err := cfg.Open(t.Context(), "test", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	send(t, s.(*sender), batch(0, 2))
	commit(t, s.(*sender))
	send(t, s.(*sender), batch(2, 2))
	check(t, path, linesOf(0, 4))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path, linesOf(0, 2))
}

// A Commit after a Send that failed must not say that what was sent before is there.
func TestCommitAfterUndo(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "out.json"))
	send(t, s, batch(0, 2))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(ended, batch(2, 2)); !errors.Is(err, context.Canceled) {
		t.Fatalf("Send: %v", err)
	}
	if err := s.Commit(t.Context()); !errors.Is(err, errUndone) {
		t.Errorf("Commit: %v", err)
	}
	send(t, s, batch(0, 4))
	commit(t, s)
	check(t, s.path, linesOf(0, 4))
}

// When taking back fails, nothing is written until it has succeeded.
func TestUndoThatFails(t *testing.T) {
	d := newDisk(t, None)
	refuse := false
	p, err := d.config.newSender(func(path string, flags int, mode fs.FileMode) (handle, error) {
		f, err := os.OpenFile(path, flags, mode)
		return &stubborn{f, &refuse}, err
	}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	s := p.(*sender)
	send(t, s, batch(0, 2))
	commit(t, s)
	refuse = true
	for range 2 {
		err := s.Send(t.Context(), batch(2, 2))
		if !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "taking back") {
			t.Fatalf("Send: %v", err)
		}
	}
	if err := s.Commit(t.Context()); err == nil {
		t.Error("Commit returned nil")
	}
	refuse = false
	send(t, s, batch(2, 2))
	commit(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	check(t, d.config.FileOutput, linesOf(0, 4))
}

// stubborn is a file that writes half and cannot be truncated.
type stubborn struct {
	*os.File
	refuse *bool
}

func (f *stubborn) Write(b []byte) (int, error) {
	if !*f.refuse {
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:len(b)/2])
	return n, errors.Join(unix.ENOSPC, err)
}

func (f *stubborn) Truncate(size int64) error {
	if *f.refuse {
		return unix.EROFS
	}
	return f.File.Truncate(size)
}

// Lines that others appended are never cut off.
func TestOthersLinesStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	s, other := openPath(t, path), openPath(t, path)
	send(t, s, batch(0, 1))
	send(t, other, batch(100, 1))
	commit(t, other)
	failed, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(failed, batch(1, 1)); err == nil {
		t.Fatal("no error")
	}
	check(t, path, linesOf(0, 1)+linesOf(100, 1))
	send(t, s, batch(0, 2)) // the first is there twice: it could not be taken back
	commit(t, s)
	check(t, path, linesOf(0, 1)+linesOf(100, 1)+linesOf(0, 2))
}

// Two senders may share a file, also of two processes; a replay has it alone.
func TestAlone(t *testing.T) {
	cfg := DefaultConfig()
	cfg.FileOutput = filepath.Join(t.TempDir(), "out.json")
	replay := *cfg
	replay.Alone()
	first, second := open(t, cfg), open(t, cfg)
	if _, err := replay.Open(t.Context(), "replay", testLog(t)); !errors.Is(err, errLocked) || !pump.IsPermanent(err) {
		t.Errorf("a replay beside two senders: %v", err)
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	alone, err := replay.Open(t.Context(), "replay", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Open(t.Context(), "late", testLog(t)); !errors.Is(err, errLocked) || pump.IsPermanent(err) {
		t.Errorf("a sender beside a replay: %v", err)
	}
	if err := alone.Close(); err != nil {
		t.Fatal(err)
	}
	send(t, open(t, cfg), batch(0, 1))
}

func TestFullDisk(t *testing.T) {
	dir := smalldisk.New(t, 256)
	path, filler := filepath.Join(dir, "out.json"), filepath.Join(dir, "filler")
	s := openPath(t, path)
	send(t, s, batch(0, 10))
	commit(t, s)
	write(t, filler, strings.Repeat("x", 128<<10))
	big := func(number int) []byte { return slices.Concat(numbered(number), bytes.Repeat([]byte(" "), 999)) }
	b := sendertest.Batch(10, 200, sendertest.Bodies(big))
	for range 2 {
		if err := s.Send(t.Context(), b); !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Fatalf("Send: %v", err)
		}
		check(t, path, linesOf(0, 10))
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	send(t, s, b)
	commit(t, s)
	data, err := os.ReadFile(path)
	if err != nil || bytes.Count(data, []byte("\n")) != 210 {
		t.Errorf("%d lines, %v", bytes.Count(data, []byte("\n")), err)
	}
}

// What is no file can't be synced or taken back, and a reader of it may hang.
func TestHangingFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.FileOutput = path
	if _, err := cfg.Open(t.Context(), "test", testLog(t)); !errors.Is(err, unix.ENXIO) {
		t.Fatalf("opening a FIFO that nobody reads: %v", err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := openPath(t, path)
	send(t, s, batch(0, 2))
	commit(t, s)
	got := make([]byte, 100)
	n, err := reader.Read(got)
	if err != nil || string(got[:n]) != linesOf(0, 2) {
		t.Errorf("read %q, %v", got[:n], err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := s.Send(ctx, sendertest.Batch(2, 1000, sendertest.Size(1000))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Send: %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second { // 50 ms on a quiet machine
		t.Errorf("it took %v to give up", took)
	}
}

func TestDevNull(t *testing.T) {
	s := openPath(t, "/dev/null")
	send(t, s, batch(0, 2))
	commit(t, s)
}
