package pump

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ID128 is a 128-bit ID as systemd uses them for boots, machines, files and sequences.
type ID128 [16]byte

// String returns the ID as 32 lower-case hexadecimal digits.
func (id ID128) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether no bit is set.
func (id ID128) IsZero() bool { return id == ID128{} }

// ParseID128 parses 32 hexadecimal digits; dashes, as in a UUID, are allowed.
func ParseID128(s string) (ID128, error) {
	var id ID128
	if len(s) != 2*len(id) {
		s = strings.ReplaceAll(s, "-", "")
	}
	if len(s) != 2*len(id) {
		return ID128{}, fmt.Errorf("%d hexadecimal digits, want 32", len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID128{}, err
	}
	return id, nil
}

// PositionParts says which parts of a Position are known.
type PositionParts uint8

// The parts of a position. systemd accepts any cursor that has at least a sequence (SeqnumID and Seqnum), a
// monotonic time with its boot, or a realtime; journald itself always writes all of them.
const (
	HasSeqnum PositionParts = 1 << iota
	HasMonotonic
	HasRealtime
	HasXorHash

	HasAll = HasSeqnum | HasMonotonic | HasRealtime | HasXorHash
)

// Cursor names an entry of a log. Two entries of one log never share one, and it outlives the process.
//
// For the journal it is systemd's cursor, see sd_journal_get_cursor(3). Other logs fill SeqnumID with the identity of
// the log and Seqnum with the entry's place in it.
type Cursor struct {
	SeqnumID  ID128
	Seqnum    uint64
	BootID    ID128
	Monotonic uint64 // microseconds since boot
	Realtime  uint64 // microseconds since 1970
	XorHash   uint64
	Parts     PositionParts
}

// Position is a place to read on from: just after the entry that its cursor names. The zero Position lies before every
// entry. It is what the state file keeps. Positions can be compared.
type Position struct {
	Cursor
	// Others, if Whole, is how far all other sequences of the log were read that there are: see SetOthers. Logs of one
	// sequence do without.
	Others string
	Whole  bool
}

// IsZero reports whether c is that of the zero Position.
func (c Cursor) IsZero() bool { return c.Parts == 0 }

// String returns c as systemd prints a cursor, so that `journalctl --after-cursor` takes it; "" for the zero Cursor.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	return string(c.Append(make([]byte, 0, 160)))
}

// Append appends what String returns to b.
func (c Cursor) Append(b []byte) []byte {
	start := len(b)
	begin := func(part string) {
		if len(b) > start {
			b = append(b, ';')
		}
		b = append(b, part...)
	}
	if c.Parts&HasSeqnum != 0 {
		begin("s=")
		b = hex.AppendEncode(b, c.SeqnumID[:])
		b = append(b, ";i="...)
		b = strconv.AppendUint(b, c.Seqnum, 16)
	}
	if c.Parts&HasMonotonic != 0 {
		begin("b=")
		b = hex.AppendEncode(b, c.BootID[:])
		b = append(b, ";m="...)
		b = strconv.AppendUint(b, c.Monotonic, 16)
	}
	if c.Parts&HasRealtime != 0 {
		begin("t=")
		b = strconv.AppendUint(b, c.Realtime, 16)
	}
	if c.Parts&HasXorHash != 0 {
		begin("x=")
		b = strconv.AppendUint(b, c.XorHash, 16)
	}
	return b
}

var errNoPlace = errors.New("names no place: neither a sequence number (s=, i=), nor a monotonic time (b=, m=), nor a realtime (t=)")

// ParsePosition parses a cursor as systemd prints it. Like systemd it takes the parts in any order, ignores unknown
// ones, and wants at least one group that names a place. "" is the zero Position.
func ParsePosition(s string) (Position, error) {
	var p Position
	if s == "" {
		return p, nil
	}
	var seqnumID, seqnum, boot, mono bool
	for part := range strings.SplitSeq(s, ";") {
		key, value, found := strings.Cut(part, "=")
		if !found {
			return Position{}, fmt.Errorf("cursor part %q is not KEY=VALUE", part)
		}
		var err error
		switch key {
		case "s":
			p.SeqnumID, err = ParseID128(value)
			seqnumID = true
		case "i":
			p.Seqnum, err = strconv.ParseUint(value, 16, 64)
			seqnum = true
		case "b":
			p.BootID, err = ParseID128(value)
			boot = true
		case "m":
			p.Monotonic, err = strconv.ParseUint(value, 16, 64)
			mono = true
		case "t":
			p.Realtime, err = strconv.ParseUint(value, 16, 64)
			p.Parts |= HasRealtime
		case "x":
			p.XorHash, err = strconv.ParseUint(value, 16, 64)
			p.Parts |= HasXorHash
		}
		if err != nil {
			return Position{}, fmt.Errorf("cursor part %q: %w", part, err)
		}
	}
	if seqnumID && seqnum {
		p.Parts |= HasSeqnum
	}
	if boot && mono {
		p.Parts |= HasMonotonic
	}
	if p.Parts&^HasXorHash == 0 {
		return Position{}, fmt.Errorf("cursor %q %w", s, errNoPlace)
	}
	return p, nil
}
