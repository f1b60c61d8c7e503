package search

import (
	"strings"

	"journalpump/pump"
)

// chunker makes chunks out of entries as an iterator would: what is marked as shared is in the Dict.
type chunker struct {
	dict *pump.Dict
	refs map[string]pump.Ref
}

func newChunker() *chunker { return &chunker{dict: pump.NewDict(), refs: map[string]pump.Ref{}} }

// chunk makes a chunk; every entry is a list of NAME=value.
func (b *chunker) chunk(shared func(field string) bool, entries ...[]string) *pump.Chunk {
	c := &pump.Chunk{}
	for _, fields := range entries {
		e := pump.Entry{First: uint32(len(c.Refs))}
		for _, text := range fields {
			name, value, _ := strings.Cut(text, "=")
			f := pump.Field{Name: name, Value: []byte(value)}
			if !shared(text) {
				c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)))
				c.Own = append(c.Own, f)
				continue
			}
			ref, ok := b.refs[text]
			if !ok {
				ref = b.dict.Add(f)
				b.refs[text] = ref
			}
			c.Refs = append(c.Refs, ref)
		}
		e.Last = uint32(len(c.Refs))
		c.Entries = append(c.Entries, e)
	}
	c.Dict = b.dict.Snapshot()
	return c
}

func allShared(string) bool { return true }
func noneShared(string) bool {
	return false
}
func notMessage(field string) bool { return !strings.HasPrefix(field, "MESSAGE=") }
