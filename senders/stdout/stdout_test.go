package stdout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestConformance(t *testing.T) {
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T) sendertest.Destination {
			t.Helper()
			return newPipe(t)
		},
		Lacks: map[sendertest.Fault]string{
			sendertest.Refuse:        "standard output refuses nothing",
			sendertest.RefusePart:    "standard output refuses nothing; for what was written in part see TestGivenUpHalfway",
			sendertest.RefuseForever: "standard output refuses nothing",
			sendertest.Throttle:      "standard output has no way to say that",
			sendertest.TooLarge:      "standard output takes any size",
			sendertest.BreakBefore:   "when standard output breaks it stays broken; see TestReaderIsGone",
			sendertest.BreakWithin:   "when standard output breaks it stays broken; see TestReaderIsGone",
			sendertest.BreakAfter:    "when standard output breaks it stays broken; see TestReaderIsGone",
			sendertest.CommitFails:   "the sender is no Committer",
		},
	})
}

// pipe stands for standard output. What comes through it is read by a goroutine, which can be held up.
type pipe struct {
	t       *testing.T
	r, w    *os.File
	running sync.RWMutex // held for writing: nothing is read
	held    bool
	marks   chan struct{} // one for each mark that was read

	mu  sync.Mutex
	got []byte
}

// mark is written to the pipe to know that all before it has been read.
var mark = []byte("\n--mark--\n")

func newPipe(t *testing.T) *pipe {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{t: t, r: r, w: w, marks: make(chan struct{}, 1)}
	done := make(chan struct{})
	go func() { defer close(done); p.read() }()
	t.Cleanup(func() {
		p.release()
		_ = w.Close()
		<-done
		_ = r.Close()
	})
	return p
}

func (p *pipe) read() {
	b := make([]byte, 64<<10)
	for {
		p.awaitData()
		p.running.RLock()
		n, err := p.r.Read(b)
		p.running.RUnlock()
		p.mu.Lock()
		p.got = append(p.got, b[:n]...)
		i := bytes.Index(p.got, mark)
		if i >= 0 {
			p.got = append(p.got[:i], p.got[i+len(mark):]...)
		}
		p.mu.Unlock()
		if i >= 0 {
			p.marks <- struct{}{}
		}
		if err != nil {
			return
		}
	}
}

// awaitData waits until there is something to read, or the end, so that Read does not wait for it with the lock.
func (p *pipe) awaitData() {
	c, err := p.r.SyscallConn()
	if err == nil {
		err = c.Read(func(fd uintptr) bool { return ready(fd, unix.POLLIN) })
	}
	if err != nil {
		p.t.Error(err)
	}
}

// ready reports whether there is such an event, or the end.
func ready(fd uintptr, event int16) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: event}}, 0)
	return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
}

// hold has nothing be read until release.
func (p *pipe) hold() { p.running.Lock(); p.held = true }

func (p *pipe) release() {
	if p.held {
		p.held = false
		p.running.Unlock()
	}
}

// fill writes to the pipe until it takes no more.
func (p *pipe) fill() {
	filler := append(bytes.Repeat([]byte("#"), pipeBuf-1), '\n')
	for !p.full() {
		if _, err := p.w.Write(filler); err != nil {
			p.t.Error(err)
			return
		}
	}
}

func (p *pipe) Open(context.Context) (pump.Sender, error) {
	cfg := DefaultConfig()
	cfg.Format = JSON
	return &gate{cfg.newSender(p.w, false, time.UTC), p}, nil
}

// gate lets the pipe be read again when the sender has given up.
type gate struct {
	pump.Sender
	p *pipe
}

func (g *gate) Send(ctx context.Context, b pump.Batch) error {
	err := g.Sender.Send(ctx, b)
	if err != nil {
		g.p.release()
	}
	return err
}

// full reports whether the pipe takes no more.
func (p *pipe) full() bool { return !ready(uintptr(newWriter(p.w).fd), unix.POLLOUT) }

func (p *pipe) Script(f sendertest.Fault) {
	p.hold()
	p.fill()
	if f == sendertest.Slow {
		timer := time.AfterFunc(200*time.Millisecond, p.release)
		p.t.Cleanup(func() { timer.Stop() })
	}
}

// Accepted returns the whole lines that were read.
func (p *pipe) Accepted() [][]byte {
	if _, err := p.w.Write(mark); err != nil {
		p.t.Fatal(err)
	}
	<-p.marks
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines [][]byte
	for line := range bytes.Lines(p.got) {
		if json.Valid(line) {
			lines = append(lines, bytes.Clone(bytes.TrimSuffix(line, []byte("\n"))))
		}
	}
	return lines
}

// What was written whole before the context ended is accepted; the rest isn't, and begins on a line of its own.
func TestGivenUpHalfway(t *testing.T) {
	p := newPipe(t)
	cfg := DefaultConfig()
	s := cfg.newSender(p.w, false, time.UTC)
	p.hold()
	b := sendertest.Batch(0, 500, sendertest.Size(1000))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !p.full() {
			<-tick.C
		}
	})
	err := s.Send(ctx, b)
	wg.Wait()
	var partial *pump.PartialError
	if !errors.As(err, &partial) || len(partial.Errs) == 0 || len(partial.Errs) == len(b.Records) {
		t.Fatalf("Send returned %v", err)
	}
	for i, err := range partial.Errs {
		if i < len(b.Records)-len(partial.Errs) || !errors.Is(err, context.Canceled) {
			t.Errorf("record %d: %v", i, err)
		}
	}
	p.release()
	rest := pump.Batch{Records: b.Records[len(b.Records)-len(partial.Errs):]}
	if err := s.Send(t.Context(), rest); err != nil {
		t.Fatal(err)
	}
	got := p.Accepted()
	if len(got) != len(b.Records) {
		t.Fatalf("%d lines, want %d", len(got), len(b.Records))
	}
	for i, line := range got {
		if !bytes.Equal(line, b.Records[i].Body) {
			t.Fatalf("line %d is %.100q", i, line)
		}
	}
}

func TestReaderIsGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s := DefaultConfig().newSender(w, false, time.UTC)
	if err := s.Send(t.Context(), sendertest.Batch(0, 1)); !errors.Is(err, ErrClosed) || pump.IsPermanent(err) {
		t.Errorf("Send returned %v", err)
	}
}

func TestFormatAndColor(t *testing.T) {
	for name, test := range map[string]struct {
		cfg         Config
		terminal    bool
		noColor     string
		text, color bool
	}{
		"terminal":          {Config{Color: Auto}, true, "", true, true},
		"pipe":              {Config{Color: Auto}, false, "", false, false},
		"text to a pipe":    {Config{Format: Text, Color: Auto}, false, "", true, false},
		"JSON to terminal":  {Config{Format: JSON, Color: Auto}, true, "", false, false},
		"always":            {Config{Format: Text, Color: Always}, false, "1", true, true},
		"never":             {Config{Color: Never}, true, "", true, false},
		"NO_COLOR":          {Config{Color: Auto}, true, "1", true, false},
		"NO_COLOR is empty": {Config{Color: Auto}, true, "", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", test.noColor)
			t.Setenv("TERM", "xterm")
			s, ok := test.cfg.newSender(os.Stdout, test.terminal, time.UTC).(*sender)
			if !ok || (s.text != nil) != test.text || test.text && s.text.color != test.color {
				t.Errorf("%+v", s.text)
			}
		})
	}
}
