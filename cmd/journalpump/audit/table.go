package audit

import (
	"fmt"
	"io"
	"strings"

	"journalpump/cmd/journalpump/status"
	"journalpump/cmd/journalpump/table"
)

const timeLayout = "2006-01-02 15:04:05"

func columns() []string {
	return []string{"READER", "SENDER", "SINCE", "READ", "FILTERED", "ACCEPTED", "DEAD", "IN FLIGHT", "GAPS", "| JOURNAL: READ", "FILTERED", "TO SEND", "GONE", "VERDICT"}
}

// Write writes results as a table, coloured or not, with what there is to say below it.
func Write(w io.Writer, results []Result, colours bool) error {
	rows := make([][]table.Cell, 1, len(results)+1)
	rows[0] = table.Title(columns()...)
	for i := range results {
		rows = append(rows, results[i].row())
	}
	var b strings.Builder
	table.Write(&b, rows, colours)
	for i := range results {
		if r := &results[i]; r.Why != "" {
			fmt.Fprintf(&b, "%s/%s: %s\n", r.Reader, r.Sender, r.Why)
		}
	}
	if len(results) == 0 {
		b.WriteString("There are no senders.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) row() []table.Cell {
	colour := table.Green
	switch r.Verdict {
	case Wrong:
		colour = table.Red
	case SoFar, Unknown:
		colour = table.Yellow
	case AddsUp:
	}
	row := []table.Cell{table.Text(r.Reader), table.Text(r.Sender)}
	if r.Verdict == Unknown {
		for range len(columns()) - len(row) - 1 {
			row = append(row, table.In(table.Dim, "-"))
		}
		return append(row, table.In(colour, string(r.Verdict)))
	}
	l, j := &r.Ledger, &r.Journal
	gone := status.Grouped(j.Missing)
	if j.Unsized {
		gone = "?"
	}
	row = append(row, table.Text(r.Since.Local().Format(timeLayout)))
	for _, n := range []int64{l.Read, l.Filtered, l.Accepted, l.DeadLettered, l.InFlight, l.Gaps} {
		row = append(row, table.Text(status.Grouped(n)))
	}
	row = append(row, table.Text("| "+status.Grouped(j.Read)), table.Text(status.Grouped(j.Filtered)), table.Text(status.Grouped(j.Sent)))
	return append(row, table.Text(gone), table.In(colour, string(r.Verdict)))
}
