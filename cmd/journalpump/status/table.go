package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cell is a text in a table, in a colour if there is any.
type cell struct{ text, colour string }

const (
	plain  = ""
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// Write writes the report as a table, coloured or not, with what is wrong below it.
func (r *Report) Write(w io.Writer, now time.Time, colours bool) error {
	rows := make([][]cell, 1, len(r.Senders)+1)
	for _, title := range []string{"READER", "SENDER", "STATE", "BEHIND", "LAG", "SENT", "RATE", "LAST SENT", "DEAD", "LOST"} {
		rows[0] = append(rows[0], cell{title, dim})
	}
	for i := range r.Senders {
		rows = append(rows, r.Senders[i].row(now))
	}
	var b strings.Builder
	writeTable(&b, rows, colours)
	for i := range r.Senders {
		r.Senders[i].explain(&b)
	}
	if len(r.Senders) == 0 {
		b.WriteString("There is no sender in the state file yet: has the agent been started?\n")
	}
	fmt.Fprintf(&b, "The state was saved %s ago.\n", span(now.Sub(r.SavedAt)))
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Sender) row(now time.Time) []cell {
	colour := green
	switch {
	case !s.State.Healthy():
		colour = red
	case s.State != OK:
		colour = yellow
	}
	last := "never"
	if !s.LastSent.IsZero() {
		last = span(now.Sub(s.LastSent)) + " ago"
	}
	return []cell{
		{s.Reader, plain}, {s.Name, plain}, {string(s.State), colour}, {Grouped(s.Entries), plain}, {span(time.Duration(s.Seconds * float64(time.Second))), plain},
		{Grouped(s.Sent), plain}, {rate(s.PerSecond), plain}, {last, plain}, warning(s.DeadLetters), warning(s.GapEntries),
	}
}

// warning is a number that had better be 0.
func warning(n int64) cell {
	if n > 0 {
		return cell{Grouped(n), yellow}
	}
	return cell{"0", plain}
}

// explain says below the table what the table has no room for.
func (s *Sender) explain(b *strings.Builder) {
	name := s.Reader + "/" + s.Name
	if s.Problem != "" {
		fmt.Fprintf(b, "%s: %s\n", name, s.Problem)
	}
	if s.LossIn != nil {
		fmt.Fprintf(b, "%s: in about %s journald deletes entries that it has not delivered\n", name, span(time.Duration(*s.LossIn*float64(time.Second))))
	}
	if s.Recalled > 0 {
		fmt.Fprintf(b, "%s: its flight recorder has added %s records\n", name, Grouped(s.Recalled))
	}
	if s.Stalls > 0 {
		fmt.Fprintf(b, "%s: stood still and was started over, times: %d\n", name, s.Stalls)
	}
}

func writeTable(b *strings.Builder, rows [][]cell, colours bool) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range rows {
		for i, c := range row {
			if c.colour != plain && colours {
				fmt.Fprintf(b, "\x1b[%sm%s\x1b[0m", c.colour, c.text)
			} else {
				b.WriteString(c.text)
			}
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteByte('\n')
	}
}

// span writes a time span in its largest unit or two.
func span(d time.Duration) string {
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
