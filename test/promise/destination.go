package promise

import (
	"path/filepath"
	"testing"

	"journalpump/test/certs"
)

// destination is where a sender sends to.
type destination interface {
	// settings are the sender's settings in the configuration, with the destination at that host.
	settings(host string) map[string]any
	// set starts a fault, one of its kind's, or ends it with None. One that cannot be had here is left out.
	set(t *testing.T, f Fault)
	// accepted returns the numbers of the entries that it has accepted so far, in that order.
	accepted(t *testing.T) []int
	// incidents is how often an acceptance may have got lost on the way to the sender.
	incidents() int
}

// watched is a destination of which it can always be told what the highest of these numbers is.
type watched interface{ highest(t *testing.T) int }

// Kind names a sender in a plan.
type Kind string

// The kinds.
const (
	File      Kind = "file"
	Bulk      Kind = "elasticsearch"
	BulkTLS   Kind = "elasticsearch over TLS"
	RELP      Kind = "relp"
	Websocket Kind = "websocket"
	Logplex   Kind = "logplex"
	Kafka     Kind = "kafka"
)

func kinds() []Kind { return []Kind{File, Bulk, BulkTLS, RELP, Websocket, Logplex, Kafka} }

// inOrder reports whether entries arrive in the journal's order whatever happens: where the items of a batch are accepted
// one by one those to be sent again come later.
func (k Kind) inOrder() bool { return k != Bulk && k != BulkTLS }

// acceptsAtOnce reports whether a batch is accepted when it was answered. With the others all that was sent since the last
// commit is in flight, which may be a second's.
func (k Kind) acceptsAtOnce() bool { return k == Bulk || k == BulkTLS || k == Logplex || k == Kafka }

// acceptsInPart reports whether some of a batch may be accepted and some not: items are judged one by one, or a batch that has poison
// in it is sent in halves.
func (k Kind) acceptsInPart() bool { return k == Bulk || k == BulkTLS || k == Logplex }

// picky is a destination that can refuse entries for good.
type picky interface{ setPicky(picky bool) }

// batchBytes bounds the senders' batches, so that there are many of them.
const batchBytes = 16 << 10

// batchEntries is more than fit into a batch: no entry has less than 100 bytes.
const batchEntries = batchBytes / 100

func newDestination(t *testing.T, k Kind, dir string) destination {
	t.Helper()
	switch k {
	case File:
		return newFile(t, filepath.Join(dir, "out"))
	case Bulk:
		return newBulk(t, nil)
	case BulkTLS:
		return newBulk(t, certs.New(t))
	case RELP:
		return newRELP(t)
	case Websocket:
		return newWebsocket(t)
	case Logplex:
		return newLogplex(t)
	case Kafka:
		return newKafka(t)
	}
	t.Fatalf("there is no sender %q", k)
	return nil
}

// faults are those that can be done to a kind's destination.
func (k Kind) faults() []Fault {
	f := []Fault{Refuse, ResetBefore, ResetAfter, Hang, Slow}
	switch k {
	case File:
		return []Fault{DiskFull}
	case Bulk:
		return append(f, Throttle, Unavailable, Partial)
	case BulkTLS:
		return append(f, Throttle, Unavailable, Partial, WrongCert)
	case Logplex:
		return append(f, Throttle, Unavailable, WrongCert)
	default:
		return f
	}
}

// here is where destinations are.
const here = "127.0.0.1"

// nowhere is a name that nothing has (RFC 6761).
const nowhere = "collector.invalid"

// gated is what the destinations behind a gate have in common.
type gated struct {
	*gate
	arrivals
}

func (g *gated) set(t *testing.T, f Fault) {
	t.Helper()
	if err := g.gate.set(f); err != nil {
		t.Error(err)
	}
}

func (g *gated) accepted(*testing.T) []int { return g.arrivals.all() }

func (g *gated) highest(*testing.T) int { return g.arrivals.highest() }

func (g *gated) incidents() int { return g.gate.broken() }
