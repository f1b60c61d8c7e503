package websocket

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"journalpump/internal/conf"
	"journalpump/senders/sendertest"
)

// Our own share of the work: what the network and the protocol cost is left out.
func BenchmarkPack(b *testing.B) {
	p := &packer{limit: defaultBatchSize, snappy: true}
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	b.SetBytes(int64(batch.Bytes))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.pack(batch.Records, func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// Against a server in the same process, which takes its share of the CPU.
func BenchmarkSend(b *testing.B) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow() //nolint:errcheck // it may be closed
		ws.SetReadLimit(-1)
		for {
			_, m, err := ws.Reader(context.WithoutCancel(r.Context()))
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, m); err != nil {
				return
			}
		}
	}))
	defer h.Close()
	c := DefaultConfig()
	c.URI = conf.NewSecret("ws" + strings.TrimPrefix(h.URL, "http"))
	s, err := c.Open(b.Context(), "ws", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
}
