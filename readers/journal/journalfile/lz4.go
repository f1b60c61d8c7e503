package journalfile

import (
	"encoding/binary"
	"errors"
	"slices"
)

var errLZ4 = errors.New("lz4: damaged")

// maxLZ4Ratio bounds how much a byte of LZ4 can stand for: one of a match's length is 255.
const maxLZ4Ratio = 255

// appendLZ4 decodes what systemd stores for LZ4: the size of the content in 64 bits, then one block ("LZ4 Block Format
// Description"). They are rare, as systemd prefers ZSTD since 246, so plain code does; and it can stop after limit bytes,
// with ErrTooLarge, which the libraries can't.
func appendLZ4(dst, src []byte, limit int) ([]byte, error) {
	if len(src) < 8 {
		return dst, errLZ4
	}
	size, src := binary.LittleEndian.Uint64(src), src[8:]
	if size > uint64(len(src))*maxLZ4Ratio {
		return dst, errLZ4
	}
	n := int(min(size, uint64(limit))) //nolint:gosec // limit is positive
	d := lz4Block{src: src, start: len(dst), end: len(dst) + n}
	d.dst = slices.Grow(dst, n)
	complete, ok := d.decode()
	switch {
	case !ok || complete && uint64(n) != size || len(d.dst) != d.end:
		return dst, errLZ4
	case uint64(n) < size:
		return d.dst, ErrTooLarge
	case !complete:
		return dst, errLZ4 // more than it said
	default:
		return d.dst, nil
	}
}

// lz4Block decodes a block into dst, from index start to at most end.
type lz4Block struct {
	src, dst   []byte
	start, end int
}

// decode decodes sequences, each some literals and then a match, until the block is complete or dst is full.
func (d *lz4Block) decode() (complete, ok bool) {
	for {
		if len(d.src) == 0 {
			return false, false
		}
		token := d.src[0]
		d.src = d.src[1:]
		full, ok := d.literals(int(token >> 4))
		if !ok || full {
			return false, ok
		}
		if len(d.src) == 0 { // the last sequence has no match
			return true, true
		}
		if full, ok = d.match(int(token & 15)); !ok || full {
			return false, ok
		}
	}
}

func (d *lz4Block) literals(n int) (full, ok bool) {
	if n, ok = d.length(n); !ok || n > len(d.src) {
		return false, false
	}
	room := d.end - len(d.dst)
	d.dst = append(d.dst, d.src[:min(n, room)]...)
	d.src = d.src[n:]
	return n > room, true
}

func (d *lz4Block) match(n int) (full, ok bool) {
	if len(d.src) < 2 {
		return false, false
	}
	back := int(binary.LittleEndian.Uint16(d.src))
	d.src = d.src[2:]
	if n, ok = d.length(n); !ok || back == 0 || back > len(d.dst)-d.start {
		return false, false
	}
	n += 4
	room := d.end - len(d.dst)
	full = n > room
	for n = min(n, room); n > 0; { // a match may overlap what it makes
		from := len(d.dst) - back
		k := min(n, back)
		d.dst = append(d.dst, d.dst[from:from+k]...)
		n -= k
		back += k // what was just made repeats it
	}
	return full, true
}

// length adds the bytes that follow to a length of 15.
func (d *lz4Block) length(n int) (_ int, ok bool) {
	if n < 15 {
		return n, true
	}
	for len(d.src) > 0 {
		b := d.src[0]
		d.src = d.src[1:]
		n += int(b)
		if b < 255 {
			return n, true
		}
	}
	return 0, false
}
