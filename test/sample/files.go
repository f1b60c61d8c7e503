package sample

import (
	"fmt"
	"os"
	"path/filepath"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
	"journalpump/readers/journal/journaltest"
)

// BuildFiles makes a journal of so many files in dir, which is created: as journald would leave it after files-1 rotations,
// with about the same number of entries in each file. It does not need systemd and takes some seconds for a million entries.
func BuildFiles(dir string, o Options, files int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the journal's directory: %w", err)
	}
	b := filesBuilder{dir: dir, each: max(1, (o.Entries+files-1)/files), seqnumID: [16]byte{0x5e, 0x09}}
	if err := Each(o, b.add); err != nil {
		return err
	}
	return b.finish("system.journal", journalfile.Online)
}

type filesBuilder struct {
	dir      string
	each     int
	seqnumID pump.ID128

	w        *journaltest.Writer
	files    int
	n        int // entries of w
	seqnum   uint64
	head     uint64 // sequence number and realtime of its first entry
	realtime int64
	payloads [][]byte
}

func (b *filesBuilder) add(e *Entry) error {
	boot, err := pump.ParseID128(e.Boot)
	if err != nil {
		return err
	}
	if b.n == b.each {
		// As journald calls what it archives.
		name := fmt.Sprintf("system@%s-%016x-%016x.journal", b.seqnumID, b.head, b.realtime)
		if err := b.finish(name, journalfile.Archived); err != nil {
			return err
		}
	}
	if b.w == nil {
		b.files++
		b.w = journaltest.New(journaltest.Options{
			Compact:   true,
			Keyed:     true,
			FileID:    [16]byte{0xf1, byte(b.files >> 16), byte(b.files >> 8), byte(b.files)},
			MachineID: [16]byte{0xac},
			SeqnumID:  b.seqnumID,
		})
		b.head, b.realtime = b.seqnum+1, e.Realtime
	}
	b.payloads = b.payloads[:0]
	for _, f := range e.Fields {
		b.payloads = append(b.payloads, []byte(f))
	}
	b.seqnum++
	b.n++
	b.w.Add(journaltest.Entry{
		Seqnum:    b.seqnum,
		Realtime:  uint64(e.Realtime),
		Monotonic: uint64(e.Monotonic),
		BootID:    boot,
		Payloads:  b.payloads,
	})
	return nil
}

func (b *filesBuilder) finish(name string, state journalfile.State) error {
	if b.w == nil {
		return nil
	}
	b.w.Bytes()[journaltest.HeaderState] = byte(state)
	err := b.w.WriteFile(filepath.Join(b.dir, name))
	b.w, b.n = nil, 0
	return err
}
