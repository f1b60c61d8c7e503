package libsystemd

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

const (
	internMax   = 1 << 10 // longer fields are not numbered
	internLimit = 8 << 20 // bytes of numbered fields, about; then numbering starts again
	seenSlots   = 1 << 16
)

// numbering is the child's side of the field numbers. libsystemd does not say which fields are the same DATA object,
// so they are told by content. A field gets a number when it is met a second time: most of those met once, such as
// messages, are never met again.
type numbering struct {
	numbers map[uint64]uint32 // by hash of the content
	content [][]byte
	bytes   int
	seen    []uint64 // hashes of fields met once; a slot each, the newer wins
}

func newNumbering() *numbering {
	return &numbering{numbers: make(map[uint64]uint32), seen: make([]uint64, seenSlots)}
}

func (n *numbering) full() bool { return n.bytes > internLimit }

func (n *numbering) forget() {
	clear(n.numbers)
	n.content, n.bytes = nil, 0
}

// add writes a field of the entry that w has begun.
func (n *numbering) add(w *entriesFrame, data []byte) {
	if len(data) > internMax {
		w.own(tagOwn, data)
		return
	}
	hash := xxhash.Sum64(data)
	if number, ok := n.numbers[hash]; ok {
		if bytes.Equal(n.content[number], data) {
			w.known(uint64(number))
		} else {
			w.own(tagOwn, data)
		}
		return
	}
	slot := &n.seen[hash%seenSlots]
	if *slot != hash {
		*slot = hash
		w.own(tagOwn, data)
		return
	}
	n.numbers[hash] = uint32(len(n.content)) //nolint:gosec // bounded by internLimit
	n.content = append(n.content, bytes.Clone(data))
	n.bytes += len(data) + 100 // 100: what the map and the slice take for it
	w.own(tagDefine, data)
}
