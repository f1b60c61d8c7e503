package pump_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"journalpump/pump"
)

// memLog is a log in memory. Entry n has Seqnum n, counted from 1, and the message "n".
type memLog struct {
	chunk int // entries a chunk

	mu      sync.Mutex
	n       uint64
	grown   chan struct{}
	decoded int          // chunks made
	open    int          // iterators
	fails   func() error // asked by Seek and Open before they do anything, if not nil
	damaged int          // so many chunks tell of damage, and of an entry that it cost, and nothing else

	unwanted uint64 // the entries up to this one are not for the reader
	vacuumed uint64 // those up to this one are gone for who begins at the head
	refused  int    // iterators at the head that cannot be opened
}

func newMemLog(n uint64) *memLog { return &memLog{chunk: 10, n: n, grown: make(chan struct{})} }

func (l *memLog) append(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n += n
	close(l.grown)
	l.grown = make(chan struct{})
}

// damage makes iterators tell so often of damage.
func (l *memLog) damage(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.damaged = n
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *memLog) failure() error {
	if l.fails == nil {
		return nil
	}
	return l.fails()
}

func (l *memLog) size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func at(n uint64) pump.Position {
	if n == 0 {
		return pump.Position{}
	}
	return pump.Position{Cursor: pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: n, Realtime: 1_000_000 * n, Parts: pump.HasAll}}
}

func (l *memLog) Seek(_ context.Context, s pump.Start) (pump.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failure(); err != nil {
		return pump.Position{}, err
	}
	switch s.Kind {
	case pump.StartTail:
		return at(l.n), nil
	case pump.StartRealtime:
		return at(uint64(s.Time.Unix()) - 1), nil
	}
	return pump.Position{}, nil
}

func (l *memLog) Open(_ context.Context, after pump.Position) (pump.Iterator, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failure(); err != nil {
		return nil, err
	}
	if after.IsZero() && l.refused > 0 {
		l.refused--
		return nil, errors.New("no descriptors")
	}
	l.open++
	return &memIterator{log: l, at: after.Seqnum, dict: pump.NewDict()}, nil
}

func (l *memLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != 0 {
		return fmt.Errorf("%d iterators are open", l.open)
	}
	return nil
}

func (l *memLog) Lag(_ context.Context, pos pump.Position) (pump.Lag, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return pump.Lag{Entries: int64(l.n - pos.Seqnum), Age: time.Duration(l.n-pos.Seqnum) * time.Second, Tail: at(l.n)}, nil
}

type memIterator struct {
	log  *memLog
	at   uint64
	dict *pump.Dict
}

func (i *memIterator) Next(context.Context) (*pump.Chunk, error) {
	l := i.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.damaged > 0 {
		l.damaged--
		return &pump.Chunk{From: at(i.at), To: at(i.at), Corrupted: 1, Gaps: []pump.Gap{{Count: 1, Reason: "corrupted"}}}, nil
	}
	if i.at == l.n {
		return nil, pump.ErrNoMore
	}
	if i.at == 0 {
		i.at = l.vacuumed
	}
	l.decoded++
	c := &pump.Chunk{From: at(i.at), Dict: i.dict.Snapshot()}
	if i.at < l.unwanted {
		i.at = l.unwanted
		c.To = at(i.at)
		return c, nil
	}
	for len(c.Entries) < l.chunk && i.at < l.n {
		i.at++
		c.Own = append(c.Own, pump.Field{Name: "MESSAGE", Value: strconv.AppendUint(nil, i.at, 10)})
		first := uint32(len(c.Refs))
		c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)-1))
		c.Entries = append(c.Entries, pump.Entry{Position: at(i.at).Cursor, First: first, Last: first + 1})
	}
	c.To = at(i.at)
	return c, nil
}

func (i *memIterator) Wait(ctx context.Context) error {
	i.log.mu.Lock()
	more, grown := i.at < i.log.n, i.log.grown
	i.log.mu.Unlock()
	if more {
		return nil
	}
	select {
	case <-grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (i *memIterator) Close() error {
	i.log.mu.Lock()
	defer i.log.mu.Unlock()
	i.log.open--
	return nil
}

// testView passes the entries that keep says, their bodies being their messages.
type testView struct{ keep func(n uint64) bool }

func (v *testView) Render(c *pump.Chunk) *pump.Rendered {
	return c.Memo(v, func() any {
		r := &pump.Rendered{}
		for i := range c.Entries {
			if v.keep != nil && !v.keep(c.Entries[i].Position.Seqnum) {
				continue
			}
			body, _ := c.Lookup(i, "MESSAGE")
			r.Records = append(r.Records, pump.Record{Body: body, Chunk: c, Index: i})
			r.Bytes += len(body)
		}
		return r
	}).(*pump.Rendered)
}

// testInspector counts lines, and a search hit for each hundredth entry.
type testInspector struct{}

func (testInspector) Inspect(c *pump.Chunk) pump.Inspection {
	in := pump.Inspection{Lines: int64(len(c.Entries))}
	for i := range c.Entries {
		in.Bytes += int64(len(c.Own[i].Value))
		if c.Entries[i].Position.Seqnum%100 == 0 {
			in.Hits = append(in.Hits, pump.SearchHit{Search: "hundred", Count: 1})
			in.SecretMatches++
		}
	}
	return in
}

// testMetrics sums up.
type testMetrics struct {
	mu     sync.Mutex
	counts map[string]int64
	gauges map[string]float64
}

func newTestMetrics() *testMetrics {
	return &testMetrics{counts: map[string]int64{}, gauges: map[string]float64{}}
}

func (m *testMetrics) Count(name string, n int64, _ map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[name] += n
}

func (m *testMetrics) Gauge(name string, v float64, tags map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gauges[name+","+tags["sender"]] = v
}

func (m *testMetrics) count(name string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[name]
}

// testSender keeps what it accepts. script is asked before each Send.
type testSender struct {
	script func(s *testSender, b pump.Batch) error
	block  chan struct{} // Send waits for it or its context, if not nil

	mu     sync.Mutex
	got    []uint64
	sizes  []int // records of each accepted batch
	opens  int
	closes int
}

func (s *testSender) Send(ctx context.Context, b pump.Batch) error {
	if s.block != nil {
		select {
		case <-s.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.script != nil {
		if err := s.script(s, b); err != nil {
			return err
		}
	}
	s.take(b.Records)
	return nil
}

func (s *testSender) take(records []pump.Record) {
	for i := range records {
		n, err := strconv.ParseUint(string(records[i].Body), 10, 64)
		if err != nil || n != records[i].Position().Seqnum {
			panic("a record's body is not its entry's")
		}
		s.got = append(s.got, n)
	}
	s.sizes = append(s.sizes, len(records))
}

func (s *testSender) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closes++
	return nil
}

func (s *testSender) received() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]uint64(nil), s.got...)
}

func (s *testSender) openFunc() func(context.Context) (pump.Sender, error) {
	return func(context.Context) (pump.Sender, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opens++
		return s, nil
	}
}

func failing(err error) func(context.Context) (pump.Sender, error) {
	return func(context.Context) (pump.Sender, error) { return nil, err }
}
