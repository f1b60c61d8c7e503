package spool

import (
	"bytes"
	"errors"
	"testing"
)

// Whatever a segment holds, what is found in it is whole: the same bytes as if it were written again.
func FuzzScan(f *testing.F) {
	var whole []byte
	for n := uint64(1); n < 4; n++ {
		body := bytes.Repeat([]byte("body "), int(n))
		whole = append(appendHead(whole, n, []byte("meta"), body), body...)
	}
	f.Add(whole, uint64(1))
	f.Add(whole[:len(whole)-3], uint64(1))
	f.Add(append(bytes.Clone(whole), 0, 0, 0), uint64(1))
	f.Add(whole, uint64(2))
	f.Add([]byte{}, uint64(0))
	f.Add(make([]byte, 100), uint64(0))
	f.Fuzz(func(t *testing.T, data []byte, first uint64) {
		r := bytes.NewReader(data)
		records, err := scan(r, r.Size(), first)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		end := int64(0)
		for i := range records {
			rec := &records[i]
			if rec.Number != first+uint64(i) || rec.off != end {
				t.Fatalf("record %d at %d, want %d at %d", rec.Number, rec.off, first+uint64(i), end)
			}
			end = rec.end()
			body, err := readBody(r, rec, nil)
			if errors.Is(err, ErrCorrupt) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if again := append(appendHead(nil, rec.Number, rec.Meta, body), body...); !bytes.Equal(again, data[rec.off:end]) {
				t.Fatalf("record %d was made of %x, but would be written as %x", rec.Number, data[rec.off:end], again)
			}
		}
		if err == nil && end != r.Size() {
			t.Fatalf("it ends at %d of %d without a word", end, r.Size())
		}
	})
}
