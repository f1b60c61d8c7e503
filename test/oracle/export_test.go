package oracle

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"testing"

	"journalpump/pump"
)

// exported is an entry as `journalctl -o export` prints it. What it holds is good until the next one is read.
type exported struct {
	cursor, realtime, monotonic, boot []byte
	fields                            [][]byte // NAME=value, in the order of the file, but for _BOOT_ID

	text   []byte // what all of these are in
	bounds []int  // of the lines in text
}

// exportReader parses the Journal Export Format, https://systemd.io/JOURNAL_EXPORT_FORMATS.
type exportReader struct{ in *bufio.Reader }

// next reads the next entry into e; io.EOF at the end.
func (x *exportReader) next(e *exported) error {
	e.text, e.bounds = e.text[:0], append(e.bounds[:0], 0)
	for {
		ended, err := x.line(e)
		if err != nil {
			return err
		}
		if !ended {
			e.bounds = append(e.bounds, len(e.text))
			continue
		}
		if len(e.bounds) > 1 {
			e.split()
			return nil
		}
	}
}

// line appends one field as NAME=value; ended says that it was the empty line after an entry.
func (x *exportReader) line(e *exported) (ended bool, err error) {
	from := len(e.text)
	for {
		part, err := x.in.ReadSlice('\n')
		e.text = append(e.text, part...)
		if err == nil {
			break
		}
		if errors.Is(err, io.EOF) && len(e.text) == 0 {
			return false, io.EOF
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return false, fmt.Errorf("an export that ends within an entry: %w", err)
		}
	}
	e.text = e.text[:len(e.text)-1]
	line := e.text[from:]
	if len(line) == 0 {
		return true, nil
	}
	if bytes.IndexByte(line, '=') >= 0 {
		return false, nil
	}
	e.text = append(e.text, '=')
	var size [8]byte
	if _, err := io.ReadFull(x.in, size[:]); err != nil {
		return false, err
	}
	at, n := len(e.text), int(binary.LittleEndian.Uint64(size[:]))+1
	e.text = append(e.text, make([]byte, n)...)
	if _, err := io.ReadFull(x.in, e.text[at:]); err != nil {
		return false, err
	}
	e.text = e.text[:len(e.text)-1]
	return false, nil
}

// split finds the fields in the text.
func (e *exported) split() {
	e.fields = e.fields[:0]
	e.cursor, e.realtime, e.monotonic, e.boot = nil, nil, nil, nil
	for i := range len(e.bounds) - 1 {
		line := e.text[e.bounds[i]:e.bounds[i+1]]
		for _, special := range []struct {
			name string
			to   *[]byte
		}{
			{"__CURSOR=", &e.cursor}, {"__REALTIME_TIMESTAMP=", &e.realtime}, {"__MONOTONIC_TIMESTAMP=", &e.monotonic}, {"_BOOT_ID=", &e.boot},
		} {
			if *special.to == nil && bytes.HasPrefix(line, []byte(special.name)) {
				*special.to, line = line[len(special.name):], nil
				break
			}
		}
		if line == nil || bytes.HasPrefix(line, []byte("__SEQNUM")) { // newer versions print what is in the cursor
			continue
		}
		e.fields = append(e.fields, line)
	}
}

// journalctl starts journalctl and returns what reads its entries one after the other. At the end it is io.EOF, if
// journalctl had nothing to complain about.
func journalctl(t *testing.T, args ...string) (next func(e *exported) error) {
	t.Helper()
	return exportOf(t, []string{"journalctl"}, args...)
}

// exportOf is journalctl with another way to call it.
func exportOf(t *testing.T, journalctl []string, args ...string) (next func(e *exported) error) {
	t.Helper()
	if _, err := exec.LookPath("journalctl"); err != nil {
		t.Skip("there is no journalctl to compare with")
	}
	args = slices.Concat(journalctl[1:], []string{"--output=export", "--all", "--quiet", "--no-pager"}, args)
	cmd := exec.CommandContext(t.Context(), journalctl[0], args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func() error {
		ended = true
		if err := cmd.Wait(); err != nil && said.Len() > 0 {
			return fmt.Errorf("journalctl: %w: %s", err, &said)
		}
		return io.EOF
	}
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	x := &exportReader{bufio.NewReaderSize(out, 1<<18)}
	return func(e *exported) error {
		if ended {
			return io.EOF
		}
		err := x.next(e)
		if errors.Is(err, io.EOF) {
			return end()
		}
		return err
	}
}

// differs says in what entry i of a chunk is another one than the exported; "" if it is the same. With twice it may also be
// a copy in another sequence.
func differs(c *pump.Chunk, i int, e *exported, twice bool, buf *[]byte) string {
	p := c.Entries[i].Position
	b := p.Append((*buf)[:0])
	*buf = b
	if !bytes.Equal(b, e.cursor) && !(twice && isCopy(p, e.cursor)) {
		return fmt.Sprintf("it is %s, journalctl has %s", b, e.cursor)
	}
	if fmt.Sprint(p.Realtime) != string(e.realtime) || fmt.Sprint(p.Monotonic) != string(e.monotonic) || p.BootID.String() != string(e.boot) {
		return fmt.Sprintf("%s: times %d and %d in boot %s, journalctl has %s, %s, %s", b, p.Realtime, p.Monotonic, p.BootID, e.realtime, e.monotonic, e.boot)
	}
	mine := fieldsOf(c, i)
	if !bytes.Equal(b, e.cursor) { // another file may have them in another order
		sortFields(mine)
		sortFields(e.fields)
	}
	for k := range min(len(mine), len(e.fields)) {
		if !bytes.Equal(mine[k], e.fields[k]) {
			return fmt.Sprintf("%s: field %d is %.300q, journalctl has %.300q", b, k, mine[k], e.fields[k])
		}
	}
	if len(mine) != len(e.fields) {
		return fmt.Sprintf("%s: %d fields %.30q, journalctl has %d: %.30q", b, len(mine), mine, len(e.fields), e.fields)
	}
	return ""
}

// isCopy reports whether a cursor names the same entry, under another number of another sequence.
func isCopy(p pump.Cursor, cursor []byte) bool {
	q, err := pump.ParsePosition(string(cursor))
	return err == nil && p.SeqnumID != q.SeqnumID && identityOf(&p) == identityOf(&q.Cursor)
}

// fieldsOf returns the fields of an entry as journalctl prints them: without _BOOT_ID, which it takes from elsewhere.
func fieldsOf(c *pump.Chunk, i int) [][]byte {
	refs := c.Fields(i)
	fields := make([][]byte, 0, len(refs))
	for _, ref := range refs {
		if f := c.Field(ref); f.Name != "_BOOT_ID" {
			fields = append(fields, append(append([]byte(f.Name), '='), f.Value...))
		}
	}
	return fields
}

func sortFields(f [][]byte) { slices.SortFunc(f, bytes.Compare) }
