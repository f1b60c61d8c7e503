package filters

import (
	"slices"
	"sync"

	"journalpump/filters/condition"
	"journalpump/filters/convert"
	"journalpump/pump"
)

// A Searcher runs a reader's searches. It may be used concurrently.
type Searcher interface {
	// Search sets matched[i] for every entry of c that at least one search matched; matched has as many elements as
	// c.Entries, all false. It sees the entries as the log has them.
	Search(c *pump.Chunk, matched []bool) ([]pump.SearchHit, []pump.SlowSearch)
}

// A Redactor replaces secrets in a text. It may be used concurrently.
type Redactor interface {
	// Redact returns src itself and false if it holds no secret, else the text without them, for which it may use the
	// memory of dst, which is empty and does not overlap src.
	Redact(dst, src []byte) (out []byte, changed bool)
}

// StageConfig is what all senders of a reader share. The zero value lets everything pass.
type StageConfig struct {
	Matches      []*Match // all must hold
	Searches     Searcher // if not nil, entries that no search matches do not pass
	Secrets      Redactor // applied to MESSAGE; may be nil
	Exclude      *Self    // entries that do not pass; may be nil
	BinaryFields convert.BinaryMode
	// What Stage.Watched looks for; may be nil. It is asked about each field once, as the log has it, and no more often than
	// fields are encoded.
	Watch *condition.Set
}

// cause says whether entry i of c passes, searches left out, and if not which of the matches it fails.
func (s *StageConfig) cause(c *pump.Chunk, i int, w *matchWork) (why Cause, match int) {
	if s.Exclude != nil && s.Exclude.wrote(c, i) {
		return OurOwn, 0
	}
	for n, m := range s.Matches {
		if !m.holds(c, i, w) {
			return ReaderMatch, n
		}
	}
	return Shown, 0
}

// Stage is the reader's part of filtering and encoding: what all its views share. Per chunk it works once.
type Stage struct {
	config StageConfig

	mu     sync.Mutex
	tables []*table // the one used last first
}

// NewStage returns a stage.
func NewStage(c StageConfig) *Stage { return &Stage{config: c} }

const timestampName = "timestamp"

// staged is what the stage made of a chunk. It is immutable.
type staged struct {
	entries  []stagedEntry // those that passed
	refs     []pump.Ref    // of entries whose fields are not simply the chunk's: see stagedEntry.resolved
	dict     []field       // by index in Chunk.Dict.Fields, of which it may lack some
	dictText []byte
	own      []field    // by index in Chunk.Own, and then what resolving made …
	origins  []pump.Ref // … of these fields of the chunk (of a list: its first)
	text     []byte     // of own and of the times
	names    []name

	hits          []pump.SearchHit
	slow          []pump.SlowSearch
	secretMatches int64
	watched       []uint32 // in Chunk.Entries, those of entries
}

// stagedEntry is an entry that passed. Its fields have different plain names, and each has a fragment.
type stagedEntry struct {
	index       uint32 // in Chunk.Entries
	first, last uint32 // its fields are [first:last] of Chunk.Refs, or of staged.refs if resolved
	resolved    bool
	cut         bool // has a field with flagCut
	level       int8 // its priority, if it is above 0 and the entry has a unit
	// Its own time, as two fragments one after the other in staged.text.
	realtimeLen, isoLen uint8
	times               uint32
	unit                pump.Ref // if level is not 0
	size                int      // of its fields' fragments
}

func (s *staged) refsOf(c *pump.Chunk, e *stagedEntry) []pump.Ref {
	if e.resolved {
		return s.refs[e.first:e.last]
	}
	return c.Refs[e.first:e.last]
}

func (s *staged) field(r pump.Ref) (f *field, text []byte) {
	if i, ok := r.Dict(); ok {
		return &s.dict[i], s.dictText
	}
	return &s.own[ownIndex(r)], s.text
}

// chunkField returns the field of the chunk behind r.
func (s *staged) chunkField(c *pump.Chunk, r pump.Ref) *pump.Field {
	if i, inDict := r.Dict(); !inDict && i >= len(c.Own) {
		r = s.origins[i-len(c.Own)]
	}
	return c.Field(r)
}

// ownIndex is the inverse of pump.OwnRef.
func ownIndex(r pump.Ref) int {
	i, _ := r.Dict()
	return i
}

func (s *staged) realtime(e *stagedEntry) []byte {
	return s.text[e.times:][:e.realtimeLen]
}

func (s *staged) iso(e *stagedEntry) []byte {
	return s.text[e.times+uint32(e.realtimeLen):][:e.isoLen]
}

func (s *Stage) stage(c *pump.Chunk) *staged {
	return c.Memo(s, func() any { return s.compute(c) }).(*staged) //nolint:forcetypeassert // our own memo
}

func (s *Stage) compute(c *pump.Chunk) *staged {
	out := &staged{}
	var matched []bool
	if s.config.Searches != nil {
		matched = make([]bool, len(c.Entries))
		out.hits, out.slow = s.config.Searches.Search(c, matched)
	}
	t := s.table(c.Dict.ID)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetOwnNames()
	t.extend(c.Dict.Fields, s.config.Secrets)
	b := newBuilder(s, t, c, out)
	for i := range c.Entries {
		if (matched == nil || matched[i]) && b.matches(i) {
			b.add(i)
		}
	}
	out.dict, out.dictText, out.names = t.fields, t.text, t.names
	return out
}

// Watched returns the indices, in Chunk.Entries, of the entries that pass the stage and have a field that passes a test of
// StageConfig.Watch, in order. They must not be changed.
func (s *Stage) Watched(c *pump.Chunk) []uint32 { return s.stage(c).watched }

// table returns the table for a Dict and drops the one that was not used for longest.
func (s *Stage) table(dict uint64) *table {
	if dict == 0 { // not made by pump.NewDict, so nothing is known about the next one with that ID
		return newTable(dict, &s.config)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tables, func(t *table) bool { return t.dict == dict })
	if i < 0 {
		s.tables = append(s.tables, newTable(dict, &s.config))
		i = len(s.tables) - 1
	}
	t := s.tables[i]
	copy(s.tables[1:i+1], s.tables[:i])
	s.tables[0] = t
	if len(s.tables) > maxTables {
		s.tables[maxTables] = nil
		s.tables = s.tables[:maxTables]
	}
	return t
}
