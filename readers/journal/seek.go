package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// Seek implements pump.Log.
func (l *Log) Seek(ctx context.Context, to pump.Start) (pump.Position, error) {
	if err := ctx.Err(); err != nil {
		return pump.Position{}, err
	}
	var p pump.Position
	err := l.settled(func(files []*fileInfo) (moved bool, err error) {
		p, moved, err = l.placeIn(files, to)
		return moved, err
	})
	return p, err
}

// placeIn returns the starting point among the files of one listing. moved says that some were not where they had been listed.
func (l *Log) placeIn(files []*fileInfo, to pump.Start) (p pump.Position, moved bool, err error) {
	switch to.Kind {
	case pump.StartHead:
		return pump.Position{}, false, nil
	case pump.StartTail:
		return placeAtTail(files), false, nil
	case pump.StartBoot:
		return l.bootPosition(files, to.Offset)
	case pump.StartRealtime:
		return before(to.Time.UnixMicro()), false, nil
	}
	return pump.Position{}, false, fmt.Errorf("there is no starting point of kind %d", to.Kind)
}

// before returns the position just before a realtime in microseconds.
func before(realtime int64) pump.Position {
	if realtime <= 1 {
		return pump.Position{}
	}
	return pump.Position{Cursor: pump.Cursor{Parts: pump.HasRealtime, Realtime: uint64(realtime - 1)}}
}

// tailOf returns the position of the last entry; the zero Position if there is none.
func tailOf(files []*fileInfo) pump.Position {
	var last *key
	for _, info := range files {
		if info.n > 0 && (last == nil || compare(&info.tail, last) > 0) {
			last = &info.tail
		}
	}
	if last == nil {
		return pump.Position{}
	}
	return pump.Position{Cursor: last.cursor()}
}

// bootPosition returns the position just before the first entry of the current boot at or after the offset. If there is
// none it is that of the last entry. moved says that a file was not where it was listed.
func (l *Log) bootPosition(files []*fileInfo, offset time.Duration) (p pump.Position, moved bool, err error) {
	since := uint64(max(offset.Microseconds(), 1))
	var first *key
	for _, info := range files {
		if info.n == 0 {
			continue
		}
		// What cannot be read has no say in where to start.
		err := withFile(info, func(f *journalfile.File) error {
			off, ok, err := f.FindMonotonic(l.bootID, since)
			if err != nil || !ok {
				return err
			}
			var e journalfile.Entry
			if err := f.ReadEntry(off, &e); err != nil {
				return err
			}
			k := keyOf(info.chain.seqnumID, &e)
			if first == nil || compare(&k, first) < 0 {
				first = &k
			}
			return nil
		})
		if pump.IsShortage(err) {
			return pump.Position{}, false, err
		}
		moved = moved || errors.Is(err, errMoved)
	}
	if first == nil {
		return tailOf(files), moved, nil
	}
	return pump.Position{Cursor: pump.Cursor{
		Parts:     pump.HasMonotonic | pump.HasRealtime,
		BootID:    l.bootID,
		Monotonic: since - 1,
		Realtime:  first.realtime - 1, // for what other boots and machines have
	}}, moved, nil
}

// Lag implements pump.Meter. It reads the headers, and the first and last entries, of the files that are being written;
// what is archived is remembered.
func (l *Log) Lag(ctx context.Context, pos pump.Position) (pump.Lag, error) {
	if err := ctx.Err(); err != nil {
		return pump.Lag{}, err
	}
	at, err := l.available()
	if err != nil {
		return pump.Lag{}, err
	}
	return l.lagIn(at, pos), nil
}

// lagAt is how far a position was behind the tail of a listing. It is asked for every second, and mostly nothing has changed.
type lagAt struct {
	pos pump.Position
	lag pump.Lag
}

// maxLags bounds how many are remembered.
const maxLags = 64

func (l *Log) lagIn(at *listing, pos pump.Position) pump.Lag {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at == l.now {
		for i := range l.lags {
			if l.lags[i].pos == pos {
				return l.lags[i].lag
			}
		}
	}
	lag := pump.Lag{Tail: tailOf(at.files)}
	for _, info := range at.files {
		lag.Entries += entriesAfter(info, &pos)
	}
	if lag.Entries > 0 && pos.Parts&pump.HasRealtime != 0 && lag.Tail.Realtime > pos.Realtime {
		lag.Age = time.Duration(min(lag.Tail.Realtime-pos.Realtime, 1<<53)) * time.Microsecond
	}
	if at == l.now && len(l.lags) < maxLags {
		l.lags = append(l.lags, lagAt{pos, lag})
	}
	return lag
}

// entriesAfter estimates how many entries of a file come after the position.
func entriesAfter(info *fileInfo, p *pump.Position) int64 {
	n := min(info.n, 1<<60)
	reached, known := uint64(0), false
	if p.Whole {
		reached, known = p.ReachedIn(info.chain.seqnumID)
	}
	switch {
	case n == 0, known && info.tail.seqnum <= reached, !known && compareTo(&info.tail, p) <= 0:
		return 0
	case known && info.head.seqnum > reached, !known && compareTo(&info.head, p) > 0:
		return int64(n)
	}
	part := func(head, at, tail uint64) int64 {
		if at < head || tail <= at || tail == head {
			return 1
		}
		share := float64(tail-at) / float64(tail-head)
		return max(1, int64(share*float64(n-1)+0.5))
	}
	if known {
		return part(info.head.seqnum, reached, info.tail.seqnum)
	}
	if p.Parts&pump.HasSeqnum != 0 && info.chain.seqnumID == p.SeqnumID {
		return part(info.head.seqnum, p.Seqnum, info.tail.seqnum)
	}
	if p.Parts&pump.HasMonotonic != 0 && info.head.bootID == p.BootID && info.tail.bootID == p.BootID {
		return part(info.head.mono, p.Monotonic, info.tail.mono)
	}
	return part(info.head.realtime, p.Realtime, info.tail.realtime)
}
