package program_test

import (
	"net"
	"slices"
	"testing"

	"journalpump/test/program"
)

func TestDatagrams(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := program.Datagrams(t, conn); got != nil {
		t.Errorf("nothing came, and %q is there", got)
	}
	var d net.Dialer
	client, err := d.DialContext(t.Context(), "udp4", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want := []string{"one", "", "three\n"}
	for _, text := range want {
		if _, err := client.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := program.Datagrams(t, conn); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
