package journalfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ulikunitz/xz/lzma"
)

var errXZ = errors.New("xz: damaged, or not as systemd writes it")

// Lengths and constants of the .xz file format, version 1.2 (https://tukaani.org/xz/xz-file-format.txt).
const (
	xzMagic        = "\xfd7zXZ\x00"
	xzStreamHeader = 12
	xzLZMA2        = 0x21
	xzMaxDictByte  = 40
)

// appendXZ decodes the .xz streams that systemd writes: one block, LZMA2 its only filter. Taking the container apart
// here rather than in the library bounds the dictionary: a stream may ask for 4 GiB. Checks are not verified.
func appendXZ(dst, src []byte, limit int) ([]byte, error) {
	dict, lzma2, err := xzBlock(src)
	if err != nil {
		return dst, err
	}
	// No match reaches farther back than the content.
	dict = min(dict, uint64(limit)+lzma.MinDictCap)                                     //nolint:gosec // limit is positive
	r, err := lzma.Reader2Config{DictCap: int(dict)}.NewReader2(bytes.NewReader(lzma2)) //nolint:gosec // about limit at most
	if err != nil {
		return dst, fmt.Errorf("xz: %w", err)
	}
	out, err := appendUpTo(dst, r, limit)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return dst, fmt.Errorf("xz: %w", err)
	}
	return out, err
}

// xzBlock returns the dictionary size and the data of the first block of a stream (sections 2.1.1 and 3.1 of the format).
func xzBlock(src []byte) (dict uint64, lzma2 []byte, err error) {
	if len(src) < xzStreamHeader+2 || string(src[:len(xzMagic)]) != xzMagic {
		return 0, nil, errXZ
	}
	src = src[xzStreamHeader:]
	size := (int(src[0]) + 1) * 4
	if src[0] == 0 || size > len(src) {
		return 0, nil, errXZ
	}
	flags, h := src[1], src[2:size-4] // without the CRC32 at its end
	if flags&^0xc0 != 0 {             // more than one filter, or reserved bits
		return 0, nil, errXZ
	}
	for _, present := range []byte{0x40, 0x80} { // compressed and uncompressed size
		if flags&present != 0 {
			if _, h, err = uvarint(h); err != nil {
				return 0, nil, err
			}
		}
	}
	if len(h) < 3 || h[0] != xzLZMA2 || h[1] != 1 || h[2] > xzMaxDictByte {
		return 0, nil, errXZ
	}
	dict = uint64(2|h[2]&1) << (h[2]/2 + 11) // section 5.3.1
	return dict, src[size:], nil
}

func uvarint(b []byte) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errXZ
	}
	return v, b[n:], nil
}
