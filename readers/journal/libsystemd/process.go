package libsystemd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ChildCommand is the hidden subcommand that must call ChildMain.
const ChildCommand = "__libsystemd"

// errChild marks what is wrong with the child process rather than with the journal: it crashed, hangs or talks
// nonsense. Another one may do better.
var errChild = errors.New("libsystemd child")

// errAnswer marks an error that libsystemd returned.
var errAnswer = errors.New("libsystemd")

// process is a running child. It is used by one goroutine at a time.
type process struct {
	cmd      *exec.Cmd
	requests *os.File
	replies  *os.File
	complaint
	request []byte
	reply   partialFrame
	owed    bool // the reply to a request that the agent stopped waiting for is still to come
}

// startProcess starts a child. It dies with the agent, even if it hangs.
func startProcess(executable string, environment []string) (*process, error) {
	childIn, requests, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the libsystemd child: %w", err)
	}
	replies, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the libsystemd child: %w", err), childIn.Close(), requests.Close())
	}
	// A whole reply fits, mostly, so that the child does not wait for the agent. Without it things are slower, no more.
	if conn, err := replies.SyscallConn(); err == nil { // Fd would make it blocking, and deadlines useless
		_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
	}

	p := &process{requests: requests, replies: replies}
	p.cmd = exec.Command(executable, ChildCommand) //nolint:noctx // until kill
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = childIn, childOut, &p.complaint
	p.cmd.Env = environment
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.WaitDelay = time.Second
	err = p.cmd.Start()
	err = errors.Join(err, childIn.Close(), childOut.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the libsystemd child: %w", err), requests.Close(), replies.Close())
	}
	return p, nil
}

// kill ends the child, whatever it is doing, and waits for that. It returns how it ended and what it last said.
func (p *process) kill() error {
	_ = p.cmd.Process.Kill() // fails only if it has ended
	err := p.cmd.Wait()
	_ = p.requests.Close()
	_ = p.replies.Close()
	if said := p.text(); said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// call sends a request and returns the payload of the reply, which must be of the kind wanted. Its errors are
// the context's, after which the child may be called again, errChild, after which it must be killed, and errAnswer.
func (p *process) call(ctx context.Context, limit time.Duration, ask kind, body func([]byte) []byte, want kind) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.owed {
		if _, _, err := p.receive(ctx, limit); err != nil {
			return nil, err
		}
	}
	p.request = beginFrame(p.request, ask)
	if body != nil {
		p.request = body(p.request)
	}
	if err := p.requests.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return nil, fmt.Errorf("%w: %w", errChild, err)
	}
	if _, err := p.requests.Write(endFrame(p.request)); err != nil {
		return nil, fmt.Errorf("%w: sending a request: %w", errChild, err)
	}
	p.owed = true
	got, payload, err := p.receive(ctx, limit)
	if err != nil {
		return nil, err
	}
	if got == sayError {
		d := decoder{rest: payload}
		return nil, fmt.Errorf("%w: %s", errAnswer, d.text())
	}
	if got != want {
		return nil, fmt.Errorf("%w: answered %q with %q", errChild, ask, got)
	}
	return payload, nil
}

// receive waits for the reply that is owed.
func (p *process) receive(ctx context.Context, limit time.Duration) (kind, []byte, error) {
	if err := p.replies.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errChild, err)
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = p.replies.SetReadDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	k, payload, err := p.reply.read(p.replies)
	if !stop() {
		<-interrupted // or it would cut the next call short
	}
	switch {
	case err == nil:
		p.owed = false
		return k, payload, nil
	case ctx.Err() != nil:
		return 0, nil, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, nil, fmt.Errorf("%w: no answer within %v", errChild, limit)
	}
	return 0, nil, fmt.Errorf("%w: reading its reply: %w", errChild, err)
}

// partialFrame is a frame that arrives in pieces, between which the reader may have been interrupted.
type partialFrame struct {
	head    [frameHead]byte
	have    int // bytes of head
	payload []byte
}

const growth = 1 << 20 // memory is set aside for what has come and so much more, whatever length the head claims

// read goes on until the frame is whole or the reader fails. The payload belongs to the caller.
func (f *partialFrame) read(r io.Reader) (kind, []byte, error) {
	for f.have < frameHead {
		n, err := r.Read(f.head[f.have:])
		f.have += n
		if err != nil {
			return 0, nil, err
		}
	}
	length := binary.LittleEndian.Uint32(f.head[:])
	if length > maxFrame {
		return 0, nil, fmt.Errorf("%w: %d bytes", errMalformed, length)
	}
	size := int(length)
	for len(f.payload) < size {
		if len(f.payload) == cap(f.payload) {
			grown := make([]byte, len(f.payload), min(size, 2*len(f.payload)+growth))
			copy(grown, f.payload)
			f.payload = grown
		}
		n, err := r.Read(f.payload[len(f.payload):cap(f.payload)])
		f.payload = f.payload[:len(f.payload)+n]
		if err != nil {
			return 0, nil, err
		}
	}
	k, payload := kind(f.head[4]), f.payload
	*f = partialFrame{}
	return k, payload, nil
}

// complaint keeps the beginning of what the child writes to standard error: of a crash of Go, the reason.
type complaint struct{ said []byte }

const maxComplaint = 400

func (c *complaint) Write(b []byte) (int, error) {
	if room := maxComplaint - len(c.said); room > 0 {
		c.said = append(c.said, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// text returns it as one line. The child must have ended.
func (c *complaint) text() string { return strings.Join(strings.Fields(string(c.said)), " ") }
