package filters

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"journalpump/filters/jsontext"
	"journalpump/pump"
)

// Cause says what leaves an entry out.
type Cause uint8

// The causes, in the order in which they are looked for: the first that applies counts.
const (
	Shown       Cause = iota // nothing does
	NoSearch                 // the reader has searches, and none matches
	OurOwn                   // it was written by journalpump itself
	ReaderMatch              // one of StageConfig.Matches does not hold
	UnitLevel                // it is less severe than its unit's log level
	SenderMatch              // ViewConfig.Match does not hold
	NoRoute                  // it goes none of ViewConfig.Routes
)

// A Masker is a Redactor that can tell what it does without giving away the secrets.
type Masker interface {
	Redactor
	// Mask returns src with stars in place of what Redact takes out, and the indices of the filters that do so. Where Redact
	// changes nothing it returns src itself and none.
	Mask(src []byte) (masked []byte, by []int)
}

// Explanation is what a view does with one entry, and why. It holds no secrets that the stage's Redactor, if it is a Masker,
// finds in any field.
type Explanation struct {
	Cause Cause
	Index int // with ReaderMatch: in StageConfig.Matches; with UnitLevel: of the rule

	// With ReaderMatch and SenderMatch.
	Key  string // the field that was compared
	Got  string // what it is, as JSON; "" if the entry lacks it
	Want string // what it should have been

	// With UnitLevel.
	Unit         string
	Level, Limit int8 // the entry's priority, and the highest that passes

	Fields  []FieldFate   // with Shown: of each field, those that are shown in the order of the record
	TooLong bool          // with Shown: the record is cut
	Routes  []*pump.Route // with Shown: those that it goes; nil where there are none
}

// Fate is what becomes of a field.
type Fate uint8

// The fates.
const (
	Kept     Fate = iota // is sent as it is
	Redacted             // is sent without its secrets
	LeftOut              // the field filter leaves it out
	Replaced             // an extra field takes its place
	Hidden               // another field that is called the same without underscores counts, or the entry's own time
	Added                // an extra field
	NotAdded             // an extra field that the field filter leaves out
)

// FieldFate is what becomes of a field.
type FieldFate struct {
	Name   string // as the sender sees it
	Raw    string // as the log has it; "" if it is not the log's
	Fate   Fate
	Before string // as JSON, before anything was done to it, secrets masked; "" if it was not there, or is Hidden
	After  string // as JSON, as it is sent; "" if it is not
	By     []int  // with Redacted: the secret filters that changed it, by index
	// Secret says that it has, in the clear, what the secret filters would take out of a MESSAGE. Before and After are then
	// masked.
	Secret bool
}

// Stage returns the stage that the view is of.
func (v *View) Stage() *Stage { return v.stage }

// Explain says what the view does with entry i of a chunk. It asks what Render asks, and is for people to look at: it does
// not share its work as Render does.
func (v *View) Explain(c *pump.Chunk, i int) Explanation {
	s := v.stage.stage(c)
	at, passed := slices.BinarySearchFunc(s.entries, i, func(e stagedEntry, i int) int { return cmp.Compare(int(e.index), i) })
	if !passed {
		return v.stage.explain(c, i)
	}
	r := v.newRendering(c, s)
	e := &s.entries[at]
	x := explainer{stage: v.stage, view: v, chunk: c, staged: s, work: &r.match}
	switch why := r.cause(e); why {
	case UnitLevel:
		return x.level(e)
	case SenderMatch:
		return x.match(why, i, v.match)
	default:
		if v.router != nil && !v.router.takes(c, i) {
			return Explanation{Cause: NoRoute}
		}
		x.fates(e)
		all := v.render(c)
		_, x.out.TooLong = slices.BinarySearch(all.tooLong, e.index)
		for _, r := range all.Of(i) {
			if r.Route != nil {
				x.out.Routes = append(x.out.Routes, r.Route)
			}
		}
		return x.out
	}
}

// explain says why an entry does not pass the stage.
func (s *Stage) explain(c *pump.Chunk, i int) Explanation {
	work := matchWork{enc: encoder{mode: s.config.BinaryFields}}
	one := &pump.Chunk{Entries: c.Entries[i : i+1], Refs: c.Refs, Own: c.Own, Dict: c.Dict}
	if s.config.Searches != nil {
		matched := make([]bool, 1)
		s.config.Searches.Search(one, matched)
		if !matched[0] {
			return Explanation{Cause: NoSearch}
		}
	}
	why, n := s.config.cause(one, 0, &work)
	if why != ReaderMatch {
		return Explanation{Cause: why}
	}
	x := explainer{stage: s, chunk: one, work: &work}
	x.out.Index = n
	return x.match(why, 0, s.config.Matches[n])
}

// Mask returns text with stars in place of what the stage's secret filters would take out of a message.
func (s *Stage) Mask(text []byte) (masked []byte, by []int) {
	if m, ok := s.config.Secrets.(Masker); ok {
		return m.Mask(text)
	}
	return text, nil
}

// Text returns a field's value as senders see text, secrets masked.
func (s *Stage) Text(value []byte) string {
	enc := encoder{mode: s.config.BinaryFields}
	masked, _ := s.Mask(enc.text(jsontext.Prefix(value, maxValue)))
	return string(masked)
}

// explainer explains one entry.
type explainer struct {
	stage  *Stage
	view   *View
	chunk  *pump.Chunk
	staged *staged
	work   *matchWork
	out    Explanation
}

func (x *explainer) level(e *stagedEntry) Explanation {
	unit := x.work.enc.text(x.staged.chunkField(x.chunk, e.unit).Value)
	x.out.Cause, x.out.Level = UnitLevel, e.level
	x.out.Index = x.view.levels.rule(unit)
	x.out.Limit = x.view.levels.limit(unit)
	x.out.Unit = string(unit)
	return x.out
}

// match explains a match that entry i fails.
func (x *explainer) match(why Cause, i int, m *Match) Explanation {
	x.out.Cause, x.out.Key, x.out.Want = why, m.key, string(m.value)
	value, ok := m.compared(x.chunk, i, x.work)
	switch {
	case ok && value == nil:
		x.out.Got = `"…"` // longer than anything is compared
	case ok:
		x.out.Got, _ = x.masked(value)
	}
	return x.out
}

// fates says what becomes of each field of an entry that is shown.
func (x *explainer) fates(e *stagedEntry) {
	shown := make(map[string]bool) // raw names
	for _, ref := range x.staged.refsOf(x.chunk, e) {
		f, text := x.staged.field(ref)
		raw := x.staged.chunkField(x.chunk, ref).Name
		if f.n == 0 {
			continue // the entry's own time counts
		}
		shown[raw] = true
		n := &x.staged.names[f.name]
		x.add(n, raw, text[f.at:f.at+f.n], f.flags&flagRedacted != 0, int(e.index))
	}
	for _, ref := range x.chunk.Fields(int(e.index)) {
		if raw := x.chunk.Field(ref).Name; !shown[raw] {
			shown[raw] = true
			x.out.Fields = append(x.out.Fields, FieldFate{Name: plainName(raw), Raw: raw, Fate: Hidden})
		}
	}
	x.add(&name{plain: realtimeName, folded: foldName(realtimeName)}, "", x.staged.realtime(e), false, 0)
	x.add(&name{plain: timestampName, folded: timestampName}, "", x.staged.iso(e), false, 0)
	for i := range x.view.extra {
		x.extra(&x.view.extra[i])
	}
}

// add adds a field of the entry: its fragment is what the stage made of it.
func (x *explainer) add(n *name, raw string, fragment []byte, redacted bool, entry int) {
	_, value, _ := bytes.Cut(fragment, appendHead(nil, n.plain))
	f := FieldFate{Name: n.plain, Raw: raw}
	if redacted {
		f.Before, f.By = x.before(raw, entry)
		f.After = string(value)
		f.Fate = Redacted
	} else {
		f.Before, f.Secret = x.masked(value)
		f.After = f.Before
	}
	if !x.view.shows(n) {
		f.After = ""
		f.Fate = LeftOut
		if _, ok := x.view.replaced[n.plain]; ok {
			f.Fate = Replaced
		}
	}
	x.out.Fields = append(x.out.Fields, f)
}

func (x *explainer) extra(e *ExtraField) {
	f := FieldFate{Name: e.Name, Fate: NotAdded}
	if x.view.filter.keeps(foldName(e.Name)) {
		fragment, _ := e.appendFragment(nil) // NewView has seen that it can be done
		f.Fate = Added
		f.After = string(fragment[len(appendHead(nil, e.Name)):])
	}
	x.out.Fields = append(x.out.Fields, f)
}

// appendHead appends what comes before a field's value.
func appendHead(dst []byte, plain string) []byte {
	return append(jsontext.AppendString(append(dst, ','), bytes.ToValidUTF8([]byte(plain), []byte("\uFFFD"))), ':')
}

// before returns, as JSON, what a field was before it was redacted, masked, and which filters did that.
func (x *explainer) before(raw string, entry int) (text string, by []int) {
	var list []string
	for _, ref := range x.chunk.Fields(entry) {
		f := x.chunk.Field(ref)
		if f.Name != raw {
			continue
		}
		masked, changed := x.stage.Mask(x.work.enc.text(jsontext.Prefix(f.Value, maxValue)))
		by = append(by, changed...)
		list = append(list, string(jsontext.AppendString(nil, masked)))
	}
	slices.Sort(by)
	by = slices.Compact(by)
	if len(list) == 1 {
		return list[0], by
	}
	return "[" + strings.Join(list, ",") + "]", by
}

// masked returns a value as JSON without secrets, and whether there were any.
func (x *explainer) masked(value []byte) (text string, secret bool) {
	var one string
	var list []json.RawMessage
	switch {
	case json.Unmarshal(value, &one) == nil && string(value) != "null":
		masked, by := x.stage.Mask([]byte(one))
		if len(by) == 0 {
			return string(value), false
		}
		return string(jsontext.AppendString(nil, masked)), true
	case json.Unmarshal(value, &list) == nil && string(value) != "null":
		texts := make([]string, len(list))
		for i, v := range list {
			var hidden bool
			texts[i], hidden = x.masked(v)
			secret = secret || hidden
		}
		if !secret {
			return string(value), false
		}
		return "[" + strings.Join(texts, ",") + "]", true
	}
	return string(value), false
}
