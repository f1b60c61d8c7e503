package kafka

import (
	"bytes"
	"fmt"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compression is a way of compressing record batches.
type Compression string

// The ways of compressing. Zstandard, the default, needs brokers of Kafka 2.1 or later.
const (
	Zstd   Compression = "zstd"
	Snappy Compression = "snappy"
	LZ4    Compression = "lz4"
	Gzip   Compression = "gzip"
	None   Compression = "none"
)

// ConfValues implements conf.Enum.
func (Compression) ConfValues() []string {
	return []string{string(Zstd), string(Snappy), string(LZ4), string(Gzip), string(None)}
}

// The numbers of the codecs in a record batch's attributes.
const (
	codecNone   = 0
	codecGzip   = 1
	codecSnappy = 2
	codecLZ4    = 3
	codecZstd   = 4
)

// codec compresses the records of batches.
type codec struct {
	id       uint16
	compress func(dst, src []byte) ([]byte, error) // appends to dst
}

// zstdWindow is as large as a batch may be by default; more would only cost memory.
const zstdWindow = 1 << 20

// newZstd returns an encoder for all workers of a sender. It lets as many compress at once as there are cores.
func newZstd() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false)) // the batch has its own
}

// newCodecs returns what makes a codec for each worker.
func newCodecs(c Compression) (func() codec, error) {
	switch c {
	case Zstd, "":
		encoder, err := newZstd()
		if err != nil {
			return nil, fmt.Errorf("preparing zstd: %w", err)
		}
		shared := codec{codecZstd, func(dst, src []byte) ([]byte, error) { return encoder.EncodeAll(src, dst), nil }}
		return func() codec { return shared }, nil
	case Snappy:
		return func() codec { return codec{codecSnappy, compressSnappy} }, nil
	case LZ4:
		return newLZ4, nil
	case Gzip:
		return newGzip, nil
	case None:
		return func() codec { return codec{id: codecNone} }, nil
	}
	return nil, fmt.Errorf("compression %q is not known", c)
}

// compressSnappy appends one raw snappy block, which Kafka takes as well as snappy-java's frames.
func compressSnappy(dst, src []byte) ([]byte, error) {
	n := len(dst)
	most := s2.MaxEncodedLen(len(src))
	if most < 0 {
		return nil, fmt.Errorf("compressing %d bytes with snappy: too many", len(src))
	}
	dst = grow(dst, most)
	return dst[:n+len(s2.EncodeSnappy(dst[n:n+most], src))], nil
}

// grow returns b with room for n more bytes.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	return append(make([]byte, 0, len(b)+n), b...)
}

func newLZ4() codec {
	w := lz4.NewWriter(nil)
	return codec{codecLZ4, func(dst, src []byte) ([]byte, error) {
		out := bytes.NewBuffer(dst)
		w.Reset(out)
		if _, err := w.Write(src); err != nil {
			return nil, fmt.Errorf("compressing with lz4: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compressing with lz4: %w", err)
		}
		return out.Bytes(), nil
	}}
}

func newGzip() codec {
	w := gzip.NewWriter(nil)
	return codec{codecGzip, func(dst, src []byte) ([]byte, error) {
		out := bytes.NewBuffer(dst)
		w.Reset(out)
		if _, err := w.Write(src); err != nil {
			return nil, fmt.Errorf("compressing with gzip: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compressing with gzip: %w", err)
		}
		return out.Bytes(), nil
	}}
}
