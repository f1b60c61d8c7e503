package pump

import (
	"context"

	"journalpump/internal/backoff"
)

// openSender opens the sender, trying until it succeeds, trying cannot help any more, or the context ends.
func (l *lane) openSender(ctx context.Context) error {
	l.state.opening()
	var wait backoff.Backoff
	for {
		s, err := l.attemptOpen(ctx)
		if err == nil {
			l.sender = s
			l.state.connected()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.state.failed(err)
		l.metrics.Count("exception", 1, withTags(l.state.tags, map[string]string{"exception": kindOf(err), "where": "opening"}))
		if IsPermanent(err) {
			l.log.Error("the sender cannot start; it waits for a new configuration", "error", err)
			if !l.once {
				<-ctx.Done()
			}
			return err
		}
		l.log.Warn("the sender cannot start yet, trying again", "error", err, "attempts", wait.Attempts()+1)
		if l.state.lacksBeginning() {
			l.lookAtBeginning(ctx)
		}
		if err := wait.Wait(ctx, 0); err != nil {
			return err
		}
	}
}

// attemptOpen gives the sender no more time than a Send: what waits for a network that drops everything is not stuck.
func (l *lane) attemptOpen(ctx context.Context) (Sender, error) {
	ctx, cancel := context.WithTimeout(ctx, l.sendLimit)
	defer cancel()
	l.send.begin()
	defer l.send.end()
	return l.spec.Open(ctx)
}

func (l *lane) closeSender() {
	defer l.state.stopped()
	if l.sender == nil {
		return
	}
	l.send.begin()
	err := l.sender.Close()
	l.send.end()
	l.sender = nil
	if err != nil {
		l.log.Warn("closing the sender", "error", err)
	}
}
