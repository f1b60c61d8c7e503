package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var errExport = errors.New("not the journal export format")

// parseExport parses the Journal Export Format (https://systemd.io/JOURNAL_EXPORT_FORMATS). Only what tests compare is
// returned: of the fields that begin with two underscores the cursor alone, and no _BOOT_ID, which journalctl writes once,
// whether the entry has such a field or not.
func parseExport(text []byte) (records []record, err error) {
	var r record
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		if !whole {
			return records, fmt.Errorf("%w: an unfinished line", errExport)
		}
		text = rest
		if len(line) == 0 {
			records, r = append(records, r), record{}
			continue
		}
		name, value, plain := bytes.Cut(line, []byte{'='})
		if !plain { // binary form: the size, then the value
			if value, text, err = cutBinary(text); err != nil {
				return records, err
			}
		}
		switch n := string(name); {
		case n == "__CURSOR":
			r.cursor = string(value)
		case n == "_BOOT_ID", strings.HasPrefix(n, "__"):
		default:
			r.fields = append(r.fields, n+"="+string(value))
		}
	}
	return records, nil
}

func cutBinary(text []byte) (value, rest []byte, err error) {
	if len(text) < 8 {
		return nil, nil, fmt.Errorf("%w: no size", errExport)
	}
	size := binary.LittleEndian.Uint64(text)
	text = text[8:]
	if size >= uint64(len(text)) || text[size] != '\n' {
		return nil, nil, fmt.Errorf("%w: a field of %d bytes does not end", errExport, size)
	}
	return text[:size], text[size+1:], nil
}

// appendExport writes what parseExport returns.
func appendExport(b []byte, records []record) []byte {
	for _, r := range records {
		if r.cursor != "" {
			b = appendExportField(b, "__CURSOR", r.cursor)
		}
		for _, f := range r.fields {
			name, value, _ := strings.Cut(f, "=")
			b = appendExportField(b, name, value)
		}
		b = append(b, '\n')
	}
	return b
}

func appendExportField(b []byte, name, value string) []byte {
	b = append(b, name...)
	if strings.ContainsRune(value, '\n') {
		b = binary.LittleEndian.AppendUint64(append(b, '\n'), uint64(len(value)))
	} else {
		b = append(b, '=')
	}
	return append(append(b, value...), '\n')
}

// FuzzExport parses arbitrary bytes, and what it understands of them once more.
func FuzzExport(f *testing.F) {
	f.Add([]byte("__CURSOR=s=1;i=2\n_BOOT_ID=3\nMESSAGE=hello\nA=\n\nB==\n\n"))
	f.Add([]byte("MESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n\n"))
	f.Add([]byte("MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffa\n\n"))
	f.Add([]byte("\n\n=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := parseExport(text)
		if err != nil && !errors.Is(err, errExport) {
			t.Fatal(err)
		}
		again, err := parseExport(appendExport(nil, records))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(records, again, func(a, b record) bool { return a.cursor == b.cursor && slices.Equal(a.fields, b.fields) }) {
			t.Errorf("%q, and then %q", records, again)
		}
	})
}
