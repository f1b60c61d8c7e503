package websocket

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// keepAlive is how often an idle connection is tried: proxies drop those that are silent for long. And how long the
	// server may take to answer. Python's clients, and so the original, do the same.
	keepAlive = 20 * time.Second
	// goodbye is how long the server may take to answer that we close.
	goodbye = 3 * time.Second
)

// link is a connection. What the server says on it is read and thrown away, as the original does.
type link struct {
	ws   *websocket.Conn
	stop context.CancelFunc // breaks the connection
	wg   sync.WaitGroup
	done chan struct{} // closed when nothing can be read any more
	err  error         // why; to be read after done
}

// newLink takes over ws. The link lives until close or abort, whatever becomes of ctx.
func newLink(ctx context.Context, ws *websocket.Conn) *link {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &link{ws: ws, stop: stop, done: make(chan struct{})}
	ws.SetReadLimit(-1) // nothing is kept of it
	l.wg.Go(func() {
		defer close(l.done)
		l.err = l.discard(ctx)
		_ = l.ws.CloseNow() // which a failed read does not do; until then a ping would wait for its answer
	})
	l.wg.Go(func() { l.keepAlive(ctx, keepAlive) })
	return l
}

// discard reads all messages; without it, nobody would see pongs and the server's close either.
func (l *link) discard(ctx context.Context) error {
	for {
		_, r, err := l.ws.Reader(ctx)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
}

// keepAlive breaks the connection when a ping has no answer before the next one is due.
func (l *link) keepAlive(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.done:
			return
		}
		if err := l.ping(ctx, every); err != nil {
			l.stop()
			return
		}
	}
}

func (l *link) ping(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return l.ws.Ping(ctx)
}

// broken reports whether the connection is known to be.
func (l *link) broken() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// close says goodbye.
func (l *link) close() {
	timer := time.AfterFunc(goodbye, l.stop)
	defer timer.Stop()
	_ = l.ws.Close(websocket.StatusNormalClosure, "") // all that was sent is acknowledged: that it fails means nothing
	l.stop()
	l.wg.Wait()
}

// abort breaks the connection off. It returns what the server said when it closed the connection, if it did.
func (l *link) abort() (said websocket.CloseError, ok bool) {
	_ = l.ws.CloseNow()
	l.stop()
	l.wg.Wait()
	return errors.AsType[websocket.CloseError](l.err)
}
