//go:build cgo && linux

package libsystemd

import (
	"errors"
	"time"

	"journalpump/pump"
)

const (
	readTime  = 200 * time.Millisecond // a reading ends after so long, full or not
	stampAge  = time.Minute            // from an entry's time until journald, which may be starved, has written it
	maxErrors = 1000                   // unreadable entries in one reading
)

// reading is what one request to read found.
type reading struct {
	places    []pump.Position
	flags     entryFlags
	corrupted uint64
}

// read answers a request for entries.
func (c *child) read(payload []byte) ([]byte, error) {
	var request readRequest
	if err := request.decode(payload); err != nil {
		return nil, err
	}
	var forget entryFlags
	if c.numbers.full() {
		c.numbers.forget()
		forget = flagForget
	}
	start, leapt, began := c.handle.at, c.handle.leapt, time.Now()
	c.handle.leapt = false
	r, err := c.collect(request, leapt)
	if err != nil {
		return nil, err
	}
	if !leapt && r.unsettled(began) {
		certain, same, err := c.sameAgain(start, r.places)
		if err != nil {
			return nil, err
		}
		if !same {
			c.numbers.forget() // the agent never sees those that this reading gave out
			forget = flagForget
			if err := c.handle.seek(start); err != nil {
				return nil, err
			}
			request.entries = max(1, certain)
			if r, err = c.collect(request, leapt); err != nil {
				return nil, err
			}
		}
	}
	return c.frame.append(beginFrame(c.reply, sayEntries), r.flags|forget, r.corrupted), nil
}

// collect reads entries into c.frame.
func (c *child) collect(request readRequest, leapt bool) (reading, error) {
	var r reading
	c.frame.reset()
	until := time.Now().Add(readTime)
	for c.frame.count < request.entries && uint64(len(c.frame.buf)) < request.bytes && r.corrupted < maxErrors {
		p, ok, err := c.handle.next()
		if errors.Is(err, errUnreadable) {
			r.corrupted++
			r.flags |= flagJumped
			continue
		}
		if err != nil {
			return r, err
		}
		if !ok {
			r.flags |= flagEnd
			break
		}
		c.before(p)
		dropped, err := c.data.read(c.handle.journal)
		if !leapt && c.unlinked.holds(&p, c.data) {
			r.flags |= flagEnd
			return r, c.handle.seek(c.handle.at)
		}
		if !follows(c.handle.at, p) {
			r.flags |= flagJumped
		}
		c.handle.at = p
		r.places = append(r.places, p)
		if !c.entry(p) || dropped > 0 || err != nil {
			r.corrupted++
		}
		if time.Now().After(until) {
			break
		}
	}
	return r, nil
}

// entry adds the entry whose fields were read; false if some of it is no field. Like journalctl it keeps one of which
// nothing could be read: that there was an entry is something, too.
func (c *child) entry(p pump.Position) bool {
	c.frame.begin()
	whole := true
	for data := range c.data.fields() {
		if validField(data) {
			c.numbers.add(&c.frame, data)
		} else {
			whole = false
		}
	}
	c.frame.finish(&p)
	return whole && c.frame.fields > 0
}

// validField reports whether data is NAME=value.
func validField(data []byte) bool {
	for i, b := range data {
		if b == '=' {
			return i > 0
		}
	}
	return false
}

// unsettled reports whether an entry may have been passed over that was written while the files were looked at one after
// the other: libsystemd asks each file for its next entry and takes the earliest, so that an entry written to the file
// asked first, just before a later one is written to the file asked last, is never returned. That takes a jump in the
// sequence numbers, and entries that were written since the reading began.
func (r *reading) unsettled(began time.Time) bool {
	if r.flags&flagJumped == 0 || len(r.places) == 0 {
		return false
	}
	last := time.UnixMicro(int64(r.places[len(r.places)-1].Realtime)) //nolint:gosec // 292,000 years
	return r.flags&flagEnd != 0 || began.Sub(last) < stampAge
}

// sameAgain goes over the places once more, now that all of their predecessors have been written, and leaves the journal
// at the last of them. If it comes to another entry instead of one of them, that is the one that was passed over, and so
// many entries are certain now: those up to it. Which of the later ones have predecessors is not known.
func (c *child) sameAgain(start pump.Position, places []pump.Position) (certain uint64, same bool, err error) {
	if err := c.handle.seek(start); err != nil {
		return 0, false, err
	}
	for unreadable := 0; certain < uint64(len(places)); {
		p, ok, err := c.handle.next()
		switch {
		case errors.Is(err, errUnreadable) && unreadable < maxErrors:
			unreadable++
		case err != nil:
			return 0, false, err
		case !ok:
			return certain, false, nil
		case p != places[certain]:
			return certain + 1, false, nil
		default:
			certain++
		}
	}
	c.handle.at = places[len(places)-1]
	return certain, true, nil
}
