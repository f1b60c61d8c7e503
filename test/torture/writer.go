package torture

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"journalpump/test/journald"
)

// Writer logs messages in bursts, as several users in turn, until its test ends or Stop. While its journald is gone it
// waits for Reconnect; what it sent then may be stored or not.
type Writer struct {
	source string
	users  []int
	mean   int // messages a tick

	mu    sync.Mutex
	rnd   *rand.Rand
	conn  *journald.Native
	n     int   // number of the last message
	boost int   // messages to send at once at the next tick
	gone  error // why it waits
	held  bool  // it waits for release

	cancel context.CancelFunc
	done   chan struct{}
}

const tick = 5 * time.Millisecond

// Write starts a writer of about perSecond messages. The users are user IDs.
func Write(t *testing.T, j *journald.Instance, seed uint64, source string, perSecond int, users ...int) *Writer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &Writer{
		source: source,
		users:  users,
		mean:   max(perSecond*int(tick)/int(time.Second), 1),
		rnd:    rand.New(rand.NewPCG(seed, 1)),
		conn:   j.Native(t),
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
	if w.held {
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
	w.gone = w.conn.Send(w.users[w.n%len(w.users)], "MESSAGE="+m.String(), "SOURCE="+w.source, "PADDING="+padding[:pad])
}

// Boost has so many messages sent at once, soon.
func (w *Writer) Boost(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boost = n
}

// Hold lets no message be sent, other than by Mark, until release is called.
func (w *Writer) Hold() (release func()) {
	w.setHeld(true)
	return func() { w.setHeld(false) }
}

func (w *Writer) setHeld(held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = held
}

// Reconnect makes the writer go on with its journald, which was restarted.
func (w *Writer) Reconnect(t *testing.T, j *journald.Instance) {
	t.Helper()
	conn := j.Native(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.conn.Close() // what it says is of no interest any more
	w.conn, w.gone = conn, nil
}

// Mark sends one more message and returns its number when it is stored.
func (w *Writer) Mark(t *testing.T, j *journald.Instance) int {
	t.Helper()
	w.mu.Lock()
	w.send()
	n, err := w.n, w.gone
	w.mu.Unlock()
	if err != nil {
		t.Fatalf("message %d cannot be sent: %v", n, err)
	}
	j.Sync(t)
	return n
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
