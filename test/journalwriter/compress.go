package journalwriter

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// compressor makes what systemd's own compressors make. The zero one is ready.
type compressor struct {
	zstd *zstd.Encoder
	lz4  lz4.Compressor
}

// compress returns nil if b cannot be made smaller.
func (c *compressor) compress(method Compression, b []byte) ([]byte, error) {
	switch method {
	case ZSTD: // one frame that states its content size
		if c.zstd == nil {
			e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithSingleSegment(true))
			if err != nil {
				return nil, err
			}
			c.zstd = e
		}
		return c.zstd.EncodeAll(b, nil), nil
	case LZ4: // 64 bits of size, then one block
		out := make([]byte, 8+lz4.CompressBlockBound(len(b)))
		binary.LittleEndian.PutUint64(out, uint64(len(b)))
		n, err := c.lz4.CompressBlock(b, out[8:])
		if err != nil || n == 0 {
			return nil, err
		}
		return out[:8+n], nil
	case XZ: // a stream without checksum
		var out bytes.Buffer
		e, err := xz.WriterConfig{DictCap: 1 << 20, CheckSum: xz.None, NoCheckSum: true}.NewWriter(&out)
		if err != nil {
			return nil, err
		}
		if _, err := e.Write(b); err != nil {
			return nil, err
		}
		if err := e.Close(); err != nil {
			return nil, err
		}
		return out.Bytes(), nil
	case None:
	}
	return nil, nil
}
