package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"journalpump/pump"
)

// The layout of a record batch, https://kafka.apache.org/documentation/#recordbatch, and before it, as a produce request
// has it, its size in bytes. Offsets count from that size.
const (
	sizePrefix      = 4
	atLength        = 12 // of what follows it
	atLeaderEpoch   = 16
	atMagic         = 20
	atCRC           = 21 // CRC-32C of all after it
	atAttributes    = 25
	atLastOffset    = 27
	atFirstTime     = 31
	atMaxTime       = 39
	atProducerID    = 47
	atProducerEpoch = 55
	atSequence      = 57
	atCount         = 61
	batchHeader     = 65
)

// idHeader is the name of the header that holds an entry's stable ID.
const idHeader = "journalpump-id"

// recordOverhead is at most what a record is longer than its key and value: lengths, deltas, and the header with the ID.
const recordOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 1 + 1 + len(idHeader) + 2 + pump.MaxID

// producer is who an idempotent producer is to the brokers.
type producer struct {
	id    int64
	epoch int16
}

// nobody is the producer of batches that are not idempotent.
func nobody() producer { return producer{id: -1, epoch: -1} }

// batchWriter writes one record batch after the other, reusing its memory.
type batchWriter struct {
	codec   codec
	records []byte // of the batch, when they are to be compressed
	out     []byte // sizePrefix and batch
	count   int
	first   int64 // timestamp, milliseconds
	last    int64 // the latest
}

// begin starts a batch.
func (w *batchWriter) begin() {
	w.count, w.first, w.last = 0, 0, 0
	w.records = w.records[:0]
	w.out = append(w.out[:0], make([]byte, batchHeader)...)
}

// buffer is where records are appended to: in place when they stay as they are.
func (w *batchWriter) buffer() *[]byte {
	if w.codec.id == codecNone {
		return &w.out
	}
	return &w.records
}

// size returns how many bytes the batch has before compression.
func (w *batchWriter) size() int {
	if w.codec.id == codecNone {
		return len(w.out)
	}
	return len(w.records) + batchHeader
}

// add appends a record. A nil key is no key.
func (w *batchWriter) add(key []byte, r *pump.Record, at time.Time) {
	ms := at.UnixMilli()
	if w.count == 0 {
		w.first, w.last = ms, ms
	}
	w.last = max(w.last, ms)
	var idMemory [pump.MaxID]byte
	id := r.AppendID(idMemory[:0])
	var headMemory [40]byte
	head := append(headMemory[:0], 0) // attributes, none defined
	head = binary.AppendVarint(head, ms-w.first)
	head = binary.AppendVarint(head, int64(w.count))
	if key == nil {
		head = binary.AppendVarint(head, -1)
	} else {
		head = binary.AppendVarint(head, int64(len(key)))
	}
	length := len(head) + len(key) + varintLen(len(r.Body)) + len(r.Body) +
		1 + varintLen(len(idHeader)) + len(idHeader) + varintLen(len(id)) + len(id)
	b := binary.AppendVarint(*w.buffer(), int64(length))
	b = append(b, head...)
	b = append(b, key...)
	b = binary.AppendVarint(b, int64(len(r.Body)))
	b = append(b, r.Body...)
	b = binary.AppendVarint(b, 1) // header
	b = binary.AppendVarint(b, int64(len(idHeader)))
	b = append(b, idHeader...)
	b = binary.AppendVarint(b, int64(len(id)))
	b = append(b, id...)
	*w.buffer() = b
	w.count++
}

// varintLen returns how long a length is as a varint (zigzag, so twice its value).
func varintLen(n int) int {
	size := 1
	for v := uint64(n) << 1; v >= 0x80; v >>= 7 { //nolint:gosec // lengths are not negative
		size++
	}
	return size
}

// finish compresses the batch and fills in what stands before the records. The result is good until begin.
func (w *batchWriter) finish(p producer, sequence int32) ([]byte, error) {
	if w.codec.id != codecNone {
		var err error
		if w.out, err = w.codec.compress(w.out, w.records); err != nil {
			return nil, err
		}
	}
	b, be := w.out, binary.BigEndian
	be.PutUint32(b, uint32(len(b)-sizePrefix))            //nolint:gosec // far below 2 GiB
	be.PutUint32(b[atLength:], uint32(len(b)-atLength-4)) //nolint:gosec // likewise
	be.PutUint32(b[atLeaderEpoch:], ^uint32(0))           // unknown
	b[atMagic] = 2                                        // the format's version
	be.PutUint16(b[atAttributes:], w.codec.id)
	be.PutUint32(b[atLastOffset:], uint32(w.count-1))  //nolint:gosec // counts
	be.PutUint64(b[atFirstTime:], uint64(w.first))     //nolint:gosec // two's complement
	be.PutUint64(b[atMaxTime:], uint64(w.last))        //nolint:gosec // likewise
	be.PutUint64(b[atProducerID:], uint64(p.id))       //nolint:gosec // likewise
	be.PutUint16(b[atProducerEpoch:], uint16(p.epoch)) //nolint:gosec // likewise
	be.PutUint32(b[atSequence:], uint32(sequence))     //nolint:gosec // likewise
	be.PutUint32(b[atCount:], uint32(w.count))         //nolint:gosec // counts
	be.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], crc32.MakeTable(crc32.Castagnoli)))
	return b, nil
}
