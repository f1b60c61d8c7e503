package journal

import (
	"bytes"
	"cmp"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// key is what places an entry in the order of a journal: see docs/adr/0003.
type key struct {
	seqnumID [16]byte
	bootID   [16]byte
	seqnum   uint64
	mono     uint64
	realtime uint64
	xorHash  uint64
}

func keyOf(seqnumID [16]byte, e *journalfile.Entry) key {
	return key{
		seqnumID: seqnumID,
		bootID:   e.BootID,
		seqnum:   e.Seqnum,
		mono:     e.Monotonic,
		realtime: e.Realtime,
		xorHash:  e.XorHash,
	}
}

func (k *key) cursor() pump.Cursor {
	return pump.Cursor{
		SeqnumID:  k.seqnumID,
		Seqnum:    k.seqnum,
		BootID:    k.bootID,
		Monotonic: k.mono,
		Realtime:  k.realtime,
		XorHash:   k.xorHash,
		Parts:     pump.HasAll,
	}
}

// compare orders entries as systemd 252 does: of one sequence by sequence number, of one boot by monotonic time, else by
// realtime. 0 means the same entry twice, or a copy of it under another sequence number, as flushing /run to /var makes.
// With clocks that are set back this is no total order: a may be before b, b before c, and c before a.
func compare(a, b *key) int {
	if a.seqnumID == b.seqnumID && a.seqnum != b.seqnum {
		return cmp.Compare(a.seqnum, b.seqnum)
	}
	if a.bootID == b.bootID && a.mono != b.mono {
		return cmp.Compare(a.mono, b.mono)
	}
	return compareTimes(a, b)
}

// compareTimes orders entries of different sequences and boots.
func compareTimes(a, b *key) int {
	if a.realtime != b.realtime {
		return cmp.Compare(a.realtime, b.realtime)
	}
	return cmp.Compare(a.xorHash, b.xorHash)
}

// compareTo places an entry before (negative), at (0) or after a position, by those parts that the position has.
func compareTo(k *key, p *pump.Position) int {
	if p.IsZero() {
		return 1
	}
	if p.Parts&pump.HasSeqnum != 0 && k.seqnumID == p.SeqnumID && k.seqnum != p.Seqnum {
		return cmp.Compare(k.seqnum, p.Seqnum)
	}
	if p.Parts&pump.HasMonotonic != 0 && k.bootID == p.BootID && k.mono != p.Monotonic {
		return cmp.Compare(k.mono, p.Monotonic)
	}
	if p.Parts&pump.HasRealtime != 0 && k.realtime != p.Realtime {
		return cmp.Compare(k.realtime, p.Realtime)
	}
	if p.Parts&pump.HasXorHash != 0 {
		return cmp.Compare(k.xorHash, p.XorHash)
	}
	return 0
}

// names reports whether the entry is the one that the position names, as far as the position says. A copy with another
// sequence number counts.
func names(p *pump.Position, k *key) bool {
	return (p.Parts&pump.HasSeqnum == 0 || k.seqnumID != p.SeqnumID || k.seqnum == p.Seqnum) &&
		(p.Parts&pump.HasMonotonic == 0 || k.bootID == p.BootID && k.mono == p.Monotonic) &&
		(p.Parts&pump.HasRealtime == 0 || k.realtime == p.Realtime) &&
		(p.Parts&pump.HasXorHash == 0 || k.xorHash == p.XorHash)
}

// wentBack reports whether an entry was certainly written after another one of its sequence although its number is lower: a
// sequence went on from a backup, as those of virtual machines do, or a number is a lie.
func wentBack(k, last *key) bool {
	return k.seqnum < last.seqnum && k.bootID == last.bootID && k.mono > last.mono
}

func lessID(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }
