package guard

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"journalpump/pump"
)

// memLog is a journal in memory: entries 1 to last, of which those before first are vacuumed.
type memLog struct {
	rnd *rand.Rand // nil: chunks of 10

	mu          sync.Mutex
	first, last uint64
	open        int
}

func pos(n uint64) (p pump.Position) {
	if n > 0 {
		p.SeqnumID, p.Seqnum, p.Realtime, p.Monotonic = pump.ID128{7}, n, 1e15+n*1000, n
		p.BootID, p.XorHash, p.Parts = pump.ID128{8}, n*n, pump.HasAll
	}
	return p
}

func (l *memLog) Seek(context.Context, pump.Start) (p pump.Position, err error) { return p, nil }

func (l *memLog) Open(_ context.Context, after pump.Position) (pump.Iterator, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	return &memIterator{log: l, at: after.Seqnum, dict: pump.NewDict()}, nil
}

func (l *memLog) Close() error {
	if l.open != 0 {
		return fmt.Errorf("%d iterators are open", l.open)
	}
	return nil
}

func (l *memLog) Lag(_ context.Context, p pump.Position) (pump.Lag, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := pump.Lag{Entries: int64(l.last - max(p.Seqnum, l.first-1)), Tail: pos(l.last)}
	if lag.Entries > 0 && p.Seqnum > 0 {
		lag.Age = time.Duration(lag.Tail.Realtime-p.Realtime) * time.Microsecond
	}
	return lag, nil
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
	if i.at >= l.last {
		return nil, pump.ErrNoMore
	}
	c := &pump.Chunk{From: pos(i.at)}
	if i.at+1 < l.first {
		gap := pump.Gap{SeqnumID: pos(1).SeqnumID, First: i.at + 1, Last: l.first - 1, Count: l.first - i.at - 1, Reason: "vacuumed"}
		c.Gaps = append(c.Gaps, gap)
		i.at = l.first - 1
	}
	size := uint64(10)
	if l.rnd != nil {
		size = l.rnd.Uint64N(20) + 1
	}
	if i.dict.Len() == 0 {
		i.dict.Add(pump.Field{Name: "_SYSTEMD_UNIT", Value: []byte("a.service")})
		i.dict.Add(pump.Field{Name: "PRIORITY", Value: []byte("6")})
	}
	for end := min(i.at+size, l.last); i.at < end; {
		i.at++
		first := uint32(len(c.Refs))
		c.Own = append(c.Own, pump.Field{Name: "MESSAGE", Value: []byte(messageOf(i.at))})
		c.Refs = append(c.Refs, pump.Ref(i.at%2), pump.OwnRef(len(c.Own)-1))
		e := pump.Entry{First: first, Last: first + 2}
		setEntryPosition(&e, pos(i.at))
		c.Entries = append(c.Entries, e)
	}
	c.Dict = i.dict.Snapshot()
	c.To = pos(i.at)
	return c, nil
}

func messageOf(n uint64) string { return fmt.Sprintf("entry %d \x00\xff", n) }

func setEntryPosition(e *pump.Entry, p pump.Position) { e.Position = p.Cursor }

func (i *memIterator) Wait(ctx context.Context) error { return ctx.Err() }

func (i *memIterator) Close() error {
	i.log.mu.Lock()
	defer i.log.mu.Unlock()
	i.log.open--
	return nil
}
