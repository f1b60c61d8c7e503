package websocket

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"journalpump/senders/sendertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testLog(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func TestConformance(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"default":         func(*Config) {},
		"small batches":   func(c *Config) { c.MaxBatchSize = 1000 },
		"entry a message": func(c *Config) { c.MaxBatchSize, c.Compression = 0, None },
		"deflate":         func(c *Config) { c.WebsocketCompression, c.Compression = Deflate, None },
	} {
		t.Run(name, func(t *testing.T) {
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T) sendertest.Destination {
					t.Helper()
					c := DefaultConfig()
					set(c)
					return newServer(t, c)
				},
				Lacks: map[sendertest.Fault]string{
					sendertest.RefusePart:    "the protocol has no answer to a message",
					sendertest.RefuseForever: "the protocol has no answer to a message",
					sendertest.Throttle:      "a server can say that only to the handshake, see TestRefusedHandshake",
				},
				Replays: "what the server has read cannot be taken back",
			})
		})
	}
}
