package state

import (
	"bytes"
	"encoding/json"
	"time"

	"journalpump/pump"
)

// formatVersion is written as "format". The original's files have none. A change that an older journalpump would
// misread raises it; a key that is only new does not.
const formatVersion = 1

// The fields stand in the order of their keys, as the original sorts them.

type document struct {
	Format    int                   `json:"format"`
	Readers   map[string]*readerDoc `json:"readers"`
	SavedAt   stamp                 `json:"saved_at"`
	StartTime pythonTime            `json:"start_time"`
}

type readerDoc struct {
	Corrupted  int64                 `json:"corrupted"`
	Cursor     cursor                `json:"cursor"`
	Gaps       gapsDoc               `json:"gaps"`
	Searches   map[string]int64      `json:"searches"`
	Senders    map[string]*senderDoc `json:"senders"`
	Sequences  sequences             `json:"sequences,omitempty"`
	Spooled    spooledDoc            `json:"spooled"`
	Stalls     int64                 `json:"stalls"`
	TotalBytes int64                 `json:"total_bytes"`
	TotalLines int64                 `json:"total_lines"`
	Waiting    *string               `json:"waiting"`
}

type spooledDoc struct {
	Bytes   int64 `json:"bytes"`
	Entries int64 `json:"entries"`
}

type senderDoc struct {
	Buffer      bufferDoc     `json:"buffer"`
	DeadLetters int64         `json:"dead_letters"`
	First       cursor        `json:"first"`
	Gaps        gapsDoc       `json:"gaps"`
	Health      healthDoc     `json:"health"`
	Lag         lagDoc        `json:"lag"`
	LastError   *lastErrorDoc `json:"last_error"`
	LastSent    stamp         `json:"last_sent"`
	Ledger      ledgerDoc     `json:"ledger"`
	Recorder    *recorderDoc  `json:"recorder,omitempty"`
	Marks       []markDoc     `json:"marks"`
	Sees        string        `json:"sees"`
	Sent        sentDoc       `json:"sent"`
	Stalls      int64         `json:"stalls"`
	Started     *bool         `json:"started"` // nil: the original's, which has no such key
	Type        string        `json:"type"`
	Vacuum      *vacuumDoc    `json:"vacuum"`
}

type vacuumDoc struct {
	Seconds float64 `json:"seconds"`
}

type bufferDoc struct {
	CurrentQueue int64  `json:"current_queue"`
	Cursor       cursor `json:"cursor"`
	EntryNum     int64  `json:"entry_num"`
	TotalSize    int64  `json:"total_size"`
}

type healthDoc struct {
	Elapsed float64  `json:"elapsed"` // seconds
	Errors  []string `json:"errors"`
	Since   stamp    `json:"since"`
	Status  string   `json:"status"`
}

type lagDoc struct {
	Entries int64   `json:"entries"`
	Seconds float64 `json:"seconds"`
	Tail    cursor  `json:"tail"`
}

type lastErrorDoc struct {
	Text string `json:"text"`
	Time stamp  `json:"time"`
}

type ledgerDoc struct {
	Accepted     int64 `json:"accepted"`
	DeadLettered int64 `json:"dead_lettered"`
	Filtered     int64 `json:"filtered"`
	InFlight     int64 `json:"in_flight"`
	Read         int64 `json:"read"`
	Recalled     int64 `json:"recalled,omitempty"`
}

// recorderDoc is what the flight recorder knows; nil if that is nothing.
type recorderDoc struct {
	Left  int    `json:"left,omitempty"`
	Of    string `json:"of,omitempty"`
	State string `json:"state"`
}

func newRecorderDoc(s pump.RecorderState) *recorderDoc {
	if s == (pump.RecorderState{}) {
		return nil
	}
	return &recorderDoc{Left: s.Left, Of: s.Of, State: s.State}
}

func (d *recorderDoc) state() pump.RecorderState {
	if d == nil {
		return pump.RecorderState{}
	}
	return pump.RecorderState{Left: d.Left, Of: d.Of, State: d.State}
}

type sentDoc struct {
	Bytes     int64     `json:"bytes"`
	Count     int64     `json:"count"`
	Cursor    cursor    `json:"cursor"`
	Sequences sequences `json:"sequences,omitempty"`
}

type markDoc struct {
	Cursor    cursor    `json:"cursor"`
	First     cursor    `json:"first"`
	Gaps      int64     `json:"gaps"`
	Ledger    ledgerDoc `json:"ledger"`
	Sequences sequences `json:"sequences,omitempty"`
	Time      stamp     `json:"time"`
}

type gapsDoc struct {
	Count   int64    `json:"count"`
	Entries int64    `json:"entries"`
	Last    []gapDoc `json:"last"`
}

type gapDoc struct {
	Count    uint64 `json:"count"`
	First    uint64 `json:"first"`
	From     uint64 `json:"from"` // microseconds since 1970, as the journal has them
	Last     uint64 `json:"last"`
	Reason   string `json:"reason"`
	SeqnumID id128  `json:"seqnum_id"`
	To       uint64 `json:"to"`
}

// cursor is a position as systemd writes it; null before the first entry.
type cursor pump.Position

func (c cursor) MarshalJSON() ([]byte, error) {
	p := pump.Position(c)
	if p.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(p.String())
}

func (c *cursor) UnmarshalJSON(b []byte) error {
	var s string // stays "" with null, which is the zero position
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	p, err := pump.ParsePosition(s)
	*c = cursor(p)
	return err
}

// sequences say for each sequence of a log up to which number it was read, that of the cursor included: to a cursor that somebody
// put in by hand they do not belong.
type sequences map[string]uint64

func newSequences(p pump.Position) sequences {
	if !p.Whole || p.Parts&pump.HasSeqnum == 0 {
		return nil
	}
	s := sequences{p.SeqnumID.String(): p.Seqnum}
	for _, r := range p.Reached() {
		s[r.SeqnumID.String()] = r.Seqnum
	}
	return s
}

// position returns the position of the cursor that the sequences belong to; without them if they don't.
func (s sequences) position(c cursor) pump.Position {
	p := pump.Position(c)
	own, ok := s[p.SeqnumID.String()]
	if !ok || p.Parts&pump.HasSeqnum == 0 || own != p.Seqnum {
		return p
	}
	all := make([]pump.Reached, 0, len(s))
	for text, seqnum := range s {
		id, err := pump.ParseID128(text)
		if err != nil {
			return p
		}
		all = append(all, pump.Reached{SeqnumID: id, Seqnum: seqnum})
	}
	p.SetOthers(all)
	return p
}

type id128 pump.ID128

func (id id128) MarshalJSON() ([]byte, error) { return json.Marshal(pump.ID128(id).String()) }

func (id *id128) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil || s == "" {
		return err
	}
	parsed, err := pump.ParseID128(s)
	*id = id128(parsed)
	return err
}

// stamp is a time as RFC 3339 in UTC with microseconds; null when there is none, or none that RFC 3339 can write.
type stamp time.Time

const stampLayout = "2006-01-02T15:04:05.000000Z07:00"

func (t stamp) MarshalJSON() ([]byte, error) { return marshalTime(time.Time(t), stampLayout) }

func (t *stamp) UnmarshalJSON(b []byte) error { return unmarshalTime(b, (*time.Time)(t), time.RFC3339) }

// pythonTime is a time in UTC as Python's datetime.isoformat() writes it: without a zone, and without a fraction when
// the microseconds are 0.
type pythonTime time.Time

const pythonLayout = "2006-01-02T15:04:05"

func (t pythonTime) MarshalJSON() ([]byte, error) {
	layout := pythonLayout
	if time.Time(t).Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	return marshalTime(time.Time(t), layout)
}

func (t *pythonTime) UnmarshalJSON(b []byte) error {
	return unmarshalTime(b, (*time.Time)(t), pythonLayout) // Parse takes a fraction whether the layout has one or not
}

func marshalTime(t time.Time, layout string) ([]byte, error) {
	t = t.UTC()
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return []byte("null"), nil
	}
	return t.AppendFormat(nil, `"`+layout+`"`), nil
}

func unmarshalTime(b []byte, t *time.Time, layout string) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil || s == "" {
		return err
	}
	parsed, err := time.Parse(layout, s)
	*t = parsed.UTC()
	return err
}

func (d *document) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	err := e.Encode(d)
	return b.Bytes(), err
}
