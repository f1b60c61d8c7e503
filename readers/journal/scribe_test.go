package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/test/journalwriter"
)

// scribe writes a journal as journald does, one step at a time, so that readers can come between any two of them.
type scribe struct {
	dir    string
	rnd    *rand.Rand
	vacuum bool // archived files are deleted, read or not

	books    []*book
	archived []*page
	todo     []func() error // the steps of what is under way
	offline  []func() error // what journald leaves to a thread
	written  []line         // entry number i at i-1
}

// book is the files of one user.
type book struct {
	name  string
	id    journalwriter.ID // of its sequence
	count *uint64          // its last number
	last  uint64           // the last number in its files
	now   *page            // nil: there is none
	pages int
}

// page is a file.
type page struct {
	path    string
	f       *os.File
	w       *journalwriter.Writer
	entries []int // their numbers, as counted in written
	final   bool
}

// line is an entry.
type line struct {
	id      journalwriter.ID
	seqnum  uint64
	counted bool // in its file
	gone    bool // with its file
}

const (
	scribeBoot  = 9
	keptPages   = 3
	mostEntries = 120
)

// newScribe begins a journal. Users may share a sequence, as from systemd 254 on, or have their own.
func newScribe(t *testing.T, rnd *rand.Rand, users int, shared, vacuum bool) *scribe {
	t.Helper()
	s := &scribe{dir: t.TempDir(), rnd: rnd, vacuum: vacuum}
	count := new(uint64)
	for i := range users {
		b := &book{name: "system", id: journalwriter.ID{1}, count: count}
		if i > 0 {
			b.name = fmt.Sprintf("user-%d", 1000+i)
		}
		if !shared {
			b.id, b.count = journalwriter.ID{byte(1 + i)}, new(uint64)
		}
		s.books = append(s.books, b)
	}
	t.Cleanup(func() {
		for _, b := range s.books {
			if b.now != nil {
				s.archived = append(s.archived, b.now)
			}
		}
		for _, p := range s.archived {
			if err := p.f.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// ended reports whether all is written that there was to write.
func (s *scribe) ended() bool {
	return len(s.written) >= mostEntries && len(s.todo) == 0 && len(s.offline) == 0
}

// finish does the steps that are left, and adds an entry to each book: what is missing before it can then be told.
func (s *scribe) finish() error {
	for _, b := range s.books {
		s.append(b)
	}
	for !s.ended() {
		if err := s.step(); err != nil {
			return err
		}
	}
	return nil
}

// step does the next step.
func (s *scribe) step() error {
	if len(s.offline) > 0 && (s.rnd.IntN(6) == 0 || len(s.written) >= mostEntries && len(s.todo) == 0) {
		do := s.offline[0]
		s.offline = s.offline[1:]
		return do()
	}
	if len(s.todo) == 0 {
		s.plan()
	}
	if len(s.todo) == 0 {
		return nil
	}
	do := s.todo[0]
	s.todo = s.todo[1:]
	return do()
}

// plan decides what comes next.
func (s *scribe) plan() {
	if len(s.written) >= mostEntries {
		return
	}
	switch s.rnd.IntN(12) {
	case 0:
		for _, b := range s.books {
			s.rotate(b)
		}
	case 1:
		s.rotate(s.books[s.rnd.IntN(len(s.books))])
	default:
		s.append(s.books[s.rnd.IntN(len(s.books))])
	}
}

func (s *scribe) do(steps ...func() error) { s.todo = append(s.todo, steps...) }

// begin makes a file: at first it has nothing, then no machine, and a sequence of its own.
func (s *scribe) begin(b *book) {
	b.pages++
	p := &page{path: filepath.Join(s.dir, b.name+".journal")}
	own := journalwriter.ID{0xff, byte(b.pages), b.id[0]}
	var header []byte
	s.do(func() (err error) {
		o := journalwriter.Options{FileID: own, MachineID: journalwriter.ID{7}, SeqnumID: b.id, State: journalwriter.Online, DataBuckets: 8, FieldBuckets: 8}
		if p.w, err = journalwriter.New(o); err != nil {
			return err
		}
		b.now = p
		p.f, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	}, func() error {
		header = slices.Clone(p.w.Bytes()[:le64(p.w.Bytes(), atHeaderSize)])
		clear(header[atMachineID : atMachineID+16])
		if s.rnd.IntN(2) == 0 && !s.vacuum { // what was deleted between such a file and those before it is not known
			copy(header[atSeqnumID:], own[:])
		} else {
			put64(header, atTailSeqnum, b.last)
		}
		header[atState] = byte(journalwriter.Offline)
		return p.put(0, header)
	}, func() error {
		copy(header[atMachineID:], []byte{7})
		return p.put(atMachineID, header[atMachineID:atMachineID+16])
	}, func() error {
		return p.put(atState, []byte{byte(journalwriter.Online)})
	}, func() error {
		return p.put(uint64(len(header)), p.w.Bytes()[len(header):])
	})
}

func (p *page) put(at uint64, b []byte) error {
	_, err := p.f.WriteAt(b, int64(at))
	return err
}

// append writes an entry, and counts it.
func (s *scribe) append(b *book) {
	if b.now == nil {
		s.begin(b)
	}
	var p *page
	var number int
	s.do(func() error {
		p = b.now
		*b.count++
		b.last = *b.count
		s.written = append(s.written, line{id: b.id, seqnum: *b.count})
		number = len(s.written)
		p.entries = append(p.entries, number)
		n := uint64(p.w.Len())
		at := uint64(number) * 10
		err := p.w.Append(journalwriter.Entry{
			Seqnum: *b.count, Realtime: day + at, Monotonic: 1000 + at, Boot: journalwriter.ID{15: scribeBoot},
			Fields: [][]byte{fmt.Appendf(nil, "MESSAGE=%d", number), []byte("PRIORITY=6")},
		})
		image := slices.Clone(p.w.Bytes())
		put64(image, atNEntries, n)
		header := le64(image, atHeaderSize)
		return errors.Join(err, p.put(header, image[header:]), p.put(atSeqnumID, image[atSeqnumID:header]))
	}, func() error {
		s.written[number-1].counted = true
		return p.put(atNEntries, p.w.Bytes()[atNEntries:atNEntries+8])
	})
}

// rotate archives the file and goes on in another one.
func (s *scribe) rotate(b *book) {
	s.do(func() error {
		p := b.now
		if p == nil {
			return nil
		}
		var first uint64
		if len(p.entries) > 0 {
			first = s.written[p.entries[0]-1].seqnum
		}
		path := filepath.Join(s.dir, fmt.Sprintf("%s@%x-%016x-%016x.journal", b.name, b.id, first, b.pages))
		err := os.Rename(p.path, path)
		p.path, b.now = path, nil
		s.archived = append(s.archived, p)
		s.offline = append(s.offline, func() error {
			p.final = true
			return p.put(atState, []byte{byte(journalwriter.Archived)})
		})
		return err
	})
	s.begin(b)
	if s.vacuum {
		s.do(s.delete)
	}
}

// delete deletes the oldest archived file, if there are enough.
func (s *scribe) delete() error {
	if len(s.archived) <= keptPages || !s.archived[0].final {
		return nil
	}
	p := s.archived[0]
	s.archived = s.archived[1:]
	for _, number := range p.entries {
		s.written[number-1].gone = true
	}
	size := int64(len(p.w.Bytes()))
	s.todo = append([]func() error{
		func() error { return os.Remove(p.path) },
		func() error {
			return unix.Fallocate(int(p.f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, size)
		},
		func() error { return p.f.Truncate(0) },
		p.f.Close,
	}, s.todo...)
	return nil
}

// numberOf returns which entry a chunk's entry i is.
func numberOf(c *pump.Chunk, i int) (n int, err error) {
	text, _ := c.Lookup(i, "MESSAGE")
	_, err = fmt.Sscan(string(text), &n)
	return n, err
}
