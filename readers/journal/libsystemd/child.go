//go:build cgo && linux

package libsystemd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"journalpump/pump"
)

const builtIn = true

// ChildMain is the program's child: it answers the requests that come in until there are no more, and returns the exit
// status. See docs/adr/0004.
func ChildMain(in, out *os.File) int {
	// A terminal's or a service manager's signals are for the agent, which may still want to read.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := serve(in, out, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hook is called with the position of each entry before its fields are read. Tests crash in it.
type hook func(pump.Position)

// serve answers requests from in on out until in ends. All calls of libsystemd come from one thread.
func serve(in io.Reader, out io.Writer, before hook) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := newChild(before)
	if err != nil {
		return err
	}
	defer c.close()
	requests := bufio.NewReader(in)
	var head [frameHead]byte
	var payload []byte
	for {
		if _, err := io.ReadFull(requests, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // the agent has gone
			}
			return fmt.Errorf("reading a request: %w", err)
		}
		size := binary.LittleEndian.Uint32(head[:])
		if size > maxFrame {
			return fmt.Errorf("a request of %d bytes", size)
		}
		if uint32(cap(payload)) < size { //nolint:gosec // a capacity of at most maxFrame
			payload = make([]byte, size)
		}
		payload = payload[:size]
		if _, err := io.ReadFull(requests, payload); err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		if _, err := out.Write(c.answer(kind(head[4]), payload)); err != nil {
			return fmt.Errorf("writing a reply: %w", err)
		}
	}
}

// child is the state of the child process: at most one open journal.
type child struct {
	handle   *handle // nil while nothing is open
	data     *dataReader
	numbers  *numbering
	unlinked unlinked
	frame    entriesFrame
	reply    []byte
	before   hook
}

func newChild(before hook) (*child, error) {
	data, err := newDataReader()
	if err != nil {
		return nil, err
	}
	if before == nil {
		before = func(pump.Position) {}
	}
	return &child{data: data, numbers: newNumbering(), before: before}, nil
}

func (c *child) close() {
	c.closeHandle()
	c.data.close()
}

func (c *child) closeHandle() {
	if c.handle != nil {
		c.handle.close()
		c.handle = nil
	}
}

var errNotOpen = errors.New("no journal is open")

// answer returns the frame of the reply, which is valid until the next call.
func (c *child) answer(k kind, payload []byte) []byte {
	reply, err := c.handleRequest(k, payload)
	if err != nil {
		reply = appendString(beginFrame(c.reply, sayError), err.Error())
	}
	c.reply = reply
	return endFrame(reply)
}

func (c *child) handleRequest(k kind, payload []byte) ([]byte, error) {
	if c.handle == nil && k != askOpen && k != askProbe {
		return nil, errNotOpen
	}
	switch k {
	case askOpen:
		return c.open(payload)
	case askProbe:
		return c.probe(string(payload))
	case askRead:
		return c.read(payload)
	case askWait:
		return c.wait(payload)
	case askTail:
		return c.position(c.handle.tail())
	case askBefore:
		var r placeRequest
		if err := r.decode(payload); err != nil {
			return nil, err
		}
		if r.boot.IsZero() {
			return c.position(c.handle.beforeTime(r.usec))
		}
		return c.position(c.handle.beforeBootTime(r.boot, r.usec))
	default:
		return nil, fmt.Errorf("unknown request %q", k)
	}
}

func (c *child) position(p pump.Position, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return appendPosition(beginFrame(c.reply, sayPosition), &p), nil
}

func (c *child) open(payload []byte) ([]byte, error) {
	var request openRequest
	if err := request.decode(payload); err != nil {
		return nil, err
	}
	c.closeHandle()
	h, refused, err := openHandle(request.files)
	if err != nil {
		return nil, err
	}
	reply := openReply{refused: refused}
	if h != nil {
		c.handle = h
		if request.leap == (leap{}) { // else what libsystemd does not survive may be just there
			if reply.anchor, reply.next, err = h.find(request.after); err != nil {
				return nil, err
			}
		}
		if err := h.addUnits(request.units); err != nil {
			return nil, err
		}
		if err := h.seekPast(request.after, request.leap); err != nil {
			return nil, err
		}
	}
	return reply.append(beginFrame(c.reply, sayOpen)), nil
}

// probe reads some of a file. That it cannot is no matter; that the child is still there is the answer.
func (c *child) probe(path string) ([]byte, error) {
	if h, _, err := openHandle([]string{path}); err == nil && h != nil {
		_ = h.probe(c.data)
		h.close()
	}
	return beginFrame(c.reply, sayDone), nil
}

func (c *child) wait(payload []byte) ([]byte, error) {
	d := decoder{rest: payload}
	usec := d.number()
	if err := d.end("request to wait"); err != nil {
		return nil, err
	}
	changed, err := c.handle.changed(time.Duration(usec) * time.Microsecond) //nolint:gosec // the agent's own number
	if err != nil {
		return nil, err
	}
	reply := beginFrame(c.reply, sayWait)
	if changed {
		return append(reply, 1), nil
	}
	return append(reply, 0), nil
}
