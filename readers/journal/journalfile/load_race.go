//go:build race

package journalfile

// loadAcquire is an ordinary load under the race detector: that does atomic loads in C, where a fault in the mapping cannot be
// recovered from. On amd64 every load is an acquiring one anyway.
func loadAcquire(b []byte) uint64 { return u64(b, 0) }
