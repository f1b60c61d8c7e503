package journalfile

import "encoding/binary"

// Object types ("Structure").
const (
	typeData       = 1
	typeField      = 2
	typeEntry      = 3
	typeEntryArray = 6
)

// Where things are in the header ("Header"), in bytes.
const (
	headerCompatible       = 8
	headerIncompatible     = 12
	headerState            = 16
	headerFileID           = 24
	headerMachineID        = 40
	headerTailBootID       = 56
	headerSeqnumID         = 72
	headerHeaderSize       = 88
	headerArenaSize        = 96
	headerDataTable        = 104
	headerDataTableSize    = 112
	headerFieldTable       = 120
	headerFieldTableSize   = 128
	headerTailObject       = 136
	headerNObjects         = 144
	headerNEntries         = 152
	headerTailSeqnum       = 160
	headerHeadSeqnum       = 168
	headerEntryArray       = 176
	headerHeadRealtime     = 184
	headerTailRealtime     = 192
	headerTailMonotonic    = 200
	headerMin              = 208 // all revisions have what comes before
	headerNData            = 208
	headerNFields          = 216
	headerNTags            = 224
	headerNEntryArrays     = 232
	headerTailEntryArray   = 256 // 32 bits
	headerTailEntryArrayN  = 260 // 32 bits
	headerTailEntryOffset  = 264
	headerMax              = 272
	compatibleTailBootID   = 1 << 1
	compatibleSealed       = 1 << 0
	incompatibleKeyedHash  = 1 << 2
	incompatibleCompact    = 1 << 4
	incompatibleUnderstood = 1<<5 - 1 // XZ, LZ4, keyed hash, ZSTD, compact
)

// Where things are in objects ("Objects" and the sections on each type), in bytes from the object's beginning.
const (
	objectFlags  = 1
	objectSize   = 8
	objectHeader = 16

	dataHash       = 16
	dataNextHash   = 24
	dataNextField  = 32
	dataEntry      = 40
	dataEntryArray = 48
	dataNEntries   = 56
	dataRegular    = 64 // the payload of a regular file
	dataCompact    = 72 // and of a compact one, which has two more words before it

	fieldHash     = 16
	fieldNextHash = 24
	fieldHeadData = 32
	fieldPayload  = 40

	entrySeqnum    = 16
	entryRealtime  = 24
	entryMonotonic = 32
	entryBootID    = 40
	entryXorHash   = 56
	entryItems     = 64

	arrayNext  = 16
	arrayItems = 24

	tableItemSize = 16 // of a hash table: head and tail of a chain
)

// Flags of DATA objects.
const (
	compressedXZ   = 1 << 0
	compressedLZ4  = 1 << 1
	compressedZSTD = 1 << 2
	compressedMask = compressedXZ | compressedLZ4 | compressedZSTD
)

// maxTime bounds realtimes and monotonic times: systemd takes later ones for damage (VALID_REALTIME, VALID_MONOTONIC).
const maxTime = 1 << 55

// maxItems bounds the fields of one entry. systemd's writers stop at 1024 (ENTRY_FIELD_COUNT_MAX) and a few of their own.
const maxItems = 1 << 16

func u64(b []byte, at uint64) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
func u32(b []byte, at uint64) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// le64 turns a word that was loaded as the machine has it into the number it means in the file.
func le64(word uint64) uint64 {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], word)
	return binary.LittleEndian.Uint64(b[:])
}

// objectHead checks that an object of the type begins at off, with a size of at least head bytes, and returns its size and its
// first head bytes. Only these are known to be in the file. They are good until the next view of the mapping.
func (f *File) objectHead(off uint64, typ byte, head uint64) (b []byte, size uint64, err error) {
	if off%8 != 0 || off < f.headerSize {
		return nil, 0, corrupt(off, "no object can begin there")
	}
	b, err = f.m.view(off, head)
	if err != nil {
		return nil, 0, err
	}
	if b[0] != typ {
		return nil, 0, corrupt(off, "not an object of the expected type")
	}
	size = u64(b, objectSize)
	if size < head {
		return nil, 0, corrupt(off, "object too small")
	}
	return b, size, nil
}

// object does the same and checks that the whole object is in the file.
func (f *File) object(off uint64, typ byte, head uint64) (b []byte, size uint64, err error) {
	b, size, err = f.objectHead(off, typ, head)
	if err != nil {
		return nil, 0, err
	}
	if end := off + size; end > uint64(len(f.m.data)) || end < off { // always where nothing is mapped
		if err := f.m.reach(off, size); err != nil {
			return nil, 0, err
		}
		b, err = f.m.view(off, head)
	}
	return b, size, err
}
