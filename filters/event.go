package filters

import (
	"journalpump/filters/condition"
	"journalpump/internal/conf"
)

// EventConfig is one of the configuration's events: a condition, and what it says of a session.
type EventConfig struct {
	When    condition.Config
	Session Session
}

// Session says that an event begins a session or ends one.
type Session string

// What an event may be to a session.
const (
	SessionNone  Session = ""
	SessionStart Session = "start" // formats add "connecting": true
	SessionEnd   Session = "end"   // formats add "disconnecting": true
)

// ConfValues implements conf.Enum.
func (Session) ConfValues() []string { return []string{string(SessionStart), string(SessionEnd)} }

// DecodeConf implements conf.Decoder. A list is of conditions of which one must hold.
func (e *EventConfig) DecodeConf(v conf.Value) error {
	o, ok := v.Object()
	if !ok {
		return e.When.DecodeConf(v)
	}
	var clause condition.Clause
	var also struct {
		Session Session `json:"session"`
	}
	if o.Decode(&clause, &also) {
		clause.Validate(o)
	}
	e.When, e.Session = condition.Config{clause}, also.Session
	return nil
}
