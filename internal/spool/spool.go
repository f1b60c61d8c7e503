package spool

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Options are a spool's settings.
type Options struct {
	Dir          string // is created if it doesn't exist; nobody else may use it meanwhile
	MaxBytes     int64  // of all segments; 0: no bound
	SegmentBytes int64  // after which a new segment is begun; 0: DefaultSegment
}

// DefaultSegment is how large segments get.
const DefaultSegment = 16 << 20

// ErrFull is returned by Append when the record has no room within MaxBytes.
var ErrFull = errors.New("the spool is full")

// Record is a record in a spool.
type Record struct {
	Number uint64
	Meta   []byte // must not be changed

	segment  uint64 // the number of its first record
	off      int64
	body     int
	checksum uint32
}

func (r *Record) end() int64 { return r.off + headSize + int64(len(r.Meta)) + int64(r.body) }

// Spool is an open spool. Its methods may be called concurrently.
type Spool struct {
	opts Options
	lock *os.File

	mu       sync.Mutex
	segments []segment // by number; the last one is written
	records  []Record
	next     uint64 // the number of the next record
	size     int64
	active   *os.File // the last segment; nil: the next record begins a new one
	head     []byte
	problems []error
}

// segment is a file.
type segment struct {
	first uint64
	size  int64
}

const suffix = ".spool"

func (s *Spool) path(first uint64) string {
	return filepath.Join(s.opts.Dir, fmt.Sprintf("%016x%s", first, suffix))
}

// Open opens a spool, or makes a new one. What a crash has left of a record is cut off.
func Open(opts Options) (*Spool, error) {
	if opts.SegmentBytes <= 0 {
		opts.SegmentBytes = DefaultSegment
	}
	if err := makeDir(opts.Dir); err != nil {
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(opts.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	s := &Spool{opts: opts, lock: lock, next: 1}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("the spool %s is in use by another process: %w", opts.Dir, err), lock.Close())
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the spool: %w", err), s.Close())
	}
	return s, nil
}

// makeDir makes a directory, and those above it, and sees to it that their names survive a power failure. One that is there may just have
// been made, by a process that was killed.
func makeDir(dir string) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	} else if grand := filepath.Dir(parent); grand != parent {
		_ = syncDir(grand) // who may not read it has not made what is in it
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// load reads all segments' heads.
func (s *Spool) load() error {
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return err
	}
	var firsts []uint64
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), suffix)
		if first, err := strconv.ParseUint(digits, 16, 64); ok && err == nil && len(digits) == 16 {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts) // as they are named they are sorted already
	if len(firsts) > 0 {
		if err := syncDir(s.opts.Dir); err != nil { // as with the last segment
			return err
		}
	}
	for i, first := range firsts {
		if err := s.loadSegment(first, i == len(firsts)-1); err != nil {
			return err
		}
	}
	return nil
}

// loadSegment takes in a segment. The last one, which was being written, is cut to what is whole.
func (s *Spool) loadSegment(first uint64, last bool) error {
	f, err := os.OpenFile(s.path(first), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	records, problem := scan(f, st.Size(), first)
	for i := range records {
		records[i].segment = first
	}
	size := st.Size()
	if last {
		records, size, err = cut(f, records, size)
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if problem != nil {
		s.problems = append(s.problems, fmt.Errorf("%s: after %d records: %w", s.path(first), len(records), problem))
	}
	s.records = append(s.records, records...)
	s.segments = append(s.segments, segment{first, size})
	s.size += size
	s.next = first + uint64(len(records))
	if last {
		s.active = f
		return nil
	}
	return f.Close()
}

// cut removes what follows the last record that is whole.
func cut(f *os.File, records []Record, size int64) ([]Record, int64, error) {
	var buf []byte
	for len(records) > 0 {
		b, err := readBody(f, &records[len(records)-1], buf)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrCorrupt) {
			return nil, 0, err
		}
		buf = b
		records = records[:len(records)-1]
	}
	end := int64(0)
	if n := len(records); n > 0 {
		end = records[n-1].end()
	}
	if end < size {
		if err := f.Truncate(end); err != nil {
			return nil, 0, err
		}
	}
	return records, end, f.Sync() // who was killed may not have come to it
}

// Problems returns what was wrong with the segments when the spool was opened. What a crash leaves is in it, too.
func (s *Spool) Problems() []error { return s.problems }

// Append appends a record, which is on the disk for good after the next Sync. ErrFull means that it would be too much; after
// that and any other error the spool is as before.
func (s *Spool) Append(meta, body []byte) (Record, error) {
	if len(meta) > maxMeta || len(body) > maxBody {
		return Record{}, fmt.Errorf("a record of %d and %d bytes is too long", len(meta), len(body))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := int64(headSize + len(meta) + len(body))
	if s.opts.MaxBytes > 0 && s.size+frame > s.opts.MaxBytes {
		return Record{}, ErrFull
	}
	if err := s.begin(); err != nil {
		return Record{}, fmt.Errorf("beginning a segment: %w", err)
	}
	seg := &s.segments[len(s.segments)-1]
	s.head = appendHead(s.head[:0], s.next, meta, body)
	_, err := s.active.WriteAt(s.head, seg.size)
	if err == nil {
		_, err = s.active.WriteAt(body, seg.size+int64(len(s.head)))
	}
	if err != nil {
		return Record{}, fmt.Errorf("writing a record: %w", errors.Join(err, s.active.Truncate(seg.size)))
	}
	rec := Record{
		Number: s.next, Meta: slices.Clone(meta), segment: seg.first, off: seg.size, body: len(body),
		checksum: crc32.Checksum(body, castagnoli()),
	}
	s.records = append(s.records, rec)
	s.next++
	seg.size += frame
	s.size += frame
	return rec, nil
}

// begin makes sure that there is a segment to write to.
func (s *Spool) begin() error {
	if s.active != nil {
		if s.segments[len(s.segments)-1].size < s.opts.SegmentBytes {
			return nil
		}
		if err := s.finish(); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(s.path(s.next), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) { // left over when it could not be registered
		f, err = os.OpenFile(s.path(s.next), os.O_TRUNC|os.O_RDWR, 0o600)
	}
	if err != nil {
		return err
	}
	if err := syncDir(s.opts.Dir); err != nil {
		return errors.Join(err, f.Close())
	}
	s.active = f
	s.segments = append(s.segments, segment{first: s.next})
	return nil
}

// finish closes the segment that is written.
func (s *Spool) finish() error {
	if s.active == nil {
		return nil
	}
	if err := s.active.Sync(); err != nil {
		return err
	}
	err := s.active.Close()
	s.active = nil
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) { // a file system that has no such thing
		err = nil
	}
	return errors.Join(err, d.Close())
}

// Sync makes sure that all records survive a power failure.
func (s *Spool) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == nil {
		return nil
	}
	if err := s.active.Sync(); err != nil {
		return fmt.Errorf("syncing the spool: %w", err)
	}
	return nil
}

// Records returns the records there are, in order. Behind a damaged segment numbers are missing.
func (s *Spool) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

// Size returns how many bytes the segments take up.
func (s *Spool) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Body returns a record's body, in buf if that is large enough. ErrCorrupt if it is damaged, fs.ErrNotExist if it was deleted.
func (s *Spool) Body(r *Record, buf []byte) ([]byte, error) {
	f, err := os.Open(s.path(r.segment))
	if err != nil {
		return nil, fmt.Errorf("reading record %d: %w", r.Number, err)
	}
	b, err := readBody(f, r, buf)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading record %d: %w", r.Number, err)
	}
	return b, nil
}

// Trim deletes the segments in which all records have lower numbers than the one given. Records in other segments stay.
func (s *Spool) Trim(before uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before >= s.next && s.active != nil && s.segments[len(s.segments)-1].size > 0 {
		// An empty segment keeps the number.
		if err := s.finish(); err != nil {
			return fmt.Errorf("trimming the spool: %w", err)
		}
		if err := s.begin(); err != nil {
			return fmt.Errorf("trimming the spool: %w", err)
		}
	}
	for len(s.segments) > 1 && s.segments[1].first <= before {
		if err := os.Remove(s.path(s.segments[0].first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("trimming the spool: %w", err)
		}
		s.size -= s.segments[0].size
		s.segments = s.segments[1:]
		gone := 0
		for gone < len(s.records) && s.records[gone].Number < s.segments[0].first {
			gone++
		}
		s.records = s.records[gone:]
	}
	return nil
}

// Close closes the spool. What was not synced is synced.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.finish(), s.lock.Close())
}
