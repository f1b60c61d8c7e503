package explain

import (
	"time"

	"journalpump/cmd/journalpump/config"
)

// Entry is what there is to say about an entry of one reader. It holds no secrets that the reader's secret filters find.
type Entry struct {
	Reader   string    `json:"reader"`
	Cursor   string    `json:"cursor"`
	Time     time.Time `json:"time"`
	Unit     string    `json:"unit"`
	Priority string    `json:"priority"` // as the journal has it
	Message  string    `json:"message"`
	Senders  []Sender  `json:"senders"`
}

// Sender is what becomes of an entry for one sender.
type Sender struct {
	Name     string   `json:"sender"`
	Gets     bool     `json:"gets"`
	LeftOut  *LeftOut `json:"left_out"` // nil if it gets it
	Delivery Delivery `json:"delivery"`
	TooLong  bool     `json:"too_long"` // what is sent is cut
	Routes   []Route  `json:"routes"`   // that it goes; empty where the sender has none
	Changes  []Change `json:"changes"`  // how what is sent differs from the entry
	Same     int      `json:"same"`     // fields that are sent as they are
}

// Route is a way that an entry goes.
type Route struct {
	Name   string `json:"route"`
	To     string `json:"to"`     // "": the sender's own place
	Format string `json:"format"` // "": as the sender sees it
}

// LeftOut says why a sender does not get an entry.
type LeftOut struct {
	config.Place
	Why string `json:"why"`
}

// Delivery says how an entry stands to what the sender has delivered.
type Delivery struct {
	Status Status `json:"status"`
	Why    string `json:"why"`
}

// Status is a Delivery in a word.
type Status string

// The statuses.
const (
	Delivered  Status = "delivered"   // before the sender's position, and it gets it
	Passed     Status = "passed"      // before the position, and left out
	ToCome     Status = "to come"     // after the position
	InGap      Status = "gap"         // in a recorded gap
	DeadLetter Status = "dead letter" // refused for good
	Before     Status = "before"      // before where the sender began
	Unknown    Status = "unknown"
)

// Change is how a field differs.
type Change struct {
	Field  string         `json:"field"`
	Kind   string         `json:"kind"` // "same", "redacted", "left out", "replaced", "hidden", "added", "not added"
	Before string         `json:"before,omitempty"`
	After  string         `json:"after,omitempty"`
	By     []config.Place `json:"by,omitempty"`
	Note   string         `json:"note,omitempty"`
}
