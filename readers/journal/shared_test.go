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
				table.put(text, h, i)
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
