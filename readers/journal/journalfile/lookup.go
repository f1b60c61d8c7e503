package journalfile

import (
	"bytes"
	"errors"
	"runtime/debug"
)

// FindData returns the offset of the DATA object with the payload NAME=value; ok is false if the file has none. It looks it
// up in the file's hash table ("Hash Table Objects").
func (f *File) FindData(payload []byte) (off uint64, ok bool, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	hash := f.hash(payload)
	off, err = f.bucket(headerDataTable, hash)
	for err == nil && off != 0 {
		var h, next uint64
		if h, next, err = f.link(off, typeData); err != nil {
			break
		}
		if h == hash {
			same, err := f.samePayload(off, payload)
			if err != nil || same {
				return off, same, err
			}
		}
		off = next
	}
	return 0, false, err
}

// FieldValues calls fn with the offset of each DATA object of the field, newest first, until fn returns false. A field that
// the file does not have has no values. fn may read from the file.
func (f *File) FieldValues(field string, fn func(dataOff uint64) bool) error {
	off, err := f.findField(field)
	if err != nil || off == 0 {
		return err
	}
	off, err = f.follow(off, typeField, fieldHeadData, fieldPayload)
	for steps := f.maxObjects(); err == nil && off != 0; steps-- {
		if steps == 0 {
			return corrupt(off, "the chain of the field's values does not end")
		}
		var next uint64
		if next, err = f.follow(off, typeData, dataNextField, f.dataHeader+1); err != nil {
			break
		}
		if !fn(off) {
			return nil
		}
		off = next
	}
	return err
}

// findField returns the offset of a FIELD object, or 0.
func (f *File) findField(name string) (off uint64, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	hash := f.hash([]byte(name))
	off, err = f.bucket(headerFieldTable, hash)
	for err == nil && off != 0 {
		var h, next, size uint64
		if h, next, err = f.link(off, typeField); err != nil {
			break
		}
		if h == hash {
			if _, size, err = f.object(off, typeField, fieldPayload); err != nil {
				break
			}
			b, err := f.m.view(off+fieldPayload, size-fieldPayload)
			if err != nil {
				return 0, err
			}
			if string(b) == name {
				return off, nil
			}
		}
		off = next
	}
	return 0, err
}

// follow returns the offset that the object at off has at byte at.
func (f *File) follow(off uint64, typ byte, at, atLeast uint64) (next uint64, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	if _, _, err := f.object(off, typ, atLeast); err != nil {
		return 0, err
	}
	return f.m.load64(off + at)
}

// maxObjects returns more than as many DATA objects as fit in the file.
func (f *File) maxObjects() int { return int(f.m.length()/dataRegular) + 1 } //nolint:gosec // bounded by maxMapped

// bucket returns the offset of the first object in the hash's chain, 0 if there is none. Where the table is, and how large,
// is in the header at tableAt.
func (f *File) bucket(tableAt, hash uint64) (uint64, error) {
	b, err := f.m.view(tableAt, 16)
	if err != nil {
		return 0, err
	}
	table, size := u64(b, 0), u64(b, 8)
	if table == 0 && size == 0 {
		return 0, nil // not there yet: the file has just been created
	}
	n := size / tableItemSize
	if n == 0 || table%8 != 0 || table < f.headerSize {
		return 0, corrupt(table, "no hash table can be there")
	}
	at := table + hash%n*tableItemSize
	if at < table {
		return 0, corrupt(table, "hash table too large")
	}
	return f.m.load64(at)
}

// link returns hash and successor of an object in a hash chain. New objects are appended to file and chain, so successors
// lie behind: a chain cannot loop.
func (f *File) link(off uint64, typ byte) (hash, next uint64, err error) {
	b, _, err := f.objectHead(off, typ, fieldPayload)
	if err != nil {
		return 0, 0, err
	}
	hash, next = u64(b, dataHash), u64(b, dataNextHash) // FIELD objects have both at the same place
	if next != 0 && next <= off {
		return 0, 0, corrupt(off, "its hash chain goes backwards")
	}
	return hash, next, nil
}

func (f *File) samePayload(off uint64, payload []byte) (bool, error) {
	b, size, err := f.object(off, typeData, f.dataHeader+1)
	if err != nil {
		return false, err
	}
	if b[objectFlags]&compressedMask == 0 {
		if size-f.dataHeader != uint64(len(payload)) {
			return false, nil
		}
		b, err = f.m.view(off+f.dataHeader, size-f.dataHeader)
		return err == nil && bytes.Equal(b, payload), err
	}
	f.scratch, _, err = f.appendData(f.scratch[:0], off, max(len(payload), 1))
	if errors.Is(err, ErrTooLarge) {
		return false, nil
	}
	return err == nil && bytes.Equal(f.scratch, payload), err
}
