package filters

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"

	"journalpump/pump"
)

// exportedEntry is an entry of the Journal Export Format (https://systemd.io/JOURNAL_EXPORT_FORMATS/).
type exportedEntry struct {
	realtime uint64
	fields   []pump.Field
}

func readExport(t *testing.T, path string) []exportedEntry {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(gunzip(t, path)))
	var entries []exportedEntry
	for {
		e, err := readExportedEntry(r)
		if err == io.EOF {
			return entries
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(e.fields) > 0 {
			entries = append(entries, e)
		}
	}
}

func gunzip(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readExportedEntry reads up to an empty line.
func readExportedEntry(r *bufio.Reader) (exportedEntry, error) {
	var e exportedEntry
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return e, err
		}
		line = line[:len(line)-1]
		if len(line) == 0 {
			return e, nil
		}
		name, value, isText := bytes.Cut(line, []byte("="))
		if !isText {
			if value, err = readBinary(r); err != nil {
				return e, err
			}
		}
		switch string(name) {
		case "__REALTIME_TIMESTAMP":
			if e.realtime, err = strconv.ParseUint(string(value), 10, 64); err != nil {
				return e, err
			}
		case "__CURSOR", "__MONOTONIC_TIMESTAMP":
		default:
			e.fields = append(e.fields, pump.Field{Name: string(name), Value: value})
		}
	}
}

// readBinary reads a value that comes after its length, 64 bits little-endian, and is followed by a newline.
func readBinary(r *bufio.Reader) ([]byte, error) {
	var n uint64
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	value := make([]byte, n+1)
	if _, err := io.ReadFull(r, value); err != nil {
		return nil, err
	}
	if value[n] != '\n' {
		return nil, fmt.Errorf("no newline after a value of %d bytes", n)
	}
	return value[:n], nil
}

// chunksOf returns the entries in chunks as an iterator would: what occurs more than once is in the Dict.
func chunksOf(entries []exportedEntry, perChunk int) []*pump.Chunk {
	count := make(map[string]int)
	for _, e := range entries {
		for _, f := range e.fields {
			count[f.Name+"="+string(f.Value)]++
		}
	}
	b := newChunker()
	var chunks []*pump.Chunk
	for i, e := range entries {
		var refs []pump.Ref
		for _, f := range e.fields {
			if count[f.Name+"="+string(f.Value)] > 1 {
				refs = append(refs, b.shared(f))
			} else {
				refs = append(refs, b.own(f))
			}
		}
		b.entry(e.realtime, refs...)
		if (i+1)%perChunk == 0 || i == len(entries)-1 {
			chunks = append(chunks, b.take())
		}
	}
	return chunks
}
