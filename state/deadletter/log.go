package deadletter

import (
	"context"
	"encoding/json"
	"fmt"

	"journalpump/pump"
)

// So much is a chunk at most.
const (
	chunkLetters = 1000
	chunkBytes   = 1 << 20
)

// Seek implements pump.Log: wherever reading starts, it is before the first letter.
func (l *Letters) Seek(context.Context, pump.Start) (pump.Position, error) {
	return pump.Position{}, nil
}

// Open implements pump.Log.
func (l *Letters) Open(_ context.Context, after pump.Position) (pump.Iterator, error) {
	next := 0
	if !after.IsZero() {
		at, ok := l.at[after]
		if !ok {
			return nil, fmt.Errorf("no dead letter has the cursor %s", after)
		}
		next = at + 1
	}
	return &iterator{letters: l, next: next, dict: pump.NewDict()}, nil
}

// Lag implements pump.Meter.
func (l *Letters) Lag(_ context.Context, pos pump.Position) (pump.Lag, error) {
	left := len(l.found)
	if at, ok := l.at[pos]; ok {
		left -= at + 1
	}
	return pump.Lag{Entries: int64(left)}, nil
}

type iterator struct {
	letters *Letters
	next    int
	dict    *pump.Dict
}

// Next implements pump.Iterator.
func (i *iterator) Next(ctx context.Context) (*pump.Chunk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &pump.Chunk{Dict: i.dict.Snapshot()}
	for i.next < len(i.letters.found) && len(c.Entries) < chunkLetters && c.Bytes < chunkBytes {
		l := &i.letters.found[i.next]
		body, route, err := i.letters.read(l)
		if err != nil {
			return nil, err
		}
		addEntry(c, l.position, body, route)
		c.To = l.position
		i.next++
	}
	if len(c.Entries) == 0 {
		return nil, pump.ErrNoMore
	}
	return c, nil
}

// read reads a letter again.
func (l *Letters) read(at *letter) (body []byte, route string, err error) {
	text := make([]byte, at.length)
	if n, err := l.file.ReadAt(text, at.offset); n < len(text) {
		return nil, "", fmt.Errorf("reading a dead letter: %w", err)
	}
	parsed, err := parseLine(text)
	if err != nil {
		return nil, "", fmt.Errorf("the dead letters were changed meanwhile: %w", err)
	}
	body, err = parsed.body()
	return body, parsed.Route, err
}

// Where a chunk has an entry's body and the name of its route. No field of a journal is called so.
const (
	bodyField  = "\x00body"
	routeField = "\x00route"
)

// addEntry adds an entry with the fields of its body, which is all there is of it.
func addEntry(c *pump.Chunk, at pump.Position, body []byte, route string) {
	first := uint32(len(c.Refs)) //nolint:gosec // small
	add := func(name string, value []byte) {
		c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)))
		c.Own = append(c.Own, pump.Field{Name: name, Value: value})
		c.Bytes += len(name) + len(value)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) == nil {
		for name, value := range fields {
			add(name, valueOf(value))
		}
	}
	add(bodyField, body)
	if route != "" {
		add(routeField, []byte(route))
	}
	c.Entries = append(c.Entries, pump.Entry{Position: at.Cursor, First: first, Last: uint32(len(c.Refs))}) //nolint:gosec // small
}

// valueOf returns a field's value as the journal has it; of a list, as with a field that occurs several times, the last.
func valueOf(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return valueOf(list[len(list)-1])
	}
	return raw
}

// Wait implements pump.Iterator: there will be no more.
func (i *iterator) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Close implements pump.Iterator.
func (i *iterator) Close() error { return nil }

// View shows the letters of a Letters as they were when they were refused: filtered, redacted and encoded.
type View struct {
	Routes map[string]*pump.Route // the sender's; what went by one that is gone goes to the sender's own place
}

// Render implements pump.View. As with the views of filters, a newline follows each body in memory.
func (v *View) Render(c *pump.Chunk) *pump.Rendered {
	rendered, _ := c.Memo(v, func() any { return v.render(c) }).(*pump.Rendered)
	return rendered
}

func (v *View) render(c *pump.Chunk) *pump.Rendered {
	r := &pump.Rendered{Records: make([]pump.Record, len(c.Entries))}
	arena := make([]byte, 0, c.Bytes+len(c.Entries))
	for i := range c.Entries {
		body, _ := c.Lookup(i, bodyField)
		start := len(arena)
		arena = append(arena, body...)
		end := len(arena)
		arena = append(arena, '\n')
		r.Records[i] = pump.Record{Body: arena[start:end], Chunk: c, Index: i}
		if name, ok := c.Lookup(i, routeField); ok {
			r.Records[i].Route = v.Routes[string(name)]
		}
		r.Bytes += len(body)
	}
	return r
}

// Inspector counts nothing: the letters were counted when they were read from their journal.
type Inspector struct{}

// Inspect implements pump.Inspector.
func (Inspector) Inspect(*pump.Chunk) pump.Inspection { return pump.Inspection{} }
