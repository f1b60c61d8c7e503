package rsyslog

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// BenchmarkSend sends to a server in the same process that throws everything away. Its CPU time counts too.
func BenchmarkSend(b *testing.B) {
	for _, protocol := range []Protocol{TCP, RELP} {
		b.Run(string(protocol), func(b *testing.B) {
			serve := discard
			if protocol == RELP {
				serve = answer
			}
			var lc net.ListenConfig
			l, err := lc.Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := l.Accept()
				if err == nil {
					serve(conn)
					conn.Close()
				}
			}()
			c := DefaultConfig()
			c.Protocol, c.Server, c.Port = protocol, "127.0.0.1", l.Addr().(*net.TCPAddr).Port
			s, err := c.Open(b.Context(), "bench", slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			const entries = 10000
			batch := sendertest.Batch(0, entries, sendertest.Size(800))
			sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
			if c, ok := s.(pump.Committer); ok {
				if err := c.Commit(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			l.Close()
			<-done
		})
	}
}

func discard(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// answer is a RELP server that answers each line, which is a frame here, with 200.
func answer(conn net.Conn) {
	in, out := bufio.NewReaderSize(conn, 1<<16), bufio.NewWriter(conn)
	for txnr := 1; ; txnr++ {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		text := "200 OK"
		if txnr == 1 {
			text = "200 OK\ncommands=syslog"
			for range 2 { // the offers have three lines
				if _, err := in.ReadSlice('\n'); err != nil {
					return
				}
			}
		}
		if len(line) < 30 && string(line[len(line)-8:]) == "close 0\n" {
			return
		}
		fmt.Fprintf(out, "%d rsp %d %s\n", txnr, len(text), text)
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}
