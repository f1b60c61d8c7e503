package program_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// A port is the test's: nobody is there, and a server may come, go and come again.
func TestFreeAddress(t *testing.T) {
	t.Parallel()
	address := program.FreeAddress(t)
	var d net.Dialer
	for range 2 {
		if _, err := d.DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("nobody listens, and connecting gives %v", err)
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		client, err := d.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(server.Close(), client.Close(), l.Close()); err != nil { // the server's side stays in TIME_WAIT
			t.Fatal(err)
		}
	}
}
