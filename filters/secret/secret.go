// Package secret replaces secrets in messages before they leave the machine.
package secret

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"journalpump/filters/pattern"
)

// Config is one secret filter: Python's re.sub(pattern, replacement, message).
type Config struct {
	// A regular expression of Python.
	Pattern string `json:"pattern"`
	// What comes in place of each match; \1, \g<1> and \g<name> stand for groups.
	Replacement string `json:"replacement"`
}

// Filters are a reader's secret filters. They may be used concurrently.
type Filters struct {
	filters []filter
	set     *pattern.Set
	buffers sync.Pool // of *buffers
}

type filter struct {
	pattern     *pattern.Pattern
	replacement *pattern.Replacement
	withheld    []byte // what becomes of a message for which the pattern takes too long
}

// buffers is memory for one call of Redact.
type buffers struct {
	candidates []uint64
	text, next []byte
}

// maxBuffer is how many bytes of a buffer are kept for the next call.
const maxBuffer = 64 << 10

// Error says which filter is wrong.
type Error struct {
	Index int    // in the list of filters
	Key   string // "pattern" or "replacement"
	Err   error
}

func (e *Error) Error() string {
	return fmt.Sprintf("secret filter %d: %s: %v", e.Index+1, e.Key, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// New compiles secret filters. Its error joins an *Error for every filter that is wrong.
func New(configs []Config) (*Filters, error) {
	var errs []error
	var patterns []*pattern.Pattern
	f := &Filters{}
	for i, c := range configs {
		p, err := pattern.Compile(c.Pattern)
		if err != nil {
			errs = append(errs, &Error{Index: i, Key: "pattern", Err: err})
			continue
		}
		r, err := pattern.CompileReplacement(p, c.Replacement)
		if err != nil {
			errs = append(errs, &Error{Index: i, Key: "replacement", Err: err})
			continue
		}
		withheld := fmt.Appendf(nil, "[message withheld: secret filter %d timed out]", i+1)
		f.filters = append(f.filters, filter{pattern: p, replacement: r, withheld: withheld})
		patterns = append(patterns, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.set = pattern.NewSet(patterns)
	f.buffers.New = func() any { return &buffers{candidates: make([]uint64, f.set.Words())} }
	return f, nil
}

// Redact applies all filters in order, each to the result of the one before. It returns src itself and false if that
// changes nothing, without allocating unless a filter needs backtracking; else the new text, appended to dst, which must
// not overlap src. src must be UTF-8.
//
// If a filter takes too long, whether there is a secret is not known: the whole text is then replaced.
func (f *Filters) Redact(dst, src []byte) (out []byte, changed bool) {
	b, _ := f.buffers.Get().(*buffers)
	defer f.release(b)
	if !f.set.Candidates(b.candidates, src) {
		return src, false
	}
	text := src
	for i := range f.filters {
		filter := &f.filters[i]
		if changed && !filter.pattern.MayMatch(text) || !changed && b.candidates[i/64]&(1<<(i%64)) == 0 {
			continue
		}
		next, replaced, err := filter.pattern.AppendReplaceAllFiltered(b.next[:0], text, filter.replacement)
		if err != nil {
			return append(dst, filter.withheld...), true
		}
		if replaced {
			b.text, b.next = next, b.text
			text, changed = next, true
		}
	}
	if !changed || bytes.Equal(text, src) {
		return src, false
	}
	return append(dst, text...), true
}

func (f *Filters) release(b *buffers) {
	if cap(b.text) > maxBuffer {
		b.text = nil
	}
	if cap(b.next) > maxBuffer {
		b.next = nil
	}
	f.buffers.Put(b)
}
