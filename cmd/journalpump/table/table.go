// Package table writes tables for people.
package table

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Cell is a text in a table, in a colour if there is any.
type Cell struct {
	Text   string
	Colour string // an SGR parameter, "" for none
}

// Colours.
const (
	Dim    = "2"
	Red    = "31"
	Green  = "32"
	Yellow = "33"
)

// Text returns a cell without a colour.
func Text(text string) Cell { return Cell{Text: text} }

// In returns a cell in a colour.
func In(colour, text string) Cell { return Cell{Text: text, Colour: colour} }

// Title returns the first row of a table.
func Title(titles ...string) []Cell {
	row := make([]Cell, len(titles))
	for i, t := range titles {
		row[i] = In(Dim, t)
	}
	return row
}

// Write writes rows, which all have as many cells as the first, with their columns below each other.
func Write(b *strings.Builder, rows [][]Cell, colours bool) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	for _, row := range rows {
		for i, c := range row {
			if c.Colour != "" && colours {
				fmt.Fprintf(b, "\x1b[%sm%s\x1b[0m", c.Colour, c.Text)
			} else {
				b.WriteString(c.Text)
			}
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.Text)+2))
			}
		}
		b.WriteByte('\n')
	}
}
