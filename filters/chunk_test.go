package filters

import (
	"journalpump/pump"
)

// chunker builds chunks as an iterator does: fields that occur in many entries are in the Dict.
type chunker struct {
	dict  *pump.Dict
	refs  map[string]pump.Ref // by NAME=value
	chunk *pump.Chunk
}

func newChunker() *chunker {
	return &chunker{dict: pump.NewDict(), refs: make(map[string]pump.Ref), chunk: &pump.Chunk{}}
}

func fieldOf(name, value string) pump.Field { return pump.Field{Name: name, Value: []byte(value)} }

// shared returns the Ref of a field in the Dict.
func (b *chunker) shared(f pump.Field) pump.Ref {
	key := f.Name + "=" + string(f.Value)
	r, ok := b.refs[key]
	if !ok {
		r = b.dict.Add(f)
		b.refs[key] = r
	}
	return r
}

// own returns the Ref of a field of the chunk's own.
func (b *chunker) own(f pump.Field) pump.Ref {
	b.chunk.Own = append(b.chunk.Own, f)
	return pump.OwnRef(len(b.chunk.Own) - 1)
}

func (b *chunker) entry(realtime uint64, refs ...pump.Ref) {
	first := uint32(len(b.chunk.Refs))
	b.chunk.Refs = append(b.chunk.Refs, refs...)
	b.chunk.Entries = append(b.chunk.Entries, pump.Entry{
		Position: pump.Cursor{Realtime: realtime, Seqnum: uint64(len(b.chunk.Entries)), Parts: pump.HasAll},
		First:    first,
		Last:     uint32(len(b.chunk.Refs)),
	})
}

// take returns the chunk and begins the next one, with the same Dict.
func (b *chunker) take() *pump.Chunk {
	c := b.chunk
	c.Dict = b.dict.Snapshot()
	b.chunk = &pump.Chunk{}
	return c
}
