package secret

import (
	"bytes"

	"journalpump/filters/pattern"
)

// stars stand for what was taken out, however long it is.
const stars = "********"

// Mask explains what Redact does with src, without giving away a secret: masked is src with stars in place of all that is not
// left in the result, and by has the indices of the filters that replaced something. Where Redact changes nothing masked
// is src itself and by is empty. src must be UTF-8.
//
// It is for people to look at, and slower than Redact.
func (f *Filters) Mask(src []byte) (masked []byte, by []int) {
	t := traced{text: src, from: make([]int, len(src))}
	for i := range src {
		t.from[i] = i
	}
	for i := range f.filters {
		pieces, err := f.filters[i].pattern.Pieces(t.text, f.filters[i].replacement)
		if err != nil {
			return []byte(stars), append(by, i)
		}
		if pieces != nil {
			t = t.apply(pieces)
			by = append(by, i)
		}
	}
	if bytes.Equal(t.text, src) {
		return src, nil
	}
	return t.mask(src), by
}

// traced is a text that knows where each of its bytes comes from: an index in the original, or -1.
type traced struct {
	text []byte
	from []int
}

func (t *traced) apply(pieces []pattern.Piece) traced {
	var next traced
	for _, p := range pieces {
		if p.Text == nil {
			next.text = append(next.text, t.text[p.Start:p.End]...)
			next.from = append(next.from, t.from[p.Start:p.End]...)
			continue
		}
		next.text = append(next.text, p.Text...)
		for range p.Text {
			next.from = append(next.from, -1)
		}
	}
	return next
}

// mask returns the original with stars in place of what is not in the text any more.
func (t *traced) mask(src []byte) []byte {
	left := make([]bool, len(src))
	for _, i := range t.from {
		if i >= 0 {
			left[i] = true
		}
	}
	var masked []byte
	for i, c := range src {
		switch {
		case left[i]:
			masked = append(masked, c)
		case i == 0 || left[i-1]:
			masked = append(masked, stars...)
		}
	}
	return bytes.ToValidUTF8(masked, []byte("\uFFFD"))
}
