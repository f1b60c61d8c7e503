package journalfile

import (
	"fmt"
	"runtime/debug"
)

// State says whether a file is being written ("Dirty Detection").
type State uint8

// The states of a file. A file that is Online may just as well have been left behind by a crash.
const (
	Offline State = iota
	Online
	Archived
)

// Header is what the header of a file says. Most of it changes while the file is written, and not all at once.
// Times are in microseconds.
type Header struct {
	CompatibleFlags   uint32
	IncompatibleFlags uint32
	State             State
	FileID            [16]byte
	MachineID         [16]byte
	TailEntryBootID   [16]byte // of the last entry, if TailBootValid
	SeqnumID          [16]byte
	HeaderSize        uint64
	ArenaSize         uint64
	TailObjectOffset  uint64
	NObjects          uint64
	NEntries          uint64
	HeadSeqnum        uint64 // 0 if there is no entry
	TailSeqnum        uint64 // 0 if there is no entry
	HeadRealtime      uint64 // 0 if there is no entry
	TailRealtime      uint64 // 0 if there is no entry
	TailMonotonic     uint64 // of boot TailEntryBootID, if TailBootValid
	EntryArrayOffset  uint64 // of the first entry array, 0 if there is none

	// 0 in files whose header does not have them yet.
	NData                  uint64 // systemd 187
	NFields                uint64 // systemd 187
	NTags                  uint64 // systemd 189
	NEntryArrays           uint64 // systemd 189
	TailEntryArrayOffset   uint64 // systemd 252
	TailEntryArrayNEntries uint64 // systemd 252
	TailEntryOffset        uint64 // of the last entry; systemd 254
}

// Compact reports whether offsets in entries and entry arrays have 32 bits.
func (h *Header) Compact() bool { return h.IncompatibleFlags&incompatibleCompact != 0 }

// KeyedHash reports whether the hash tables use siphash24 with the file ID as key, not Jenkins' lookup3.
func (h *Header) KeyedHash() bool { return h.IncompatibleFlags&incompatibleKeyedHash != 0 }

// Sealed reports whether the file has TAG objects.
func (h *Header) Sealed() bool { return h.CompatibleFlags&compatibleSealed != 0 }

// TailBootValid reports whether TailMonotonic belongs to TailEntryBootID, and that to the last entry. Older files had the
// boot ID changed when they were merely archived.
func (h *Header) TailBootValid() bool { return h.CompatibleFlags&compatibleTailBootID != 0 }

const signature = "LPKSHHRH"

// readLayout checks the header of a file just opened and keeps what never changes.
func (f *File) readLayout() (err error) {
	h, err := f.Header()
	if err != nil {
		return err
	}
	if unknown := h.IncompatibleFlags &^ incompatibleUnderstood; unknown != 0 {
		return &UnsupportedError{Flags: unknown}
	}
	f.fileID, f.headerSize = h.FileID, h.HeaderSize
	f.compact, f.keyed = h.Compact(), h.KeyedHash()
	f.itemSize, f.slotSize, f.dataHeader = 16, 8, dataRegular
	if f.compact {
		f.itemSize, f.slotSize, f.dataHeader = 4, 4, dataCompact
	}
	return nil
}

// Header reads the header anew. It wraps ErrNotJournal if there is none.
func (f *File) Header() (h Header, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	n, failed := f.m.load64(headerNEntries) // first: what the rest says is at least as new
	b, err := f.rawHeader()
	if err == nil {
		err = failed
	}
	if err != nil {
		return Header{}, err
	}
	h = Header{
		CompatibleFlags:   u32(b, headerCompatible),
		IncompatibleFlags: u32(b, headerIncompatible),
		State:             State(b[headerState]),
		FileID:            [16]byte(b[headerFileID:]),
		MachineID:         [16]byte(b[headerMachineID:]),
		TailEntryBootID:   [16]byte(b[headerTailBootID:]),
		SeqnumID:          [16]byte(b[headerSeqnumID:]),
		HeaderSize:        u64(b, headerHeaderSize),
		ArenaSize:         u64(b, headerArenaSize),
		TailObjectOffset:  u64(b, headerTailObject),
		NObjects:          u64(b, headerNObjects),
		NEntries:          n,
		HeadSeqnum:        u64(b, headerHeadSeqnum),
		TailSeqnum:        u64(b, headerTailSeqnum),
		HeadRealtime:      u64(b, headerHeadRealtime),
		TailRealtime:      u64(b, headerTailRealtime),
		TailMonotonic:     u64(b, headerTailMonotonic),
		EntryArrayOffset:  u64(b, headerEntryArray),

		NData:                  optional64(b, headerNData),
		NFields:                optional64(b, headerNFields),
		NTags:                  optional64(b, headerNTags),
		NEntryArrays:           optional64(b, headerNEntryArrays),
		TailEntryArrayOffset:   uint64(optional32(b, headerTailEntryArray)),
		TailEntryArrayNEntries: uint64(optional32(b, headerTailEntryArrayN)),
		TailEntryOffset:        optional64(b, headerTailEntryOffset),
	}
	return h, nil
}

// rawHeader returns as much of the header as the file has and this package knows: between headerMin and headerMax bytes.
func (f *File) rawHeader() ([]byte, error) {
	b, err := f.m.view(0, headerMin)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotJournal, err)
	}
	if string(b[:len(signature)]) != signature {
		return nil, fmt.Errorf("%w: no signature", ErrNotJournal)
	}
	size := u64(b, headerHeaderSize)
	if size < headerMin || size%8 != 0 {
		return nil, fmt.Errorf("%w: a header of %d bytes", ErrNotJournal, size)
	}
	b, err = f.m.view(0, min(size, headerMax))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotJournal, err)
	}
	return b, nil
}

// optional64 returns a word that newer headers have, or 0.
func optional64(b []byte, at uint64) uint64 {
	if uint64(len(b)) < at+8 {
		return 0
	}
	return u64(b, at)
}

func optional32(b []byte, at uint64) uint32 {
	if uint64(len(b)) < at+4 {
		return 0
	}
	return u32(b, at)
}

// NEntries returns how many entries the file has now. It costs a few nanoseconds, so that followers can poll it: an entry is
// there once it is counted ("Concurrency"). It fails with ErrTruncated when the file was emptied or wiped, which is what
// journald does to a file it vacuums. The number is not checked against the file's size.
func (f *File) NEntries() (n uint64, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	return f.nEntries()
}

func (f *File) nEntries() (uint64, error) {
	b, err := f.m.view(0, headerMin)
	if err != nil {
		return 0, err
	}
	if string(b[:len(signature)]) != signature {
		return 0, ErrTruncated
	}
	return f.m.load64(headerNEntries)
}

// online reports whether somebody may be writing the file.
func (f *File) online() bool {
	b, err := f.m.view(0, headerMin)
	return err == nil && State(b[headerState]) == Online
}

// Extent is what a file's entries reach over.
type Extent struct {
	SeqnumID [16]byte
	Tail     uint64 // the last sequence number; 0 if there are no entries
	From, To uint64 // realtime of the first and the last entry
	NEntries uint64
}

// Extent returns it as the header has it.
func (h *Header) Extent() Extent {
	return Extent{h.SeqnumID, h.TailSeqnum, h.HeadRealtime, h.TailRealtime, h.NEntries}
}
