package elasticsearch

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/gzip"

	"journalpump/pump"
)

// encoder writes the body of a bulk request. Its memory is used again for the next.
type encoder struct {
	body bytes.Buffer
	line []byte
	gzip *gzip.Writer // nil: not compressed
}

func newEncoder(compress bool) (*encoder, error) {
	e := new(encoder)
	if !compress {
		return e, nil
	}
	var err error
	if e.gzip, err = gzip.NewWriterLevel(&e.body, gzip.BestSpeed); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return e, nil
}

// encode returns what stores the records, which is valid until the next call: for each record a line with the operation
// and one with the record.
func (e *encoder) encode(records []pump.Record, days map[dayKey]*day) ([]byte, error) {
	e.body.Reset()
	if e.gzip != nil {
		e.gzip.Reset(&e.body)
	}
	var last dayKey
	var in *day
	for i := range records {
		if key := dayOf(&records[i]); in == nil || key != last {
			last, in = key, days[key]
		}
		if err := e.add(&records[i], in); err != nil {
			return nil, fmt.Errorf("compressing: %w", err)
		}
	}
	if e.gzip != nil {
		if err := e.gzip.Close(); err != nil {
			return nil, fmt.Errorf("compressing: %w", err)
		}
	}
	return e.body.Bytes(), nil
}

func (e *encoder) add(r *pump.Record, in *day) error {
	e.line = append(e.line[:0], in.header...)
	if r.Chunk.Entries[r.Index].Position.Parts&pump.HasSeqnum != 0 { // else it has no ID of its own
		e.line = append(e.line, `,"_id":"`...)
		e.line = r.AppendID(e.line)
		e.line = append(e.line, '"')
	}
	e.line = append(e.line, "}}\n"...)
	if e.gzip == nil {
		e.body.Write(e.line)
		e.body.Write(r.Body)
		e.body.WriteByte('\n')
		return nil
	}
	e.line = append(e.line, r.Body...)
	e.line = append(e.line, '\n')
	_, err := e.gzip.Write(e.line)
	return err
}
