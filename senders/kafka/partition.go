package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Partitioner is a way of choosing a record's partition by its key, by librdkafka's names. The default is what
// kafka-python and Java do: murmur2 of the key.
type Partitioner string

// The partitioners. Those without "random" in their names take the hash of nothing for records without a key, which then
// are all in one partition; the others spread them.
const (
	Murmur2Random    Partitioner = "murmur2_random"
	Murmur2          Partitioner = "murmur2"
	ConsistentRandom Partitioner = "consistent_random"
	Consistent       Partitioner = "consistent"
	Random           Partitioner = "random"
)

func partitioners() []string {
	return []string{string(Murmur2Random), string(Murmur2), string(ConsistentRandom), string(Consistent), string(Random)}
}

// byKey returns which of n partitions a key belongs to; ok is false when any will do.
func (p Partitioner) byKey(key []byte, n int) (partition int, ok bool) {
	switch p {
	case Random:
		return 0, false
	case Consistent, ConsistentRandom:
		if key == nil && p == ConsistentRandom {
			return 0, false
		}
		return int(crc32.ChecksumIEEE(key) % uint32(n)), true //nolint:gosec // n partitions
	default:
		if key == nil && p != Murmur2 {
			return 0, false
		}
		return int(murmur2(key) & 0x7fffffff % uint32(n)), true //nolint:gosec // likewise
	}
}

// murmur2 is MurmurHash2 with the seed that Kafka's clients use (org.apache.kafka.common.utils.Utils.murmur2).
func murmur2(data []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := seed ^ uint32(len(data)) //nolint:gosec // as the original: modulo 2^32
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	for i, c := range slices.Backward(data) {
		h ^= uint32(c) << (8 * i)
		if i == 0 {
			h *= m
		}
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
