package journalfile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// writer makes small journal files of any layout, in the order in which a real writer does it. TestWriter has journalctl read
// what it makes.
type writer struct {
	layout
	b       []byte
	data    map[string]uint64
	fields  map[string]uint64
	seqnum  uint64
	entries []uint64
}

type layout struct {
	compact, keyed bool
	compress       byte   // method for payloads of 64 bytes and more
	header         uint64 // size of the header, headerMin to headerMax
	buckets        uint64 // of the data hash table
}

var (
	testFileID = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	testBoot   = [16]byte{0xb0, 0x07, 1}
	testBoot2  = [16]byte{0xb0, 0x07, 2}
)

const testStart = 1_700_000_000_000_000

func newWriter(l layout) *writer {
	if l.header == 0 {
		l.header = headerMax
	}
	w := &writer{layout: l, b: make([]byte, l.header), data: map[string]uint64{}, fields: map[string]uint64{}}
	copy(w.b, signature)
	incompatible := uint32(l.compress)
	if l.compress == compressedZSTD {
		incompatible = 1 << 3
	}
	if l.keyed {
		incompatible |= incompatibleKeyedHash
	}
	if l.compact {
		incompatible |= incompatibleCompact
	}
	binary.LittleEndian.PutUint32(w.b[headerCompatible:], compatibleTailBootID)
	binary.LittleEndian.PutUint32(w.b[headerIncompatible:], incompatible)
	copy(w.b[headerFileID:], testFileID[:])
	copy(w.b[headerMachineID:], bytes.Repeat([]byte{0xaa}, 16))
	copy(w.b[headerSeqnumID:], bytes.Repeat([]byte{0x5e}, 16))
	w.put(headerHeaderSize, l.header)
	w.table(5, headerFieldTable, 3)
	w.table(4, headerDataTable, max(l.buckets, 7)) // few, so that there are chains
	return w
}

func (w *writer) put(at, v uint64)     { binary.LittleEndian.PutUint64(w.b[at:], v) }
func (w *writer) get(at uint64) uint64 { return binary.LittleEndian.Uint64(w.b[at:]) }
func (w *writer) count(at uint64) {
	if at < w.header {
		w.put(at, w.get(at)+1)
	}
}

func (w *writer) table(typ byte, at, buckets uint64) {
	off := w.object(typ, 0, make([]byte, buckets*tableItemSize))
	w.put(at, off+objectHeader)
	w.put(at+8, buckets*tableItemSize)
}

// object appends an object; body follows its header.
func (w *writer) object(typ, flags byte, body []byte) uint64 {
	off := uint64(len(w.b))
	size := objectHeader + uint64(len(body))
	w.b = append(w.b, typ, flags, 0, 0, 0, 0, 0, 0)
	w.b = binary.LittleEndian.AppendUint64(w.b, size)
	w.b = append(w.b, body...)
	w.b = append(w.b, make([]byte, (8-len(w.b)%8)%8)...)
	w.put(headerTailObject, off)
	w.put(headerArenaSize, uint64(len(w.b))-w.header)
	w.count(headerNObjects)
	return off
}

func (w *writer) hash(b []byte) uint64 {
	if w.keyed {
		return siphash24(testFileID, b)
	}
	return jenkins(b)
}

// chain links an object with the hash into a hash table.
func (w *writer) chain(tableAt, hash, off uint64) {
	head := w.get(tableAt) + hash%(w.get(tableAt+8)/tableItemSize)*tableItemSize
	if tail := w.get(head + 8); tail != 0 {
		w.put(tail+dataNextHash, off)
	} else {
		w.put(head, off)
	}
	w.put(head+8, off)
}

func (w *writer) dataHeader() int {
	if w.compact {
		return dataCompact
	}
	return dataRegular
}

func (w *writer) addData(payload []byte) uint64 {
	if off, ok := w.data[string(payload)]; ok {
		return off
	}
	hash := w.hash(payload)
	stored, flags := payload, byte(0)
	if w.compress != 0 && len(payload) >= 64 {
		stored, flags = compress(w.compress, payload), w.compress
	}
	body := make([]byte, w.dataHeader()-objectHeader, w.dataHeader()+len(stored))
	binary.LittleEndian.PutUint64(body, hash)
	off := w.object(typeData, flags, append(body, stored...))
	w.chain(headerDataTable, hash, off)
	w.data[string(payload)] = off
	w.count(headerNData)

	name, _, _ := bytes.Cut(payload, []byte("="))
	field, ok := w.fields[string(name)]
	if !ok {
		hash := w.hash(name)
		field = w.object(typeField, 0, append(binary.LittleEndian.AppendUint64(nil, hash), append(make([]byte, 16), name...)...))
		w.chain(headerFieldTable, hash, field)
		w.fields[string(name)] = field
		w.count(headerNFields)
	}
	w.put(off+dataNextField, w.get(field+fieldHeadData))
	w.put(field+fieldHeadData, off)
	return off
}

// add appends an entry of a boot, a second after the one before, and returns its offset.
func (w *writer) add(boot [16]byte, payloads ...string) uint64 {
	w.seqnum++
	return w.addAt(boot, testStart+w.seqnum*1_000_000, w.seqnum*1_000_000, payloads...)
}

func (w *writer) addAt(boot [16]byte, realtime, monotonic uint64, payloads ...string) uint64 {
	payloads = append([]string{"_BOOT_ID=" + hex.EncodeToString(boot[:])}, payloads...)
	var items, body []byte
	var xor uint64
	offs := make([]uint64, 0, len(payloads))
	for _, p := range payloads {
		off := w.addData([]byte(p))
		offs = append(offs, off)
		xor ^= jenkins([]byte(p))
		if w.compact {
			items = binary.LittleEndian.AppendUint32(items, uint32(off))
		} else {
			items = binary.LittleEndian.AppendUint64(items, off)
			items = binary.LittleEndian.AppendUint64(items, w.hash([]byte(p)))
		}
	}
	for _, v := range []uint64{w.seqnum, realtime, monotonic} {
		body = binary.LittleEndian.AppendUint64(body, v)
	}
	body = append(body, boot[:]...)
	body = binary.LittleEndian.AppendUint64(body, xor)
	off := w.object(typeEntry, 0, append(body, items...))
	w.link(headerEntryArray, w.get(headerNEntries), off)
	w.count(headerNEntries)
	w.entries = append(w.entries, off)
	w.header64(realtime, monotonic, boot)
	slices.Sort(offs)
	for _, d := range slices.Compact(offs) {
		if n := w.get(d + dataNEntries); n == 0 {
			w.put(d+dataEntry, off)
		} else {
			w.link(d+dataEntryArray, n-1, off)
		}
		w.put(d+dataNEntries, w.get(d+dataNEntries)+1)
	}
	return off
}

func (w *writer) header64(realtime, monotonic uint64, boot [16]byte) {
	if w.get(headerHeadSeqnum) == 0 {
		w.put(headerHeadSeqnum, w.seqnum)
		w.put(headerHeadRealtime, realtime)
	}
	w.put(headerTailSeqnum, w.seqnum)
	w.put(headerTailRealtime, realtime)
	w.put(headerTailMonotonic, monotonic)
	copy(w.b[headerTailBootID:], boot[:])
}

// link puts an entry into slot i of the chain whose head is at link.
func (w *writer) link(link, i, entry uint64) {
	slot := uint64(8)
	if w.compact {
		slot = 4
	}
	room := uint64(2)
	for first := uint64(0); ; {
		off := w.get(link)
		if off == 0 {
			off = w.object(typeEntryArray, 0, make([]byte, 8+room*slot))
			w.put(link, off)
			w.count(headerNEntryArrays)
		}
		n := (w.get(off+objectSize) - arrayItems) / slot
		if i < first+n {
			at := off + arrayItems + (i-first)*slot
			if w.compact {
				binary.LittleEndian.PutUint32(w.b[at:], uint32(entry))
			} else {
				w.put(at, entry)
			}
			return
		}
		first, room, link = first+n, 2*n, off+arrayNext
	}
}

// write makes the file.
func (w *writer) write(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "test.journal")
	if err := os.WriteFile(path, w.b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// open makes the file and opens it.
func (w *writer) open(tb testing.TB) *File {
	tb.Helper()
	return openFile(tb, w.write(tb))
}

func openFile(tb testing.TB, path string) *File {
	tb.Helper()
	f, err := Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := f.Close(); err != nil {
			tb.Error(err)
		}
	})
	return f
}

func compress(method byte, b []byte) []byte {
	switch method {
	case compressedZSTD:
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(len(b) < 256)) // as libzstd does
		defer e.Close()
		return e.EncodeAll(b, nil)
	case compressedLZ4:
		out := make([]byte, 8+lz4.CompressBlockBound(len(b)))
		binary.LittleEndian.PutUint64(out, uint64(len(b)))
		var c lz4.Compressor
		n, err := c.CompressBlock(b, out[8:])
		if err != nil || n == 0 {
			panic("lz4: cannot be compressed")
		}
		return out[:8+n]
	default:
		var out bytes.Buffer
		c := xz.WriterConfig{DictCap: 1 << 20, CheckSum: xz.None, NoCheckSum: true}
		e, err := c.NewWriter(&out)
		if err != nil {
			panic(err)
		}
		_, _ = e.Write(b)
		_ = e.Close()
		return out.Bytes()
	}
}

// layouts are all that a file may have.
func layouts() map[string]layout {
	return map[string]layout{
		"compact keyed zstd":   {compact: true, keyed: true, compress: compressedZSTD},
		"compact unkeyed xz":   {compact: true, compress: compressedXZ},
		"regular keyed lz4":    {keyed: true, compress: compressedLZ4},
		"regular unkeyed":      {},
		"regular unkeyed xz":   {compress: compressedXZ},
		"header of 252":        {compact: true, keyed: true, compress: compressedZSTD, header: 264},
		"header of 189":        {compress: compressedLZ4, header: 240},
		"the oldest header":    {compress: compressedXZ, header: headerMin},
		"compact unkeyed lz4":  {compact: true, compress: compressedLZ4},
		"regular keyed, plain": {keyed: true},
	}
}

// sample makes a journal of n entries with fields shared and own, repeated, empty, binary, and large ones.
func sample(l layout, n int) *writer {
	w := newWriter(l)
	big := string(bytes.Repeat([]byte("all work and no play makes jack a dull boy, "), 3000))
	for i := range n {
		boot := testBoot
		if i >= n/2 {
			boot = testBoot2
		}
		num := string(rune('0' + i%10))
		p := []string{"_TRANSPORT=journal", "PRIORITY=" + string(rune('0'+i%8)), "MESSAGE=number " + num + string(rune('a'+i/10%26)), "EMPTY="}
		switch i % 7 {
		case 1:
			p = append(p, "MULTI=one", "MULTI=two"+num)
		case 2:
			p = append(p, "BINARY=\x00\xff\n\x01"+num)
		case 3:
			p = append(p, "BIG="+num+big[:(i%50)*500])
		}
		w.add(boot, p...)
	}
	return w
}
