package journalfile

import (
	"errors"
	"runtime/debug"
)

// MaxField is the most that a field can have, in bytes, name included; systemd writes no larger ones (DATA_SIZE_MAX).
const MaxField = 768 << 20

// DataInfo is what a DATA object says of itself.
type DataInfo struct {
	Hash       uint64 // of the payload, see Header.KeyedHash
	NEntries   uint64 // how many entries have it, so far
	Compressed bool
}

// AppendData appends the payload of the DATA object at offset off, NAME=value, to dst, decompressed. If it has more than
// limit bytes (MaxField if limit is not between 1 and that), the first limit bytes are appended and the error is ErrTooLarge.
// With any other error dst comes back as it was. Uncompressed payloads cost no allocation once dst is large enough.
func (f *File) AppendData(dst []byte, off uint64, limit int) (out []byte, info DataInfo, err error) {
	out = dst //nolint:wastedassign // what comes back after a fault
	defer f.guard(debug.SetPanicOnFault(true), &err)
	if limit <= 0 || limit > MaxField {
		limit = MaxField
	}
	return f.appendData(dst, off, limit)
}

func (f *File) appendData(dst []byte, off uint64, limit int) ([]byte, DataInfo, error) {
	b, size, err := f.object(off, typeData, f.dataHeader+1)
	if err != nil {
		return dst, DataInfo{}, err
	}
	flags := b[objectFlags]
	info := DataInfo{Hash: u64(b, dataHash), NEntries: u64(b, dataNEntries), Compressed: flags&compressedMask != 0}
	stored := size - f.dataHeader
	if !info.Compressed {
		n := min(stored, uint64(limit)) //nolint:gosec // limit is positive
		b, err := f.m.view(off+f.dataHeader, n)
		if err != nil {
			return dst, info, err
		}
		dst = append(dst, b...)
		if n < stored {
			return dst, info, ErrTooLarge
		}
		return dst, info, nil
	}
	if stored > MaxField {
		return dst, info, corrupt(off, "compressed field too large")
	}
	b, err = f.m.view(off+f.dataHeader, stored)
	if err != nil {
		return dst, info, err
	}
	out, err := f.d.decompress(dst, b, flags&compressedMask, limit)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return dst, info, &CorruptError{Offset: off, What: err.Error()}
	}
	return out, info, err
}

// HasData reports whether the DATA object at offset off has exactly this payload, NAME=value, uncompressed, and if so how many entries
// have it, so far. It is false also of what cannot be read, which AppendData tells.
func (f *File) HasData(off uint64, payload string) (nEntries uint64, same bool) {
	nEntries, same, _ = f.hasData(off, payload)
	return nEntries, same
}

func (f *File) hasData(off uint64, payload string) (nEntries uint64, same bool, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	b, size, err := f.object(off, typeData, f.dataHeader+1)
	if err != nil || size-f.dataHeader != uint64(len(payload)) || b[objectFlags]&compressedMask != 0 {
		return 0, false, err
	}
	nEntries = u64(b, dataNEntries)
	if b, err = f.m.view(off+f.dataHeader, size-f.dataHeader); err != nil || string(b) != payload {
		return 0, false, err
	}
	return nEntries, true, nil
}

// DataNEntries returns how many entries have the DATA object at offset off, so far. It does not touch the payload.
func (f *File) DataNEntries(off uint64) (n uint64, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	b, _, err := f.object(off, typeData, f.dataHeader+1)
	if err != nil {
		return 0, err
	}
	return u64(b, dataNEntries), nil
}
