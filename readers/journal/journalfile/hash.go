package journalfile

import (
	"encoding/binary"
	"math/bits"
)

// hash returns the hash that the file's hash tables use ("Basics", "Data Objects").
func (f *File) hash(b []byte) uint64 {
	if f.keyed {
		return siphash24(f.fileID, b)
	}
	return jenkins(b)
}

// XorHash returns what a field, NAME=value, adds by exclusive or to the xor_hash of its entry ("Entry Objects"): the same
// hash in every file, so that entries can be compared.
func XorHash(field []byte) uint64 { return jenkins(field) }

// siphash24 is SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
func siphash24(key [16]byte, b []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	s := sipState{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		s.compress(binary.LittleEndian.Uint64(b))
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	s.compress(last)
	s.v2 ^= 0xff
	for range 4 {
		s.round()
	}
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

type sipState struct{ v0, v1, v2, v3 uint64 }

func (s *sipState) compress(word uint64) {
	s.v3 ^= word
	s.round()
	s.round()
	s.v0 ^= word
}

func (s *sipState) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}

// jenkins is hashlittle2 of Bob Jenkins' lookup3 (2006, public domain) with seeds 0: its first result is the upper half.
func jenkins(in []byte) uint64 {
	a := 0xdeadbeef + uint32(len(in)) //nolint:gosec // modulo 2^32, as defined
	b, c := a, a
	for ; len(in) > 12; in = in[12:] {
		a += binary.LittleEndian.Uint32(in)
		b += binary.LittleEndian.Uint32(in[4:])
		c += binary.LittleEndian.Uint32(in[8:])
		a, b, c = jenkinsMix(a, b, c)
	}
	if len(in) > 0 {
		var tail [12]byte
		copy(tail[:], in)
		a += binary.LittleEndian.Uint32(tail[:])
		b += binary.LittleEndian.Uint32(tail[4:])
		c += binary.LittleEndian.Uint32(tail[8:])
		b, c = jenkinsFinal(a, b, c)
	}
	return uint64(c)<<32 | uint64(b)
}

func jenkinsMix(a, b, c uint32) (uint32, uint32, uint32) {
	a = (a - c) ^ bits.RotateLeft32(c, 4)
	c += b
	b = (b - a) ^ bits.RotateLeft32(a, 6)
	a += c
	c = (c - b) ^ bits.RotateLeft32(b, 8)
	b += a
	a = (a - c) ^ bits.RotateLeft32(c, 16)
	c += b
	b = (b - a) ^ bits.RotateLeft32(a, 19)
	a += c
	c = (c - b) ^ bits.RotateLeft32(b, 4)
	b += a
	return a, b, c
}

func jenkinsFinal(a, b, c uint32) (uint32, uint32) {
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	c = (c ^ b) - bits.RotateLeft32(b, 24)
	return b, c
}
