package journalwriter

import (
	"encoding/binary"
	"math/bits"
)

// hash is what the file's hash tables use.
func (w *Writer) hash(b []byte) uint64 {
	if w.opts.Keyed {
		return sipHash(w.opts.FileID, b)
	}
	return jenkins(b)
}

// sipHash is SipHash-2-4, https://www.aumasson.jp/siphash/siphash.pdf.
func sipHash(key ID, b []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	v := [4]uint64{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	rounds := func(n int) {
		for range n {
			v[0] += v[1]
			v[2] += v[3]
			v[1] = bits.RotateLeft64(v[1], 13) ^ v[0]
			v[3] = bits.RotateLeft64(v[3], 16) ^ v[2]
			v[0] = bits.RotateLeft64(v[0], 32)
			v[2] += v[1]
			v[0] += v[3]
			v[1] = bits.RotateLeft64(v[1], 17) ^ v[2]
			v[3] = bits.RotateLeft64(v[3], 21) ^ v[0]
			v[2] = bits.RotateLeft64(v[2], 32)
		}
	}
	word := func(m uint64) {
		v[3] ^= m
		rounds(2)
		v[0] ^= m
	}
	var tail [8]byte
	tail[7] = byte(len(b))
	for ; len(b) >= 8; b = b[8:] {
		word(binary.LittleEndian.Uint64(b))
	}
	copy(tail[:7], b)
	word(binary.LittleEndian.Uint64(tail[:]))
	v[2] ^= 0xff
	rounds(4)
	return v[0] ^ v[1] ^ v[2] ^ v[3]
}

// jenkins is hashlittle2 of lookup3.c, https://burtleburtle.net/bob/c/lookup3.c, from seeds of 0; the first result becomes
// the upper half.
func jenkins(key []byte) uint64 {
	x := 0xdeadbeef + uint32(len(key))
	a, b, c := x, x, x
	for len(key) > 12 {
		a += binary.LittleEndian.Uint32(key)
		b += binary.LittleEndian.Uint32(key[4:])
		c += binary.LittleEndian.Uint32(key[8:])
		a, b, c = jenkinsMix(a, b, c)
		key = key[12:]
	}
	if len(key) > 0 {
		var rest [12]byte
		copy(rest[:], key)
		a += binary.LittleEndian.Uint32(rest[:])
		b += binary.LittleEndian.Uint32(rest[4:])
		c += binary.LittleEndian.Uint32(rest[8:])
		b, c = jenkinsFinal(a, b, c)
	}
	return uint64(c)<<32 | uint64(b)
}

func jenkinsMix(a, b, c uint32) (x, y, z uint32) {
	for _, turn := range [...][2]int{{4, 6}, {8, 16}, {19, 4}} {
		a = (a - c) ^ bits.RotateLeft32(c, turn[0])
		c += b
		b = (b - a) ^ bits.RotateLeft32(a, turn[1])
		a += c
		// The names change roles; after three turns each has its own again.
		a, b, c = c, a, b
	}
	return a, b, c
}

func jenkinsFinal(a, b, c uint32) (y, z uint32) {
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	c = (c ^ b) - bits.RotateLeft32(b, 24)
	return b, c
}
