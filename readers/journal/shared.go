package journal

import (
	"hash/maphash"

	"journalpump/pump"
)

// sharedTable knows the fields of the Dict: by their text, NAME=value, and by what was read before them.
//
// By text it is an open-addressing hash table. That costs a hash of the text and, nearly always, a cache line each for slot, field and
// text. Yet where files are small most of what is read is known from the files before, and comes as it came there: after _COMM there
// is _EXE of the same program. So each field remembers which one was read after it the last time.
type sharedTable struct {
	slots  []sharedSlot
	fields []sharedField // by Ref
	seed   maphash.Seed  // drawn for each table: nobody can choose fields whose hashes are alike

	last     pump.Ref // was read last
	afterOwn pump.Ref // was read after the last one that is not of the Dict
}

type sharedSlot struct {
	hash  uint32
	place uint32 // in fields, from 1 on; 0: empty
}

type sharedField struct {
	text  string
	name  *fieldName
	after pump.Ref // was read after it; one that is not of the Dict stands for all of these
}

const firstShared = 1 << 10 // slots

func newSharedTable() sharedTable {
	return sharedTable{slots: make([]sharedSlot, firstShared), seed: maphash.MakeSeed(), last: pump.OwnRef(0), afterOwn: pump.OwnRef(0)}
}

// hash returns what get and put want to know of a field, which is not empty.
func (t *sharedTable) hash(field []byte) uint32 { return uint32(maphash.Bytes(t.seed, field) >> 32) }

// get returns the Ref of a field.
func (t *sharedTable) get(field []byte, hash uint32) (pump.Ref, bool) {
	mask := len(t.slots) - 1
	for i := int(hash); ; i++ {
		s := &t.slots[i&mask]
		if s.place == 0 {
			return 0, false
		}
		if s.hash == hash && t.fields[s.place-1].text == string(field) {
			return pump.Ref(s.place - 1), true
		}
	}
}

// put adds a field that is not in the table, which gets the next Ref. Its text must never change.
func (t *sharedTable) put(text string, hash uint32, name *fieldName) {
	t.fields = append(t.fields, sharedField{text: text, name: name, after: pump.OwnRef(0)})
	if 2*len(t.fields) > len(t.slots) {
		t.grow()
	}
	t.insert(sharedSlot{hash, uint32(len(t.fields))}) //nolint:gosec // bounded by the Dict's
}

func (t *sharedTable) insert(s sharedSlot) {
	mask := len(t.slots) - 1
	i := int(s.hash)
	for t.slots[i&mask].place != 0 {
		i++
	}
	t.slots[i&mask] = s
}

func (t *sharedTable) grow() {
	old := t.slots
	t.slots = make([]sharedSlot, 2*len(old))
	for _, s := range old {
		if s.place != 0 {
			t.insert(s)
		}
	}
}

// expected returns the field that was read the last time after the one that was read last; ok is false if that was none of the Dict.
func (t *sharedTable) expected() (f *sharedField, ref pump.Ref, ok bool) {
	ref = t.afterOwn
	if i, ok := t.last.Dict(); ok {
		ref = t.fields[i].after
	}
	i, ok := ref.Dict()
	if !ok {
		return nil, 0, false
	}
	return &t.fields[i], ref, true
}

// read notes that a field was read, of the Dict or not.
func (t *sharedTable) read(ref pump.Ref) {
	if i, ok := t.last.Dict(); ok {
		t.fields[i].after = ref
	} else {
		t.afterOwn = ref
	}
	t.last = ref
}
