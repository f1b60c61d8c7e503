package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"sync"
	"testing"
	"time"

	"journalpump/test/journald"
)

// load logs numbered messages in bursts until it is stopped.
type load struct {
	mu   sync.Mutex
	sent map[string]int // the last number by way, which may be on its way yet
	err  error

	cancel  context.CancelFunc
	stopped sync.WaitGroup
}

// startLoad starts one stream of messages for each way, about perSecond each.
func startLoad(t *testing.T, rnd *rand.Rand, perSecond int, ways map[string]func(string) error) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{sent: make(map[string]int), cancel: cancel}
	for via, message := range ways {
		own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
		l.stopped.Go(func() { l.run(ctx, own, perSecond, via, message) })
	}
	t.Cleanup(func() { l.stop(t) })
	return l
}

func (l *load) run(ctx context.Context, rnd *rand.Rand, perSecond int, via string, message func(string) error) {
	const tick = 10 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	mean := perSecond * int(tick) / int(time.Second)
	for n := 1; ; {
		for range rnd.IntN(2*mean + 1) {
			l.mu.Lock()
			l.sent[via] = n // before it is: what is in the journal is never more than what was counted
			l.mu.Unlock()
			if err := message(number{via, n}.String()); err != nil {
				l.fail(fmt.Errorf("logging via %s: %w", via, err))
				return
			}
			n++
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}

// soFar returns the last number sent, or just being sent, by way.
func (l *load) soFar() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.sent)
}

// stop ends the load and returns what was sent in all.
func (l *load) stop(t *testing.T) map[string]int {
	t.Helper()
	l.cancel()
	l.stopped.Wait()
	if l.err != nil {
		t.Error(l.err)
	}
	return l.soFar()
}

// logger starts logger(1) on the instance's syslog socket and returns a function that logs a line with it.
func logger(t *testing.T, j *journald.Instance) func(string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "logger", "--socket", j.SyslogSocket(), "--tag", "e2e", "--socket-errors=on")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting logger: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() //nolint:errcheck // the test's context has ended it
	})
	return func(text string) error {
		_, err := io.WriteString(in, text+"\n")
		return err
	}
}
