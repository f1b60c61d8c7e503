package sample

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"journalpump/test/journalwriter"
)

// BuildFiles makes a journal of so many files in dir, which is created: as journald would leave it after files-1 rotations,
// with about the same number of entries in each file. It does not need systemd and takes some seconds for a million entries.
func BuildFiles(dir string, o Options, files int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the journal's directory: %w", err)
	}
	b := filesBuilder{dir: dir, each: max(1, (o.Entries+files-1)/files)}
	if err := Each(o, b.add); err != nil {
		return err
	}
	return b.finish(journalwriter.Online)
}

// filesBuilder writes one file after the other.
type filesBuilder struct {
	dir   string
	each  int
	files int

	w      *journalwriter.Writer // nil between two files
	first  journalwriter.Entry   // of w
	seqnum uint64
	fields [][]byte
}

var sequence = journalwriter.ID{0x5e, 0x09}

func (b *filesBuilder) add(e *Entry) error {
	var boot journalwriter.ID
	if _, err := hex.Decode(boot[:], []byte(e.Boot)); err != nil {
		return fmt.Errorf("the boot ID: %w", err)
	}
	b.fields = b.fields[:0]
	for _, f := range e.Fields {
		b.fields = append(b.fields, []byte(f))
	}
	b.seqnum++
	entry := journalwriter.Entry{
		Seqnum:    b.seqnum,
		Realtime:  uint64(e.Realtime),
		Monotonic: uint64(e.Monotonic),
		Boot:      boot,
		Fields:    b.fields,
	}
	if b.w != nil && b.w.Len() == b.each {
		if err := b.finish(journalwriter.Archived); err != nil {
			return err
		}
	}
	if b.w == nil {
		if err := b.begin(entry); err != nil {
			return err
		}
	}
	return b.w.Append(entry)
}

func (b *filesBuilder) begin(first journalwriter.Entry) (err error) {
	b.files++
	b.first = first
	b.w, err = journalwriter.New(journalwriter.Options{
		Compact:     true,
		Keyed:       true,
		HeaderSize:  264, // systemd 252's
		FileID:      journalwriter.ID{0xf1, byte(b.files >> 16), byte(b.files >> 8), byte(b.files)},
		MachineID:   journalwriter.ID{0xac},
		SeqnumID:    sequence,
		DataBuckets: max(2047, 3*b.each),
	})
	return err
}

func (b *filesBuilder) finish(state journalwriter.State) error {
	if b.w == nil {
		return nil
	}
	name := "system.journal"
	if state == journalwriter.Archived {
		name = journalwriter.ArchivedName("system", sequence, b.first.Seqnum, b.first.Realtime)
	}
	b.w.SetState(state)
	err := b.w.WriteFile(filepath.Join(b.dir, name))
	b.w = nil
	return err
}
