package file

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// gzipPacking makes gzip members, RFC 1952.
type gzipPacking struct{ w *gzip.Writer }

func (*gzipPacking) kind() Compression { return Gzip }

// magic is ID1, ID2 and CM=8, the only method there is: RFC 1952, 2.3.1.
func (*gzipPacking) magic() []byte { return []byte{0x1f, 0x8b, 8} }

func (p *gzipPacking) pack(dst, src []byte) ([]byte, error) {
	if p.w == nil {
		p.w = gzip.NewWriter(nil)
	}
	b := bytes.NewBuffer(dst)
	p.w.Reset(b)
	if _, err := p.w.Write(src); err != nil {
		return dst, err
	}
	err := p.w.Close()
	return b.Bytes(), err
}

func (*gzipPacking) end(r io.ReaderAt, offset, size int64) (int64, error) {
	section := io.NewSectionReader(r, offset, size-offset)
	in := bufio.NewReader(section) // being an io.ByteReader, it is not read past the member's end
	z, err := gzip.NewReader(in)
	if err != nil {
		return 0, err
	}
	z.Multistream(false)
	if _, err := io.Copy(io.Discard, z); err != nil { // checks length and CRC too
		return 0, err
	}
	read, err := section.Seek(0, io.SeekCurrent)
	return offset + read - int64(in.Buffered()), err
}

// zstdPacking makes zstd frames, RFC 8878.
type zstdPacking struct{ e *zstd.Encoder }

func (*zstdPacking) kind() Compression { return Zstd }

// magic is Magic_Number, little-endian: RFC 8878, 3.1.1.
func (*zstdPacking) magic() []byte { return []byte{0x28, 0xb5, 0x2f, 0xfd} }

func (p *zstdPacking) pack(dst, src []byte) ([]byte, error) {
	if p.e == nil {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
		if err != nil {
			return dst, err
		}
		p.e = e
	}
	return p.e.EncodeAll(src, dst), nil
}

func (p *zstdPacking) end(r io.ReaderAt, offset, size int64) (int64, error) {
	end, err := frameEnd(r, offset, size)
	if err != nil {
		return 0, err
	}
	d, err := zstd.NewReader(io.NewSectionReader(r, offset, end-offset),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	if _, err := io.Copy(io.Discard, d); err != nil { // checks the checksum too
		return 0, err
	}
	return end, nil
}

var errFrame = errors.New("no whole zstd frame")

// frameEnd follows the blocks of a frame: RFC 8878, 3.1.1.2.
func frameEnd(r io.ReaderAt, offset, size int64) (int64, error) {
	start, err := readAt(r, offset, min(zstd.HeaderMaxSize, size-offset))
	if err != nil {
		return 0, err
	}
	var header zstd.Header
	if err := header.Decode(start); err != nil {
		return 0, err
	}
	if header.Skippable {
		return 0, errFrame
	}
	at := offset + int64(header.HeaderSize)
	for last := false; !last; {
		b, err := readAt(r, at, 3)
		if err != nil {
			return 0, err
		}
		if len(b) < 3 {
			return 0, errFrame
		}
		block := int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
		last = block&1 != 0
		length := block >> 3
		if kind := block >> 1 & 3; kind == 1 { // RLE_Block: one byte, however often it is repeated
			length = 1
		}
		if at += 3 + length; at > size {
			return 0, errFrame
		}
	}
	if header.HasCheckSum {
		at += 4
	}
	if at > size {
		return 0, errFrame
	}
	return at, nil
}
