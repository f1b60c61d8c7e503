package relp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

const (
	// window is how many messages may be on their way: enough to hide the time that answers take, few enough that the
	// answers (some 20 bytes each) never fill the buffers of a connection whose client writes before it reads on.
	window = 1024
	// flushAt is how many bytes are collected before they are written.
	flushAt = 64 << 10
)

// offers is what the client says of itself. Servers that are stricter than the specification want exactly these three.
const offers = "relp_version=0\nrelp_software=journalpump\ncommands=syslog"

// Result is what became of a message.
type Result uint8

// The results. What is Unknown may have been taken or not.
const (
	Unknown Result = iota
	Accepted
	Refused
)

// ErrClosing says that the server is about to close the connection, and wants no more messages.
var ErrClosing = errors.New("the server is closing the session")

// RefusedError is a server's answer that is not 200. librelp has only 500, whatever the reason.
type RefusedError struct {
	Code int
	Text string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.Code, e.Text)
}

// Client is a session. It is used by one goroutine at a time. After an error other than RefusedError it is of no use any
// more but to be closed. Whoever owns the connection sets its deadlines.
type Client struct {
	conn net.Conn
	in   reader
	out  []byte
	last int // the number of the last transaction
}

// Open begins a session.
func Open(conn net.Conn) (*Client, error) {
	c := &Client{conn: conn, in: reader{r: bufio.NewReader(conn)}}
	if err := c.ask("open", []byte(offers)); err != nil {
		return nil, fmt.Errorf("opening a RELP session: %w", err)
	}
	f, err := c.answer()
	if err != nil {
		return nil, fmt.Errorf("opening a RELP session: %w", err)
	}
	n, text, ok := code(f.data)
	switch {
	case f.txnr != c.last || !ok:
		return nil, fmt.Errorf("opening a RELP session: %w", errFrame)
	case n != ok200:
		return nil, fmt.Errorf("opening a RELP session: %w", &RefusedError{n, text})
	case !offersSyslog(f.data):
		return nil, errors.New("opening a RELP session: the server does not take syslog messages")
	}
	return c, nil
}

// offersSyslog looks for the command in the server's offers: lines of NAME=VALUE[,VALUE…] after the code's line.
func offersSyslog(data []byte) bool {
	for line := range bytes.Lines(data) {
		if values, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "commands="); ok {
			for value := range strings.SplitSeq(values, ",") {
				if strings.TrimSpace(value) == "syslog" {
					return true
				}
			}
		}
	}
	return false
}

// Send has the messages accepted. It sets a result for each; when it returns nil all are Accepted. A message is at least
// one byte long.
func (c *Client) Send(messages [][]byte, results []Result) error {
	clear(results)
	first := c.next()
	s := exchange{Client: c, messages: messages, results: results, first: first}
	return s.run()
}

// next returns the number of the next transaction. They begin anew after the last that has nine digits.
func (c *Client) next() int {
	if c.last >= maxTxnr {
		return 1
	}
	return c.last + 1
}

// exchange is one call of Send.
type exchange struct {
	*Client
	messages [][]byte
	results  []Result
	first    int // number of the first message's transaction

	written, answered int
	refused           error
}

func (s *exchange) run() error {
	for s.answered < len(s.messages) {
		if err := s.write(); err != nil {
			s.drain()
			return err
		}
		// Half a window is read before more is written, so that writes stay large.
		least := 0
		if s.written < len(s.messages) {
			least = window / 2
		}
		for s.written-s.answered > least {
			if err := s.read(); err != nil {
				return err
			}
		}
	}
	return s.refused
}

// drain reads the answers that came before the connection broke.
func (s *exchange) drain() {
	for s.answered < s.written {
		if s.read() != nil {
			return
		}
	}
}

// write fills the window.
func (s *exchange) write() error {
	s.out = s.out[:0]
	for s.written < len(s.messages) && s.written-s.answered < window {
		s.last = s.next()
		s.out = appendFrame(s.out, s.last, "syslog", s.messages[s.written])
		s.written++
		if len(s.out) >= flushAt {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

func (c *Client) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// read reads an answer. They may come in any order.
func (s *exchange) read() error {
	f, err := s.answer()
	if err != nil {
		return err
	}
	i := f.txnr - s.first
	if i < 0 {
		i += maxTxnr
	}
	n, text, ok := code(f.data)
	if !ok || f.txnr == 0 || i >= s.written || s.results[i] != Unknown {
		return errFrame
	}
	s.answered++
	if n == ok200 {
		s.results[i] = Accepted
		return nil
	}
	s.results[i] = Refused
	s.refused = &RefusedError{n, text}
	return nil
}

func (c *Client) ask(command string, data []byte) error {
	c.last = c.next()
	c.out = appendFrame(c.out[:0], c.last, command, data)
	return c.flush()
}

// answer reads a response; anything else that a server sends is a hint that it closes the session.
func (c *Client) answer() (frame, error) {
	f, err := c.in.next()
	switch {
	case err != nil:
		return f, err
	case string(f.command) == "rsp":
		return f, nil
	case f.txnr == 0 && string(f.command) == "serverclose":
		return f, ErrClosing
	}
	return f, errFrame
}

// Close ends the session, and reads until the server has closed the connection, or its deadline has passed. The connection
// itself remains to be closed.
func (c *Client) Close() error {
	if err := c.ask("close", nil); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c.in.r)
	return err
}
