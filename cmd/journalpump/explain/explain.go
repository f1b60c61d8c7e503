package explain

import (
	"time"

	"journalpump/cmd/journalpump/config"
	"journalpump/filters"
	"journalpump/pump"
	"journalpump/readers/journal"
)

// Explainer explains the entries of one reader.
type Explainer struct {
	// All has fields listed, too, that are sent as they are.
	All bool

	config  *config.Config
	reader  *config.Reader
	units   journal.UnitFilter
	stage   *filters.Stage
	senders []*sender
}

// sender is a sender to be explained.
type sender struct {
	*config.Sender
	view    pump.View
	history *history
}

// View is a view that can explain itself.
type View interface {
	pump.View
	Explain(c *pump.Chunk, i int) filters.Explanation
	Stage() *filters.Stage
}

// New returns an explainer of a reader. spec is what the configuration builds of it; only the senders that are wanted are
// looked at. Its log must be read without units_to_match, so that this can be explained as well.
func New(c *config.Config, r *config.Reader, spec pump.ReaderSpec, wanted func(sender string) bool, state State) (*Explainer, error) {
	e := &Explainer{config: c, reader: r, units: journal.NewUnitFilter(r.Journal.Units)}
	for i, s := range r.Senders {
		view := spec.Senders[i].View
		if v, ok := view.(View); ok {
			e.stage = v.Stage()
		}
		if !wanted(s.Name) {
			continue
		}
		h, err := newHistory(c, r, s, state)
		if err != nil {
			return nil, err
		}
		e.senders = append(e.senders, &sender{s, view, h})
	}
	if e.stage == nil {
		e.stage = filters.NewStage(filters.StageConfig{}) // no sender, no secrets that would be hidden from one
	}
	return e, nil
}

// Entry explains entry i of a chunk.
func (e *Explainer) Entry(c *pump.Chunk, i int) Entry {
	at := &c.Entries[i].Position
	out := Entry{
		Reader:   e.reader.Name,
		Cursor:   at.String(),
		Time:     time.UnixMicro(int64(min(at.Realtime, 1<<62))),
		Unit:     e.text(c, i, "SYSTEMD_UNIT"),
		Priority: e.text(c, i, "PRIORITY"),
		Message:  e.text(c, i, "MESSAGE"),
		Senders:  []Sender{},
	}
	for _, s := range e.senders {
		out.Senders = append(out.Senders, e.sender(s, c, i))
	}
	return out
}

// text returns a field's value without secrets.
func (e *Explainer) text(c *pump.Chunk, i int, name string) string {
	value, _ := c.Lookup(i, name)
	return e.stage.Text(value)
}

func (e *Explainer) sender(s *sender, c *pump.Chunk, i int) Sender {
	out := Sender{Name: s.Name, Changes: []Change{}, Routes: []Route{}}
	switch view, ok := s.view.(View); {
	case !e.units.Wants(c, i):
		out.LeftOut = e.otherUnit(c, i)
	case ok:
		x := view.Explain(c, i)
		out.LeftOut = e.cause(s, &x)
		out.TooLong = x.TooLong
		for k := range x.Fields {
			e.change(&out, s, &x.Fields[k])
		}
		for _, r := range x.Routes {
			if len(s.Routes) > 0 {
				out.Routes = append(out.Routes, Route{r.Name, r.To, s.RouteFormat(r.Name)})
			}
		}
	case s.FlightRecorder != nil && s.FlightRecorder.Only:
		out.LeftOut = &LeftOut{Place: s.Setting("flight_recorder"), Why: "the sender gets only what its flight recorder dumps"}
	default: // of a kind that does not explain itself
		if !renders(s.view, c, i) {
			out.LeftOut = &LeftOut{Place: s.Setting("output_type"), Why: "the sender's own settings leave it out"}
		}
	}
	out.Gets = out.LeftOut == nil
	if !out.Gets && s.FlightRecorder != nil {
		out.LeftOut.Why += "; the flight recorder sends it nevertheless where it, or a later entry, lets that dump"
	}
	out.Delivery = s.history.of(&c.Entries[i].Position, out.Gets)
	return out
}

func renders(v pump.View, c *pump.Chunk, i int) bool {
	for _, r := range v.Render(c).Records {
		if r.Index == i {
			return true
		}
	}
	return false
}

func (e *Explainer) otherUnit(c *pump.Chunk, i int) *LeftOut {
	why := "the entry has no _SYSTEMD_UNIT"
	if unit, ok := c.Lookup(i, "SYSTEMD_UNIT"); ok {
		why = "the reader reads other units than " + e.stage.Text(unit)
	}
	return &LeftOut{Place: e.reader.Setting("units_to_match"), Why: why}
}
