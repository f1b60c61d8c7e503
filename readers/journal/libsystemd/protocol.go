package libsystemd

import (
	"encoding/binary"
	"errors"
	"fmt"

	"journalpump/pump"
)

// The protocol between the agent and its child: the agent sends one request at a time, the child answers each with
// one reply. Both are frames: the length of the payload (4 bytes, little endian), the kind (1 byte), the payload.
// Numbers in payloads are unsigned varints, byte strings have their length before them. Both ends are the same binary,
// but the child runs C code on damaged files, so the agent believes nothing: every length is checked.

const (
	frameHead    = 5
	maxFrame     = 512 << 20
	maxField     = 64 << 20  // longer values are cut
	maxEntryData = 256 << 20 // of an entry with more than that the rest of the fields is dropped
)

type kind byte

// Requests.
const (
	askOpen   kind = 'O' // openRequest -> openReply: opens files and goes to a position
	askRead   kind = 'R' // readRequest -> entries: see entries.go
	askWait   kind = 'W' // microseconds -> changed or not
	askTail   kind = 'T' // nothing -> position of the last entry
	askBefore kind = 'B' // placeRequest -> position of the last entry before a place
	askProbe  kind = 'P' // path -> nothing: reads a file's first and last entry, to see whether that is survived
)

// Replies.
const (
	sayOpen     kind = 'o'
	sayEntries  kind = 'r'
	sayWait     kind = 'w'
	sayPosition kind = 'p'
	sayDone     kind = 'd'
	sayError    kind = 'e' // text
)

var errMalformed = errors.New("malformed message from the libsystemd child")

// beginFrame starts a frame of the kind in b, which is overwritten; endFrame completes it.
func beginFrame(b []byte, k kind) []byte { return append(b[:0], 0, 0, 0, 0, byte(k)) }

func endFrame(b []byte) []byte {
	binary.LittleEndian.PutUint32(b, uint32(len(b)-frameHead)) //nolint:gosec // bounded by maxEntryData and the batch's limits
	return b
}

func appendString[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendStrings(b []byte, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = appendString(b, s)
	}
	return b
}

const positionSize = 1 + 16 + 8 + 16 + 8 + 8 + 8

func appendPosition(b []byte, p *pump.Position) []byte {
	b = append(b, byte(p.Parts))
	b = append(b, p.SeqnumID[:]...)
	b = binary.LittleEndian.AppendUint64(b, p.Seqnum)
	b = append(b, p.BootID[:]...)
	b = binary.LittleEndian.AppendUint64(b, p.Monotonic)
	b = binary.LittleEndian.AppendUint64(b, p.Realtime)
	return binary.LittleEndian.AppendUint64(b, p.XorHash)
}

// decoder takes a payload apart. After the first thing that is not there, everything is zero and bad is set.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) fail() {
	d.bad = true
	d.rest = nil
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count returns a number of things that each take at least min bytes, so that no more can follow than are there.
func (d *decoder) count(size uint64) int {
	n := d.number()
	if n > uint64(len(d.rest))/size {
		d.fail()
		return 0
	}
	return int(n) //nolint:gosec // at most the length of a slice
}

func (d *decoder) bytes() []byte { return d.take(d.number()) }

func (d *decoder) text() string { return string(d.bytes()) }

func (d *decoder) texts() []string {
	n := d.count(1)
	all := make([]string, 0, n)
	for range n {
		all = append(all, d.text())
	}
	return all
}

func (d *decoder) octet() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) position() (p pump.Position) {
	b := d.take(positionSize)
	if b == nil {
		return p
	}
	p.Parts = pump.PositionParts(b[0])
	copy(p.SeqnumID[:], b[1:])
	p.Seqnum = binary.LittleEndian.Uint64(b[17:])
	copy(p.BootID[:], b[25:])
	p.Monotonic = binary.LittleEndian.Uint64(b[41:])
	p.Realtime = binary.LittleEndian.Uint64(b[49:])
	p.XorHash = binary.LittleEndian.Uint64(b[57:])
	return p
}

// end returns an error if something was missing or is left over.
func (d *decoder) end(what string) error {
	if d.bad || len(d.rest) > 0 {
		return fmt.Errorf("%w: %s", errMalformed, what)
	}
	return nil
}

// leap says how to get past something that libsystemd does not survive reading.
type leap struct {
	entries  uint64 // so many entries after the position are not looked at
	realtime uint64 // if not zero: start at the first entry since then, in microseconds since 1970
}

type openRequest struct {
	files []string
	units []string // exact names; none: all entries
	after pump.Position
	leap  leap
}

func (r *openRequest) append(b []byte) []byte {
	b = appendStrings(b, r.files)
	b = appendStrings(b, r.units)
	b = appendPosition(b, &r.after)
	b = binary.AppendUvarint(b, r.leap.entries)
	return binary.AppendUvarint(b, r.leap.realtime)
}

func (r *openRequest) decode(payload []byte) error {
	d := decoder{rest: payload}
	r.files, r.units, r.after = d.texts(), d.texts(), d.position()
	r.leap = leap{entries: d.number(), realtime: d.number()}
	return d.end("request to open")
}

// anchor says what became of the entry that a position names.
type anchor byte

const (
	anchorNone  anchor = iota // the position is the head, or there is nothing at or after it
	anchorFound               // it is still there
	anchorGone                // it is not; openReply.next is the first entry after it
)

type openReply struct {
	refused []refusal
	anchor  anchor
	next    pump.Position
}

// refusal is a file that libsystemd does not open.
type refusal struct{ path, reason string }

func (r *openReply) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.refused)))
	for _, f := range r.refused {
		b = appendString(b, f.path)
		b = appendString(b, f.reason)
	}
	b = append(b, byte(r.anchor))
	return appendPosition(b, &r.next)
}

func (r *openReply) decode(payload []byte) error {
	d := decoder{rest: payload}
	n := d.count(2)
	for range n {
		r.refused = append(r.refused, refusal{d.text(), d.text()})
	}
	r.anchor, r.next = anchor(d.octet()), d.position()
	return d.end("reply about opening")
}

// readRequest asks for entries until there are so many, or of so many bytes together.
type readRequest struct{ entries, bytes uint64 }

func (r *readRequest) append(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, r.entries), r.bytes)
}

func (r *readRequest) decode(payload []byte) error {
	d := decoder{rest: payload}
	r.entries, r.bytes = d.number(), d.number()
	return d.end("request to read")
}

// placeRequest names a place that is not an entry's: a time of the clock, or a time of a boot if that is given.
type placeRequest struct {
	boot pump.ID128
	usec uint64
}

func (r *placeRequest) append(b []byte) []byte {
	return binary.AppendUvarint(append(b, r.boot[:]...), r.usec)
}

func (r *placeRequest) decode(payload []byte) error {
	d := decoder{rest: payload}
	copy(r.boot[:], d.take(uint64(len(r.boot))))
	r.usec = d.number()
	return d.end("request for a place")
}
