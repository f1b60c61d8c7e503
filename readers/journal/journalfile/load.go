//go:build !race

package journalfile

import (
	"sync/atomic"
	"unsafe"
)

// loadAcquire returns the 64-bit word at b, which must be aligned. What is read after it is at least as new.
func loadAcquire(b []byte) uint64 {
	return le64(atomic.LoadUint64((*uint64)(unsafe.Pointer(unsafe.SliceData(b)))))
}
