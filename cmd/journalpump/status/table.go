package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"journalpump/cmd/journalpump/table"
)

// Write writes the report as a table, coloured or not, with what is wrong below it.
func (r *Report) Write(w io.Writer, now time.Time, colours bool) error {
	rows := make([][]table.Cell, 1, len(r.Senders)+1)
	rows[0] = table.Title("READER", "SENDER", "STATE", "BEHIND", "LAG", "SENT", "RATE", "LAST SENT", "DEAD", "LOST")
	for i := range r.Senders {
		rows = append(rows, r.Senders[i].row(now))
	}
	var b strings.Builder
	table.Write(&b, rows, colours)
	for i := range r.Senders {
		r.Senders[i].explain(&b)
	}
	if len(r.Senders) == 0 {
		b.WriteString("There is no sender in the state file yet: has the agent been started?\n")
	}
	fmt.Fprintf(&b, "The state was saved %s ago.\n", Span(now.Sub(r.SavedAt)))
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Sender) row(now time.Time) []table.Cell {
	colour := table.Green
	switch {
	case !s.State.Healthy():
		colour = table.Red
	case s.State != OK:
		colour = table.Yellow
	}
	last := "never"
	if !s.LastSent.IsZero() {
		last = Span(now.Sub(s.LastSent)) + " ago"
	}
	lag := "-"
	if s.Seconds != nil {
		lag = Span(seconds(*s.Seconds))
	}
	return []table.Cell{
		table.Text(s.Reader), table.Text(s.Name), table.In(colour, string(s.State)), table.Text(Grouped(s.Entries)),
		table.Text(lag), table.Text(Grouped(s.Sent)), table.Text(rate(s.PerSecond)),
		table.Text(last), warning(s.DeadLetters), warning(s.GapEntries),
	}
}

// warning is a number that had better be 0.
func warning(n int64) table.Cell {
	if n > 0 {
		return table.In(table.Yellow, Grouped(n))
	}
	return table.Text("0")
}

// explain says below the table what the table has no room for.
func (s *Sender) explain(b *strings.Builder) {
	name := s.Reader + "/" + s.Name
	if s.Problem != "" {
		fmt.Fprintf(b, "%s: %s\n", name, s.Problem)
	}
	switch {
	case s.LossIn == nil:
	case *s.LossIn < 1:
		fmt.Fprintf(b, "%s: journald is deleting entries that it has not delivered, or is about to\n", name)
	default:
		fmt.Fprintf(b, "%s: in about %s journald deletes entries that it has not delivered\n", name, Span(seconds(*s.LossIn)))
	}
	if s.Recalled > 0 {
		fmt.Fprintf(b, "%s: its flight recorder has added %s records\n", name, Grouped(s.Recalled))
	}
	if s.Stalls > 0 {
		fmt.Fprintf(b, "%s: stood still and was started over, times: %d\n", name, s.Stalls)
	}
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// Span writes a time span in its largest unit or two.
func Span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

func rate(perSecond float64) string {
	if perSecond < 10 {
		return strconv.FormatFloat(perSecond, 'f', 1, 64) + "/s"
	}
	return Grouped(int64(perSecond)) + "/s"
}

// Grouped formats n with thousands apart: 1,234,567.
func Grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
