package journal

import (
	"hash/maphash"

	"journalpump/pump"
)

// sharedTable finds the Ref of a field of the Dict by its text, NAME=value. It is an open-addressing hash table whose slots hold
// all that tells a field from others but the text itself: a lookup is a hash of the text and, nearly always, two cache lines.
type sharedTable struct {
	slots []sharedSlot
	n     int
	seed  maphash.Seed // drawn for each table: fields that nobody can choose so that their hashes are alike
}

type sharedSlot struct {
	text string // "": empty
	hash uint32
	ref  pump.Ref
}

const firstShared = 1 << 10 // slots

func newSharedTable() sharedTable {
	return sharedTable{slots: make([]sharedSlot, firstShared), seed: maphash.MakeSeed()}
}

// hash returns what get and put want to know of a field, which is not empty.
func (t *sharedTable) hash(field []byte) uint32 { return uint32(maphash.Bytes(t.seed, field) >> 32) }

// get returns the Ref of a field.
func (t *sharedTable) get(field []byte, hash uint32) (pump.Ref, bool) {
	mask := len(t.slots) - 1
	for i := int(hash); ; i++ {
		s := &t.slots[i&mask]
		if s.hash == hash && s.text == string(field) {
			return s.ref, true
		}
		if s.text == "" {
			return 0, false
		}
	}
}

// put adds a field that is not in the table. Its text must never change.
func (t *sharedTable) put(text string, hash uint32, ref pump.Ref) {
	if 2*(t.n+1) > len(t.slots) {
		t.grow()
	}
	t.insert(sharedSlot{text, hash, ref})
	t.n++
}

func (t *sharedTable) insert(s sharedSlot) {
	mask := len(t.slots) - 1
	i := int(s.hash)
	for t.slots[i&mask].text != "" {
		i++
	}
	t.slots[i&mask] = s
}

func (t *sharedTable) grow() {
	old := t.slots
	t.slots = make([]sharedSlot, 2*len(old))
	for i := range old {
		if old[i].text != "" {
			t.insert(old[i])
		}
	}
}
