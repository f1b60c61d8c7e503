package journalfile

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// decompressor undoes the compression of payloads. It keeps its decoder for the next time.
type decompressor struct {
	zstd *zstd.Decoder
	src  []byte
}

var (
	errCompression = errors.New("unknown compression")
	errNoSize      = errors.New("compressed without saying how large it was")
	errShort       = errors.New("decompressed to less than it should")
)

// decompress appends to dst what src decompresses to. If that is more than limit bytes it appends the first limit bytes, and the
// error is ErrTooLarge; any other error says that src is damaged. src may be part of a mapping.
func (d *decompressor) decompress(dst, src []byte, method byte, limit int) ([]byte, error) {
	// A decoder that a fault interrupts is in an unknown state; and they are called once, not once a fault.
	d.src = append(d.src[:0], src...)
	switch method {
	case compressedZSTD:
		return d.unzstd(dst, d.src, limit)
	case compressedLZ4:
		return appendLZ4(dst, d.src, limit)
	case compressedXZ:
		return appendXZ(dst, d.src, limit)
	default:
		return dst, errCompression
	}
}

func (d *decompressor) release() {
	if d.zstd != nil {
		d.zstd.Close()
	}
	*d = decompressor{}
}

// maxZstdRatio bounds how much a byte of ZSTD can stand for: a block of 3 bytes header and 1 byte content repeats that up to
// 128 KiB (RFC 8878, section 3.1.1.2). It keeps a few bytes from reserving hundreds of megabytes.
const maxZstdRatio = 128 << 10 / 4

// unzstd decodes one frame (RFC 8878). Like systemd it wants the frame to say how large the content is.
func (d *decompressor) unzstd(dst, src []byte, limit int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return dst, fmt.Errorf("zstd: %w", err)
	}
	if h.Skippable || !h.HasFCS || h.FrameContentSize > uint64(len(src))*maxZstdRatio {
		return dst, fmt.Errorf("zstd: %w", errNoSize)
	}
	if h.FrameContentSize > uint64(limit) { //nolint:gosec // limit is positive
		return unzstdPrefix(dst, src, limit)
	}
	if d.zstd == nil {
		var err error
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxField), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return dst, fmt.Errorf("zstd: %w", err)
		}
	}
	n := int(h.FrameContentSize) //nolint:gosec // at most limit
	grown := slices.Grow(dst, n)
	out, err := d.zstd.DecodeAll(src, grown[len(dst):len(dst):len(dst)+n])
	if err == nil && len(out) != n {
		err = errShort
	}
	if err != nil {
		return dst, fmt.Errorf("zstd: %w", err)
	}
	return grown[:len(dst)+n], nil
}

// maxZstdWindow is what unzstdPrefix lets a frame make it allocate; systemd's own frames need no more (levels up to 19).
const maxZstdWindow = 8 << 20

// unzstdPrefix appends the first limit bytes of a frame that has more.
func unzstdPrefix(dst, src []byte, limit int) ([]byte, error) {
	r, err := zstd.NewReader(&reader{src}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		return dst, fmt.Errorf("zstd: %w", err)
	}
	defer r.Close()
	out, err := appendUpTo(dst, r, limit)
	if err == nil {
		err = errShort
	}
	if !errors.Is(err, ErrTooLarge) {
		return dst, fmt.Errorf("zstd: %w", err)
	}
	return out, err
}

// reader is the least there is of an io.Reader: a *bytes.Buffer would be decoded at once, however much it is.
type reader struct{ b []byte }

func (r *reader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// appendUpTo appends what r has, up to limit bytes. If there is more the error is ErrTooLarge.
func appendUpTo(dst []byte, r io.Reader, limit int) ([]byte, error) {
	const step = 64 << 10
	end := len(dst) + limit
	for len(dst) < end {
		dst = slices.Grow(dst, min(step, end-len(dst)))
		n, err := r.Read(dst[len(dst):min(cap(dst), end)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n == 0 && err == io.EOF {
		return dst, nil
	}
	return dst, ErrTooLarge
}
