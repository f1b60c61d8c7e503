package journal

import (
	"fmt"
	"testing"

	"journalpump/pump"
)

// What was put is found, whatever else has the same hash, and nothing else is.
func TestSharedTable(t *testing.T) {
	t.Parallel()
	const n = 5 * firstShared
	for name, hash := range map[string]func(table *sharedTable, field []byte) uint32{
		"hashed":    (*sharedTable).hash,
		"few":       func(table *sharedTable, field []byte) uint32 { return table.hash(field) % 512 },
		"wrapped":   func(table *sharedTable, field []byte) uint32 { return table.hash(field) | 1<<20 - 16 },
		"no spread": func(*sharedTable, []byte) uint32 { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := newSharedTable()
			for i := range pump.Ref(n) {
				text := fmt.Sprintf("FIELD=%d", i)
				h := hash(&table, []byte(text))
				if ref, ok := table.get([]byte(text), h); ok {
					t.Fatalf("%s is %d before it was put", text, ref)
				}
				table.put(text, h, nil)
			}
			for i := range pump.Ref(n) {
				text := fmt.Appendf(nil, "FIELD=%d", i)
				if ref, ok := table.get(text, hash(&table, text)); !ok || ref != i {
					t.Fatalf("%s: %d, %v", text, ref, ok)
				}
			}
		})
	}
}

// What was read after a field is expected after it the next time.
func TestExpected(t *testing.T) {
	t.Parallel()
	table := newSharedTable()
	for _, text := range []string{"A=0", "B=1", "C=2"} {
		table.put(text, table.hash([]byte(text)), nil)
	}
	own := pump.OwnRef(7)
	for i, read := range []struct {
		ref      pump.Ref
		expected string // before it is read; "": nothing
	}{
		{0, ""}, {1, ""}, {own, ""}, {2, "A=0"}, // before the first one there was none of the Dict, either
		{0, ""}, {1, "B=1"}, {own, ""}, {2, "C=2"},
		{0, "A=0"}, {2, "B=1"}, {0, "A=0"}, {1, "C=2"},
		{pump.OwnRef(0), ""}, {own, "C=2"}, {own, ""}, {own, ""},
	} {
		f, ref, ok := table.expected()
		if ok != (read.expected != "") || ok && (f.text != read.expected || table.fields[ref].text != f.text) {
			t.Errorf("%d: expected is %v, %d, %v, not %q", i, f, ref, ok, read.expected)
		}
		table.read(read.ref)
	}
}
