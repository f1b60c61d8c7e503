package deadletter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"journalpump/pump"
)

// maxLine is the longest line that is read. An entry's JSON is cut at 1 MiB, and a line has not much else.
const maxLine = 16 << 20

// Letters are the dead letters of one sender in a file. They are a pump.Log, so that the engine sends them as it sends
// everything. What is appended to the file later is not among them.
type Letters struct {
	file  *os.File
	found []letter
	at    map[pump.Position]int // their places in found
	seen  map[refusal]bool

	Unreadable int // lines that are no dead letters, such as one torn by a crash
	FirstBad   int // the number of the first of those, counted from 1
	Repeated   int // letters that are in the file more than once, and are sent once
	Others     map[string]int
}

// refusal is what was refused: of an entry that goes several ways there may be a letter for each.
type refusal struct {
	entry pump.Position
	route string
}

type letter struct {
	position pump.Position // no other's: of entries with several letters something is changed that is in no ID
	offset   int64         // of its line
	length   int
}

// Open looks through the file at path for the dead letters of a sender, NAME or READER/NAME.
func Open(path, sender string) (*Letters, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the dead letters: %w", err)
	}
	l := &Letters{file: f, at: map[pump.Position]int{}, seen: map[refusal]bool{}, Others: map[string]int{}}
	if err := l.scan(sender); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the dead letters: %w", err), f.Close())
	}
	return l, nil
}

// Len returns how many different letters there are.
func (l *Letters) Len() int { return len(l.found) }

func (l *Letters) scan(sender string) error {
	r := bufio.NewReaderSize(l.file, 1<<16)
	var buf []byte
	var offset int64
	for number := 1; ; number++ {
		text, n, err := readLine(r, buf[:0])
		if n == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(text) > 0 || n > maxLine {
			l.add(text, offset, n, sender)
		}
		if l.Unreadable > 0 && l.FirstBad == 0 {
			l.FirstBad = number
		}
		buf = text
		offset += int64(n)
	}
}

// readLine returns the next line without its end, and how many bytes it is with it. Of one longer than maxLine nothing is
// returned but its length.
func readLine(r *bufio.Reader, buf []byte) (text []byte, n int, err error) {
	for {
		part, err := r.ReadSlice('\n')
		n += len(part)
		if n <= maxLine {
			buf = append(buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case n > maxLine:
			return buf[:0], n, err
		case len(buf) > 0 && buf[len(buf)-1] == '\n':
			buf = buf[:len(buf)-1]
		}
		return buf, n, err
	}
}

func (l *Letters) add(text []byte, offset int64, n int, sender string) {
	parsed, err := parseLine(text)
	if err == nil {
		_, err = parsed.body()
	}
	if err != nil {
		l.Unreadable++
		return
	}
	if !parsed.is(sender) {
		l.Others[parsed.Reader+"/"+parsed.Sender]++
		return
	}
	at, err := pump.ParsePosition(parsed.Cursor)
	if err != nil || at.IsZero() { // of no log that we know: its place in the file will do
		at = pump.Position{Cursor: pump.Cursor{
			Seqnum: uint64(offset) + 1, Realtime: uint64(max(0, parsed.Time.UnixMicro())), Parts: pump.HasSeqnum | pump.HasRealtime, //nolint:gosec // not negative
		}}
	}
	refused := refusal{at, parsed.Route}
	if l.seen[refused] { // a crash, before the position had moved on
		l.Repeated++
		return
	}
	l.seen[refused] = true
	for _, taken := l.at[at]; taken; _, taken = l.at[at] {
		at.Monotonic++
	}
	l.at[at] = len(l.found)
	l.found = append(l.found, letter{position: at, offset: offset, length: n})
}

// Path returns where the file is.
func (l *Letters) Path() string { return l.file.Name() }

// Has reports whether the entry that a cursor names is among them.
func (l *Letters) Has(c pump.Cursor) bool {
	_, ok := l.at[pump.Position{Cursor: c}]
	return ok
}

// Close closes the file. Nothing in it has changed.
func (l *Letters) Close() error { return l.file.Close() }
