package filters

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"journalpump/filters/condition"
	"journalpump/filters/convert"
	"journalpump/filters/jsontext"
	"journalpump/pump"
)

// Bounds of a stage's memory. What lies beyond them is not refused, only encoded anew for every entry.
const (
	maxTables     = 4        // tables a stage keeps, for the Dicts used last
	maxTableBytes = 16 << 20 // text of one table
	maxOwnNames   = 1 << 20  // bytes of names that a table has seen in chunks' own fields only
)

// maxValue is how much of a value is encoded. An entry with a longer one is too large whatever the limit.
const maxValue = 8 << 20

type nameID uint32 // index in table.names

// name is a plain name.
type name struct {
	plain  string // valid UTF-8
	folded string // as field filters compare it
	head   int32  // how long it is in a fragment, with comma and colon
}

// rawName is what is known of a field by its name alone.
type rawName struct {
	raw  string
	name nameID
	kind convert.Kind
	role role
	// Whether some fields of that name are watched for.
	watched bool
	head    []byte // `,"PLAIN":`
}

// role says what a field is needed for beside being shown.
type role uint8

const (
	roleNone     role = iota
	roleUnit          // SYSTEMD_UNIT, for unit log levels
	rolePriority      // PRIORITY, likewise
	roleMessage       // MESSAGE, which secrets are looked for in
	roleTime          // hidden by the entry's own time
)

func roleOf(plain string) role {
	switch plain {
	case "SYSTEMD_UNIT":
		return roleUnit
	case "PRIORITY":
		return rolePriority
	case "MESSAGE":
		return roleMessage
	case realtimeName, timestampName:
		return roleTime
	}
	return roleNone
}

// field is a field as every view of the stage shows it: a fragment of an object, `,"NAME":value`.
type field struct {
	at, n uint32 // where the fragment is in the text, and its length; 0 for a field that is never shown
	name  nameID
	flags fieldFlags
	level int8 // of a priority above 0
}

type fieldFlags uint8

const (
	flagUnit     fieldFlags = 1 << iota // names a unit
	flagPriority                        // is a priority above 0
	flagRedacted                        // the secret filters changed it
	flagCut                             // is longer than maxValue and cut
	flagWatched                         // passes a test of the stage's watch
)

// table holds the fields of a pump.Dict by index. What was handed out of it (slices of names, fields and text) is never
// changed, only appended to; all else is guarded by mu.
type table struct {
	dict  uint64
	watch *condition.Set // may be nil

	mu       sync.Mutex
	plains   map[string]nameID
	names    []name
	raws     map[string]uint32 // index in rawNames
	rawNames []rawName
	fields   []field
	dictRaws []uint32 // by index in fields: index in rawNames
	text     []byte
	ownNames int // bytes

	seen  []uint32 // by nameID: the last stamp it was seen under
	stamp uint32

	enc      encoder
	redacted []byte
}

func newTable(dict uint64, c *StageConfig) *table {
	return &table{
		dict:   dict,
		watch:  c.Watch,
		plains: make(map[string]nameID),
		raws:   make(map[string]uint32),
		enc:    encoder{mode: c.BinaryFields},
	}
}

// extend encodes the fields that the Dict has gained, as far as there is room.
func (t *table) extend(fields []pump.Field, secrets Redactor) {
	for i := len(t.fields); i < len(fields) && len(t.text) < maxTableBytes; i++ {
		var encoded field
		raw := t.rawName(fields[i].Name)
		t.text, encoded = t.encode(t.text, &t.rawNames[raw], fields[i].Value, secrets)
		if t.watches(&t.rawNames[raw], &fields[i]) {
			encoded.flags |= flagWatched
		}
		t.fields = append(t.fields, encoded)
		t.dictRaws = append(t.dictRaws, raw)
	}
}

// watches reports whether a field with that name is watched for.
func (t *table) watches(n *rawName, f *pump.Field) bool { return n.watched && t.watch.Passes(f) }

// ownName is rawName for a field that is not in the Dict.
func (t *table) ownName(raw string) uint32 {
	if i, ok := t.raws[raw]; ok {
		return i
	}
	t.ownNames += len(raw)
	return t.rawName(strings.Clone(raw)) // not to hold on to the chunk
}

// forgetOwnNames empties the table if fields that are not in the Dict have filled it with names.
func (t *table) forgetOwnNames() {
	if t.ownNames <= maxOwnNames {
		return
	}
	clear(t.plains)
	clear(t.raws)
	t.names, t.rawNames, t.fields, t.dictRaws, t.text, t.seen, t.ownNames = nil, nil, nil, nil, nil, nil, 0
}

// rawName returns the index of a name in rawNames.
func (t *table) rawName(raw string) uint32 {
	if i, ok := t.raws[raw]; ok {
		return i
	}
	plain := plainName(raw)
	if !utf8.ValidString(plain) {
		plain = string(convert.AppendText(nil, []byte(plain), convert.Replace))
	}
	head := append(jsontext.AppendString([]byte{','}, []byte(plain)), ':')
	id, ok := t.plains[plain]
	if !ok {
		id = nameID(len(t.names)) //nolint:gosec // bounded by memory
		t.plains[plain] = id
		t.names = append(t.names, name{plain: plain, folded: foldName(plain), head: int32(len(head))}) //nolint:gosec // of a name
		t.seen = append(t.seen, 0)
	}
	i := uint32(len(t.rawNames)) //nolint:gosec // bounded by memory
	t.rawNames = append(t.rawNames, rawName{
		raw: raw, name: id, kind: convert.KindOf(raw), role: roleOf(plain), watched: t.watch != nil && t.watch.Asks(raw), head: head,
	})
	t.raws[raw] = i
	return i
}

// nextStamp returns a stamp that no name was seen under.
func (t *table) nextStamp() uint32 {
	t.stamp++
	if t.stamp == 0 { // after 2^32 entries
		clear(t.seen)
		t.stamp = 1
	}
	return t.stamp
}

// encode appends a field's fragment to text.
func (t *table) encode(text []byte, n *rawName, value []byte, secrets Redactor) ([]byte, field) {
	f := field{at: uint32(len(text)), name: n.name} //nolint:gosec // see maxChunkText
	if n.role == roleTime {
		return text, f
	}
	text = append(text, n.head...)
	text, f.flags, f.level = t.encodeValue(text, n, value, secrets)
	f.n = uint32(len(text)) - f.at //nolint:gosec // see maxChunkText
	return text, f
}

// encodeValue appends a field's value as JSON to text.
func (t *table) encodeValue(text []byte, n *rawName, value []byte, secrets Redactor) ([]byte, fieldFlags, int8) {
	var flags fieldFlags
	if len(value) > maxValue {
		flags |= flagCut
		value = jsontext.Prefix(value, maxValue)
	}
	if n.role == roleMessage && secrets != nil {
		redacted, changed := t.redact(value, secrets)
		if changed {
			flags |= flagRedacted
		}
		return jsontext.AppendString(text, redacted), flags, 0
	}
	start := len(text)
	text = t.enc.appendValue(text, n.kind, value)
	var level int8
	switch {
	case n.role == roleUnit && len(value) > 0:
		flags |= flagUnit
	case n.role == rolePriority && n.kind == convert.Int && text[start] != '"':
		if level = smallInt(text[start:]); level > 0 {
			flags |= flagPriority
		}
	}
	return text, flags, level
}

// smallInt returns the value of a number that convert.AppendInt wrote, cut to the range of an int8.
func smallInt(number []byte) int8 {
	n, err := strconv.ParseInt(string(number), 10, 8)
	if err != nil && number[0] == '-' {
		return math.MinInt8
	} else if err != nil {
		return math.MaxInt8
	}
	return int8(n)
}

// redact returns value as text without secrets; it is valid until the next call.
func (t *table) redact(value []byte, secrets Redactor) (text []byte, changed bool) {
	text = t.enc.text(value)
	out, changed := secrets.Redact(t.redacted[:0], text)
	if !changed {
		return text, false
	}
	if !utf8.Valid(out) {
		out = bytes.ToValidUTF8(out, []byte("\uFFFD"))
	}
	t.redacted = out
	if cap(out) > maxScratch {
		t.redacted = nil
	}
	return out, true
}
