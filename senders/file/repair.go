package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxTail is how much of the end of a file is looked at for a line that was cut. Entries are shorter.
const maxTail = 16 << 20

// unsynced is how much may be written before an fsync, and so how far back a power failure may have left holes: parts of a file
// whose size had been written and whose contents had not, while what follows them had. They read as zeros.
func unsynced(p packing) int64 {
	if p == nil {
		return 64 << 20
	}
	return 8 << 20
}

// wholeLines returns where the lines end among the last ones of which no hole is a part; nothing behind a hole was ever synced.
func wholeLines(r io.ReaderAt, size int64) (end int64, err error) {
	hole, err := firstZero(r, max(0, size-unsynced(nil)), size)
	if err != nil || hole == size {
		return size, err
	}
	line, err := lastPiece(r, hole)
	if err != nil {
		return 0, err
	}
	if len(line) > maxTail || len(line) > 0 && line[0] != '{' { // not ours: JSON has no zeros in it
		return size, nil
	}
	return hole - int64(len(line)), nil
}

// firstZero returns where the first zero is; to if there is none.
func firstZero(r io.ReaderAt, from, to int64) (int64, error) {
	for from < to {
		b, err := readAt(r, from, min(searchStep, to-from))
		if err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return from + int64(i), nil
		}
		from += searchStep
	}
	return to, nil
}

// wholePieces returns where the pieces end among the last ones that follow each other without a hole.
func wholePieces(r io.ReaderAt, size int64, p packing) (end int64, err error) {
	end = size
	for at := size; at > max(0, size-unsynced(p)); {
		start, stop, err := lastWhole(r, at, p)
		if err != nil {
			return 0, err
		}
		if stop < at {
			end = stop
		}
		at = start
	}
	return end, nil
}

// lastLine returns where the last whole line of a file ends. complete says that what follows is only lacking its
// newline, or is not ours to cut: what a crash cuts is the beginning of a JSON object, or zeros where a file
// system had made room for it.
func lastLine(r io.ReaderAt, size int64) (end int64, complete bool, err error) {
	tail, err := lastPiece(r, size)
	if err != nil || len(tail) == 0 {
		return size, false, err
	}
	torn := tail[0] == '{' && !json.Valid(tail) || len(bytes.Trim(tail, "\x00")) == 0
	if len(tail) > maxTail || !torn {
		return size - int64(len(tail)), true, nil
	}
	return size - int64(len(tail)), false, nil
}

// lastPiece returns what follows the last newline, or somewhat more than maxTail bytes of it.
func lastPiece(r io.ReaderAt, size int64) ([]byte, error) {
	for length := int64(4096); ; length *= 4 {
		length = min(length, size)
		b, err := readAt(r, size-length, length)
		if err != nil {
			return nil, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return b[i+1:], nil
		}
		if length == size || length > maxTail {
			return b, nil
		}
	}
}

// packing is a way of compressing in which a file is a sequence of pieces that can be decompressed one by one.
type packing interface {
	kind() Compression
	// magic is what every piece begins with.
	magic() []byte
	// pack appends src as one piece to dst.
	pack(dst, src []byte) ([]byte, error)
	// end returns where the piece that begins at the offset ends; an error when there is none, or not all of it.
	end(r io.ReaderAt, offset, size int64) (int64, error)
}

// packings returns all packings; they make their encoders when they need them.
func packings() []packing { return []packing{&gzipPacking{}, &zstdPacking{}} }

// searchStep is how much is searched at once for the beginning of a piece; pieces of ours are seldom larger.
const searchStep = 1 << 20

// lastWhole returns where the last whole piece of a file begins and ends; zero and zero if there is none. It searches backwards
// for something that looks like the beginning of a piece and is one.
func lastWhole(r io.ReaderAt, size int64, p packing) (start, end int64, err error) {
	magic := p.magic()
	for to := size; to > 0; to -= min(to, searchStep) {
		from := max(0, to-searchStep)
		b, err := readAt(r, from, min(to+int64(len(magic))-1, size)-from)
		if err != nil {
			return 0, 0, err
		}
		for i := bytes.LastIndex(b, magic); i >= 0; i = bytes.LastIndex(b[:i+len(magic)-1], magic) {
			if end, err := p.end(r, from+int64(i), size); err == nil {
				return from + int64(i), end, nil
			}
		}
	}
	first, err := readAt(r, 0, min(size, int64(len(magic))))
	if err != nil {
		return 0, 0, err
	}
	if !bytes.HasPrefix(magic, bytes.TrimRight(first, "\x00")) {
		return 0, 0, fmt.Errorf("it is not compressed with %q", p.kind())
	}
	return 0, 0, nil // nothing but the beginning of a first piece, or a hole
}

func readAt(r io.ReaderAt, offset, length int64) ([]byte, error) {
	b := make([]byte, length)
	n, err := r.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}
