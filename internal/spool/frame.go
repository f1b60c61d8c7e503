package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrCorrupt is wrapped by errors about records that are not what was written.
var ErrCorrupt = errors.New("damaged record")

const (
	headSize = 24
	// maxMeta and maxBody bound what is believed of a frame's head, and what may be appended.
	maxMeta = 1 << 20
	maxBody = 1 << 30
)

// head is the beginning of a frame.
type head struct {
	number   uint64
	meta     int
	body     int
	checksum uint32 // of the body
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // made once, by crc32

// appendHead appends the head of a frame and its meta data.
func appendHead(b []byte, number uint64, meta, body []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(meta))) //nolint:gosec // at most maxMeta
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body))) //nolint:gosec // at most maxBody
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(body, castagnoli()))
	b = append(b, meta...)
	binary.LittleEndian.PutUint32(b[start:], crc32.Checksum(b[start+4:], castagnoli()))
	return b
}

// readHead reads the head of the frame at off and its meta data; the frame ends within size. Its error wraps ErrCorrupt
// unless reading failed.
func readHead(r io.ReaderAt, off, size int64) (h head, meta []byte, err error) {
	var fixed [headSize]byte
	if size-off < headSize {
		return head{}, nil, fmt.Errorf("%w: its head is cut off", ErrCorrupt)
	}
	if _, err := r.ReadAt(fixed[:], off); err != nil {
		return head{}, nil, err
	}
	lenMeta, lenBody := int64(binary.LittleEndian.Uint32(fixed[12:])), int64(binary.LittleEndian.Uint32(fixed[16:]))
	if lenMeta > maxMeta || lenBody > maxBody || headSize+lenMeta+lenBody > size-off {
		return head{}, nil, fmt.Errorf("%w: it is longer than its file", ErrCorrupt)
	}
	h = head{
		number:   binary.LittleEndian.Uint64(fixed[4:]),
		meta:     int(lenMeta),
		body:     int(lenBody),
		checksum: binary.LittleEndian.Uint32(fixed[20:]),
	}
	meta = make([]byte, h.meta)
	if _, err := r.ReadAt(meta, off+headSize); err != nil {
		return head{}, nil, err
	}
	sum := crc32.Update(crc32.Checksum(fixed[4:], castagnoli()), castagnoli(), meta)
	if sum != binary.LittleEndian.Uint32(fixed[:]) {
		return head{}, nil, fmt.Errorf("%w: the checksum of its head is wrong", ErrCorrupt)
	}
	return h, meta, nil
}

// readBody reads a body into buf, which grows as needed, and checks it.
func readBody(r io.ReaderAt, rec *Record, buf []byte) ([]byte, error) {
	if cap(buf) < rec.body {
		buf = make([]byte, rec.body)
	}
	buf = buf[:rec.body]
	if n, err := r.ReadAt(buf, rec.off+headSize+int64(len(rec.Meta))); n < len(buf) {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: its body is cut off", ErrCorrupt)
		}
		return nil, err
	}
	if crc32.Checksum(buf, castagnoli()) != rec.checksum {
		return nil, fmt.Errorf("%w: the checksum of its body is wrong", ErrCorrupt)
	}
	return buf, nil
}

// scan finds the records of a segment, whose first one has the number first. Its error says why it ended before size.
func scan(r io.ReaderAt, size int64, first uint64) (records []Record, err error) {
	for off := int64(0); off < size; {
		h, meta, err := readHead(r, off, size)
		if err != nil {
			return records, err
		}
		if want := first + uint64(len(records)); h.number != want {
			return records, fmt.Errorf("%w: its number is %d where %d is expected", ErrCorrupt, h.number, want)
		}
		rec := Record{Number: h.number, Meta: meta, off: off, body: h.body, checksum: h.checksum}
		records = append(records, rec)
		off = rec.end()
	}
	return records, nil
}
