package relp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Bounds of a frame. A frame is
//
//	TXNR SP COMMAND SP DATALEN [SP DATA] LF
//
// where TXNR and DATALEN have 1 to 9 digits, COMMAND has 1 to 32 letters, and DATA with the space before it is absent
// when DATALEN is 0.
const (
	maxDigits  = 9
	maxCommand = 32
	maxData    = 64 << 10 // of what a server sends: a code with a text, or its offers
	maxTxnr    = 999_999_999
)

// frame is a frame that a server sent. Its slices are valid until the next one is read.
type frame struct {
	txnr    int
	command []byte
	data    []byte
}

var errFrame = errors.New("the server does not speak RELP")

// reader reads frames.
type reader struct {
	r       *bufio.Reader
	command [maxCommand]byte
	data    []byte
}

// next reads a frame. Its error is io.EOF only if there was nothing any more before the frame's first byte.
func (r *reader) next() (frame, error) {
	if _, err := r.r.Peek(1); err != nil {
		return frame{}, err
	}
	f, err := r.read()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

func (r *reader) read() (f frame, err error) {
	f.txnr, _, err = r.number(' ')
	if err != nil {
		return f, fmt.Errorf("reading a transaction's number: %w", err)
	}
	if f.command, err = r.word(); err != nil {
		return f, fmt.Errorf("reading a command: %w", err)
	}
	// Without data some servers leave out the space after the 0, others don't.
	length, end, err := r.number('\n')
	if err != nil {
		return f, fmt.Errorf("reading a length: %w", err)
	}
	if f.data, err = r.body(length, end); err != nil {
		return f, fmt.Errorf("reading %d bytes of data: %w", length, err)
	}
	return f, nil
}

// number reads a number and the byte after it, which is a space or the other one allowed.
func (r *reader) number(other byte) (n int, end byte, err error) {
	for digits := 0; ; digits++ {
		c, err := r.r.ReadByte()
		switch {
		case err != nil:
			return 0, 0, err
		case digits > 0 && (c == ' ' || c == other):
			return n, c, nil
		case digits == maxDigits || c < '0' || c > '9':
			return 0, 0, errFrame
		}
		n = 10*n + int(c-'0')
	}
}

// word reads a command and the space after it.
func (r *reader) word() ([]byte, error) {
	for n := 0; ; n++ {
		c, err := r.r.ReadByte()
		switch {
		case err != nil:
			return nil, err
		case c == ' ' && n > 0:
			return r.command[:n], nil
		case n == maxCommand || (c|0x20) < 'a' || (c|0x20) > 'z':
			return nil, errFrame
		}
		r.command[n] = c
	}
}

// body reads the data and the line feed after it. end is the byte that has been read after the length.
func (r *reader) body(length int, end byte) ([]byte, error) {
	if end == '\n' {
		if length != 0 {
			return nil, errFrame
		}
		return nil, nil
	}
	if length > maxData {
		return nil, errFrame
	}
	if cap(r.data) < length {
		r.data = make([]byte, length)
	}
	data := r.data[:length]
	if _, err := io.ReadFull(r.r, data); err != nil {
		return nil, err
	}
	c, err := r.r.ReadByte()
	if err == nil && c != '\n' {
		err = errFrame
	}
	return data, err
}

// appendFrame appends a frame to be sent.
func appendFrame(dst []byte, txnr int, command string, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(txnr), 10)
	dst = append(dst, ' ')
	dst = append(dst, command...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(len(data)), 10)
	if len(data) > 0 {
		dst = append(dst, ' ')
		dst = append(dst, data...)
	}
	return append(dst, '\n')
}

// code takes a response's data apart: RSP-CODE [SP HUMANMSG] [LF CMDDATA], a code of three digits.
func code(data []byte) (n int, text string, ok bool) {
	if len(data) < 3 || len(data) > 3 && data[3] != ' ' && data[3] != '\n' {
		return 0, "", false
	}
	for _, c := range data[:3] {
		if c < '0' || c > '9' {
			return 0, "", false
		}
		n = 10*n + int(c-'0')
	}
	if n == ok200 {
		return n, "", true // the text would be garbage a message
	}
	const most = 200
	line := data[3:]
	for i, c := range line {
		if c == '\n' || i == most {
			line = line[:i]
			break
		}
	}
	if len(line) > 0 {
		line = line[1:]
	}
	return n, string(line), true
}

const ok200 = 200
