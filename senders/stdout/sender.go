package stdout

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"journalpump/pump"
)

// ErrClosed is returned by Send when what read standard output is gone. It won't come back: the program may as well end.
var ErrClosed = errors.New("standard output is closed: what read it has ended")

type sender struct {
	out  *writer
	text *formatter // nil: JSON
	buf  []byte     // reused
	ends []int      // of the records in buf, reused
	torn bool       // the last line written is not whole
}

// Send writes the records. When the context ends while standard output takes no more, those that were written whole
// are accepted.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	s.buf, s.ends = s.buf[:0], s.ends[:0]
	if s.torn {
		s.buf = append(s.buf, '\n')
	}
	for i := range b.Records {
		if s.text != nil {
			s.buf = s.text.append(s.buf, &b.Records[i])
		} else {
			s.buf = append(append(s.buf, b.Records[i].Body...), '\n')
		}
		s.ends = append(s.ends, len(s.buf))
	}
	n, err := s.out.write(ctx, s.buf)
	if n > 0 {
		s.torn = s.buf[n-1] != '\n'
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EPIPE) {
		err = ErrClosed
	}
	return s.refused(n, fmt.Errorf("writing to standard output: %w", err))
}

// refused says which records were not written.
func (s *sender) refused(written int, err error) error {
	first := 0
	for first < len(s.ends) && s.ends[first] <= written {
		first++
	}
	if first == 0 {
		return err
	}
	p := &pump.PartialError{Errs: make(map[int]error, len(s.ends)-first)}
	for i := first; i < len(s.ends); i++ {
		p.Errs[i] = err
	}
	return p
}

// Close leaves standard output open: it is not the sender's.
func (s *sender) Close() error { return nil }
