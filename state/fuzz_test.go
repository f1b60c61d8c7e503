package state

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"journalpump/pump"
)

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"testdata/original.json", "testdata/original-unsent.json"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	data, err := newDocument(full(), time.Now()).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"readers":{"r":{"cursor":"t=1","cursor":"t=2","senders":{"s":{"sent":{"cursor":"i=1;s=00000000000000000000000000000000"}}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := Decode(data)
		if err != nil {
			if len(s.Readers) != 0 || !s.StartTime.IsZero() {
				t.Fatalf("a snapshot with the error %v: %+v", err, s)
			}
			return
		}
		known := positionsIn(data)
		for _, p := range positionsOf(s) {
			if !p.IsZero() && !known[pump.Position{Cursor: p.Cursor}] {
				t.Fatalf("position %q is not in the file", p)
			}
		}
		// What was taken can be saved, and comes back.
		again, err := newDocument(s, time.Now()).encode()
		if err != nil {
			t.Fatalf("encoding what was decoded: %v", err)
		}
		if _, _, err := Decode(again); err != nil {
			t.Fatalf("decoding what was encoded: %v", err)
		}
	})
}

// positionsIn returns the positions that some string in the JSON names.
func positionsIn(data []byte) map[pump.Position]bool {
	found := map[pump.Position]bool{}
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err != nil {
			return found
		}
		if s, ok := token.(string); ok {
			if p, err := pump.ParsePosition(s); err == nil {
				found[p] = true
			}
		}
	}
}

func positionsOf(s pump.Snapshot) []pump.Position {
	var all []pump.Position
	for _, r := range s.Readers {
		all = append(all, r.Position)
		for _, sender := range r.Senders {
			all = append(all, sender.Position, sender.Read, sender.Lag.Tail)
		}
	}
	return all
}
