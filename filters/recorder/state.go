package recorder

import (
	"cmp"
	"encoding/json"
	"slices"

	"journalpump/pump"
)

// memory is what a recorder knows at a place in the log. It goes with the sender's position, as text.
type memory struct {
	Dumps []uint64 `json:"dumps,omitempty"` // when those of the last hour were, in microseconds
	Keys  []known  `json:"keys,omitempty"`  // those with a dump not long ago, the last one at the end
}

// known is what is known of a key.
type known struct {
	Key    string `json:"key"`
	ID     string `json:"id"` // of the last dump
	Reason string `json:"reason"`
	At     uint64 `json:"at"`             // when that was
	Done   string `json:"done"`           // the cursor of the last of its entries that was dumped, or sent as one that follows
	Index  int    `json:"index"`          // the highest one of the dump and of what followed it, on any way
	Left   int    `json:"left,omitempty"` // so many of those that follow are still to be sent; -1: any number
	Until  uint64 `json:"until,omitempty"`
	// The routes that the dump went; nil for a sender without.
	Ways []string `json:"ways,omitempty"`
}

const (
	hour    = uint64(3600e6)
	maxKeys = 128
)

// remember returns what the state says. What is no state is none.
func remember(state string) *memory {
	m := &memory{}
	if state != "" && json.Unmarshal([]byte(state), m) != nil {
		return &memory{}
	}
	return m
}

func (m *memory) String() string {
	text, err := json.Marshal(m)
	if err != nil {
		return "" // there is nothing in it that cannot be written as JSON
	}
	return string(text)
}

// find returns what is known of a key, nil if that is nothing.
func (m *memory) find(key string) *known {
	if i := slices.IndexFunc(m.Keys, func(k known) bool { return k.Key == key }); i >= 0 {
		return &m.Keys[i]
	}
	return nil
}

// inLastHour returns how many dumps there were in the hour before.
func (m *memory) inLastHour(now uint64) int {
	n := 0
	for _, at := range m.Dumps {
		if within(at, now, hour) {
			n++
		}
	}
	return n
}

// within reports whether now is less than a span after then. A clock that was set back forgets.
func within(then, now, span uint64) bool { return then <= now && now-then < span }

// open reports whether some of what follows a dump is to be sent still, at a time or later.
func (m *memory) open(now uint64) bool {
	return slices.ContainsFunc(m.Keys, func(k known) bool { return k.open(now) })
}

func (k *known) open(now uint64) bool { return k.Left != 0 && (k.Until == 0 || now <= k.Until) }

// add notes a dump, and forgets those that have no say any more; those of keys have one for keep.
func (m *memory) add(k known, keep uint64) {
	m.Dumps = append(slices.DeleteFunc(m.Dumps, func(at uint64) bool { return !within(at, k.At, hour) }), k.At)
	m.Keys = slices.DeleteFunc(m.Keys, func(old known) bool {
		return old.Key == k.Key || keep != 0 && !within(old.At, k.At, keep) && !old.open(k.At)
	})
	m.Keys = append(m.Keys, k)
	m.Keys = slices.Delete(m.Keys, 0, max(0, len(m.Keys)-maxKeys))
}

// done returns the cursor of the key's last entry that was dealt with, the zero Cursor if there is none.
func (k *known) done() pump.Cursor {
	if k == nil {
		return pump.Cursor{}
	}
	p, err := pump.ParsePosition(k.Done)
	if err != nil {
		return pump.Cursor{}
	}
	return p.Cursor
}

// follows reports whether an entry comes after another.
func follows(c, other *pump.Cursor) bool {
	switch {
	case other.IsZero():
		return true
	case c.SeqnumID == other.SeqnumID:
		return c.Seqnum > other.Seqnum
	case c.BootID == other.BootID:
		return c.Monotonic > other.Monotonic
	}
	return cmp.Compare(c.Realtime, other.Realtime) > 0
}
