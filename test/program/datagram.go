package program

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Datagrams reads what has come to a socket and was not read yet. What a process of this machine has sent is there when it
// has ended.
func Datagrams(t *testing.T, conn *net.UDPConn) (all []string) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	var read error
	err = raw.Read(func(fd uintptr) bool {
		for {
			var n int
			switch n, _, read = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT); {
			case errors.Is(read, unix.EINTR):
			case read != nil:
				return true
			default:
				all = append(all, string(buf[:n]))
			}
		}
	})
	if err != nil || !errors.Is(read, unix.EAGAIN) {
		t.Fatalf("reading datagrams: %v, %v", err, read)
	}
	return all
}
