package kafka

import (
	"maps"
	"testing"

	"journalpump/senders/sendertest"
)

func TestConformance(t *testing.T) {
	lacks := map[sendertest.Fault]string{
		sendertest.Throttle:    "a broker that throttles has taken the batch, and answers later",
		sendertest.CommitFails: "what a broker has acknowledged is accepted",
	}
	whole := maps.Clone(lacks)
	whole[sendertest.RefusePart] = "here a batch is one record batch, which is taken or refused; see the case with small ones"
	whole[sendertest.BreakWithin] = whole[sendertest.RefusePart]
	for name, c := range map[string]struct {
		change func(*Config)
		lacks  map[sendertest.Fault]string
		dedups bool
	}{
		"one record batch":      {func(*Config) {}, whole, false},
		"small record batches":  {func(c *Config) { c.Properties.BatchBytes = 1000 }, lacks, false},
		"idempotent":            {func(c *Config) { c.Properties.Idempotent = true }, whole, true},
		"idempotent, small":     {func(c *Config) { c.Properties.Idempotent, c.Properties.BatchBytes = true, 1000 }, lacks, true},
		"no compression, a key": {func(c *Config) { c.Compression, c.MsgKey = None, "{_HOSTNAME}" }, whole, false},
	} {
		t.Run(name, func(t *testing.T) {
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T) sendertest.Destination {
					t.Helper()
					return newBroker(t, c.change)
				},
				Lacks:  c.lacks,
				Dedups: c.dedups,
			})
		})
	}
}
