package torture

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Sink is what a writer logs to: a *journald.Native, for example.
type Sink interface {
	// Send logs an entry of NAME=value fields as a user.
	Send(uid int, fields ...string) error
	Close() error
}

// Writer logs messages in bursts, as several users in turn, until its test ends or Stop. While its sink is gone it
// waits for Reconnect; what it sent then may be stored or not.
type Writer struct {
	source string
	users  []int
	mean   int // messages a tick

	mu    sync.Mutex
	rnd   *rand.Rand
	sink  Sink
	n     int   // number of the last message
	boost int   // messages to send at once at the next tick
	gone  error // why it waits
	held  int   // for how many releases it waits

	cancel context.CancelFunc
	done   chan struct{}
}

const tick = 5 * time.Millisecond

// Write starts a writer of about perSecond messages. The users are user IDs.
func Write(t *testing.T, sink Sink, seed uint64, source string, perSecond int, users ...int) *Writer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &Writer{
		source: source,
		users:  users,
		mean:   max(perSecond*int(tick)/int(time.Second), 1),
		rnd:    rand.New(rand.NewPCG(seed, 1)),
		sink:   sink,
		cancel: cancel,
		done:   make(chan struct{}),
	}
	go w.run(ctx)
	t.Cleanup(w.Stop)
	return w
}

func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		w.burst(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *Writer) burst(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held > 0 {
		return
	}
	n := w.rnd.IntN(2*w.mean+1) + w.boost
	w.boost = 0
	for range n {
		if w.gone != nil || ctx.Err() != nil {
			return
		}
		w.send()
	}
}

// padding is what makes messages differ in size.
var padding = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 200)

// send sends one message; w.mu is held.
func (w *Writer) send() {
	w.n++
	pad := w.rnd.IntN(200)
	if w.rnd.IntN(200) == 0 {
		pad = w.rnd.IntN(len(padding))
	}
	m := Message{Source: w.source, Number: w.n, Sent: time.Now()}
	w.gone = w.sink.Send(w.users[w.n%len(w.users)], "MESSAGE="+m.String(), "SOURCE="+w.source, "PADDING="+padding[:pad])
}

// Boost has so many messages sent at once, soon.
func (w *Writer) Boost(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boost = n
}

// Hold lets no message be sent, other than by Mark, until release is called as often as Hold was.
func (w *Writer) Hold() (release func()) {
	w.hold(1)
	return func() { w.hold(-1) }
}

func (w *Writer) hold(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held += n
}

// Reconnect makes the writer go on with another sink.
func (w *Writer) Reconnect(sink Sink) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.sink.Close() // what it says is of no interest any more
	w.sink, w.gone = sink, nil
}

// Mark sends one more message and returns its number.
func (w *Writer) Mark(t *testing.T) int {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.send()
	if w.gone != nil {
		t.Fatalf("message %d cannot be sent: %v", w.n, w.gone)
	}
	return w.n
}

// Sent returns the number of the last message.
func (w *Writer) Sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// Stop ends the writer.
func (w *Writer) Stop() {
	w.cancel()
	<-w.done
}
