package explain

import (
	"fmt"
	"io"
	"strings"
)

// Colours of a terminal, as SGR parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// Write writes an entry for people, coloured or not.
func (e *Entry) Write(w io.Writer, colours bool) error {
	b := &text{colours: colours}
	b.line(bold, "%s  %s%s", e.Time.Local().Format("2006-01-02 15:04:05.000000"), withSpace(e.Unit), withSpace(priorityName(e.Priority)))
	b.line("", "  %s", shortened(e.Message))
	b.line(dim, "  %s", e.Cursor)
	for i := range e.Senders {
		b.sender(e.Reader, &e.Senders[i])
	}
	if len(e.Senders) == 0 {
		b.line(yellow, "  %s has no senders", e.Reader)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// text is a text that may be coloured.
type text struct {
	strings.Builder
	colours bool
}

func (b *text) line(colour, format string, args ...any) {
	line := strings.TrimRight(oneLine(fmt.Sprintf(format, args...)), " ")
	if colour != "" && b.colours {
		line = "\x1b[" + colour + "m" + line + "\x1b[0m"
	}
	b.WriteString(line)
	b.WriteByte('\n')
}

func (b *text) sender(reader string, s *Sender) {
	name := reader + "/" + s.Name
	if s.LeftOut != nil {
		b.line(yellow, "  %s does not get it", name)
		b.line("", "      %s: %s", s.LeftOut.Place, s.LeftOut.Why)
	} else {
		b.line(green, "  %s gets it", name)
	}
	colour := ""
	switch s.Delivery.Status {
	case InGap, DeadLetter:
		colour = red
	case Delivered, Passed, ToCome, Before, Unknown:
	}
	b.line(colour, "      %s: %s", s.Delivery.Status, s.Delivery.Why)
	if s.TooLong {
		b.line(yellow, "      it is too long: only its beginning is sent")
	}
	for i := range s.Changes {
		b.change(&s.Changes[i])
	}
	for _, r := range s.Routes {
		to, form := "", ", as it is"
		if r.To != "" {
			to = " to " + r.To
		}
		if r.Format != "" {
			form = ", in the format " + r.Format
		}
		b.line("", "      it goes the route %s%s%s", r.Name, to, form)
	}
	if s.LeftOut == nil {
		b.line(dim, "      fields sent as they are: %d", s.Same)
	}
}

// change writes a field as a diff does: with - what the entry has, with + what is sent.
func (b *text) change(c *Change) {
	because := c.Kind
	if by := places(c.By); by != "" {
		because += " by " + by
	}
	if c.Note != "" {
		because += "; " + c.Note
	}
	if c.Kind == "same" {
		colour := dim
		if c.Note != "" {
			colour = yellow
		}
		b.line(colour, "        %s: %s%s", c.Field, shortened(c.After), asComment(c.Note))
		return
	}
	switch {
	case c.After != "" && c.Before != "":
		b.line(red, "      - %s: %s", c.Field, shortened(c.Before))
		fallthrough
	case c.After != "":
		b.line(green, "      + %s: %s%s", c.Field, shortened(c.After), asComment(because))
	case c.Before != "":
		b.line(red, "      - %s: %s%s", c.Field, shortened(c.Before), asComment(because))
	default:
		b.line(dim, "        %s: %s", c.Field, because)
	}
}

func asComment(why string) string {
	if why == "" {
		return ""
	}
	return "   # " + why
}

func withSpace(s string) string {
	if s == "" {
		return ""
	}
	return s + "  "
}

// priorityName returns a priority as journalctl takes it.
func priorityName(priority string) string {
	names := []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	if len(priority) == 1 && priority[0] >= '0' && int(priority[0]-'0') < len(names) {
		return names[priority[0]-'0']
	}
	return priority
}

// oneLine keeps a text from a journal, which may hold anything, from doing more to a terminal than being shown.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
