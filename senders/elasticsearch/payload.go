package elasticsearch

import (
	"bytes"
	"io"
	"sync/atomic"
)

// payload is the body of a request. The HTTP transport may go on reading it after it has returned the answer, and says by
// closing the reader when it doesn't any more.
type payload struct {
	data    []byte
	readers atomic.Int32
}

// payloadReader reads a payload once.
type payloadReader struct {
	bytes.Reader
	of     *payload
	closed atomic.Bool
}

func (p *payload) open() io.ReadCloser {
	r := &payloadReader{of: p}
	r.Reset(p.data)
	p.readers.Add(1)
	return r
}

// Close implements io.Closer. It may be called several times.
func (r *payloadReader) Close() error {
	if !r.closed.Swap(true) {
		r.of.readers.Add(-1)
	}
	return nil
}

// unused reports whether nobody reads the payload any more, so that its memory may be used again.
func (p *payload) unused() bool { return p.readers.Load() == 0 }
