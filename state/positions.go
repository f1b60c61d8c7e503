package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"strconv"
	"sync"

	"journalpump/pump"
)

// Beside the state file there is a log of the positions that have moved since it was saved: a line for every batch that
// was accepted. It is not fsynced, as that would cost more than the batch: it is for a killed process, whose writes
// survive, not for a power failure.
//
// A line is a checksum and what it is of. `sent {…}` says how far a sender is; its last one counts. `state HASH` names a
// state file that the log is of, by its content: any other (edited, restored, of another run) is taken as it is.
const (
	positionsSuffix = ".positions"
	positionsLimit  = 64 << 10 // bytes; a longer log is written anew with each sender's last line
)

// positions is such a log that is being written. Its methods may be called concurrently.
type positions struct {
	path string
	disk disk

	mu     sync.Mutex
	out    file // nil: the log is not to be trusted, and is written anew after the next save
	size   int
	last   map[laneName]moved
	states [3]string // hashes: of the copy before, of the state file, and of the one that is to take its place
	closed bool
}

type laneName struct{ reader, sender string }

// moved is a sender's last line.
type moved struct {
	to, first pump.Position
	recorder  pump.RecorderState
	line      []byte
}

// positionDoc is what a `sent` line says.
type positionDoc struct {
	Reader    string       `json:"reader"`
	Sender    string       `json:"sender"`
	Cursor    cursor       `json:"cursor"`
	Sequences sequences    `json:"sequences,omitempty"`
	First     cursor       `json:"first"`
	Ledger    ledgerDoc    `json:"ledger"`
	Gaps      gapsDoc      `json:"gaps"`
	Recorder  *recorderDoc `json:"recorder,omitempty"`
}

func newPositions(path string) *positions {
	return &positions{path: path + positionsSuffix, disk: osDisk{}, last: map[laneName]moved{}}
}

// record writes how far a sender is. While that fails it is remembered and written after the next save.
func (p *positions) record(reader, sender string, s *pump.SenderSnapshot) {
	doc := positionDoc{
		Reader: reader, Sender: sender, Cursor: cursor(s.Position), Sequences: newSequences(s.Position),
		First: cursor(s.First), Ledger: newLedgerDoc(s.Ledger), Gaps: newGapsDoc(s.Gaps),
		Recorder: newRecorderDoc(s.Recorder),
	}
	text, err := json.Marshal(&doc)
	if err != nil {
		return // there is nothing in it that cannot be written as JSON
	}
	line := appendLine(nil, "sent ", text)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[laneName{reader, sender}] = moved{s.Position, s.First, s.Recorder, line}
	p.append(line)
}

// announce says that there will be a state file with the hash, which may or may not take the place of the one before.
func (p *positions) announce(hash string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states[2] = hash
	p.append(appendLine(nil, "state ", []byte(hash)))
}

func (p *positions) append(line []byte) {
	if p.out == nil || p.closed {
		return
	}
	n, err := p.out.Write(line)
	p.size += n
	if err != nil { // half a line may be there, and what follows would be lost
		p.distrust()
	}
}

func (p *positions) distrust() {
	if p.out != nil {
		_ = p.out.Close() // nothing of it counts any more
		p.out = nil
	}
}

// saved follows a save, whether it succeeded or not: a log that is long, or not to be trusted, is written anew. Until it
// has taken the old one's place, that one counts.
func (p *positions) saved(ok bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		p.states[0], p.states[1] = p.states[1], p.states[2]
	}
	if p.closed || p.states[1] == "" || p.out != nil && p.size <= positionsLimit {
		return nil
	}
	var text []byte
	for _, hash := range p.states {
		if hash != "" {
			text = appendLine(text, "state ", []byte(hash))
		}
	}
	for _, m := range p.last {
		text = append(text, m.line...)
	}
	out, err := p.replace(text)
	switch {
	case err == nil:
		p.distrust()
		p.out, p.size = out, len(text)
	case p.out != nil: // too long, but good: the next save tries again
		err = nil
	}
	return err
}

// replace puts a new log in the old one's place.
func (p *positions) replace(text []byte) (file, error) {
	next := p.path + ".new"
	if err := removeIfThere(p.disk, next); err != nil {
		return nil, err
	}
	out, err := p.disk.create(next)
	if err != nil {
		return nil, err
	}
	if _, err = out.Write(text); err == nil {
		err = p.disk.rename(next, p.path)
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// close ends the log. When the state file that was saved last says all that it does, it is removed.
func (p *positions) close(saved *pump.Snapshot) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.distrust()
	p.closed = true
	for lane, m := range p.last {
		if s := saved.Readers[lane.reader].Senders[lane.sender]; s.Position != m.to || s.First != m.first || s.Recorder != m.recorder {
			return nil
		}
	}
	return removeIfThere(p.disk, p.path)
}

func stateHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a table that never changes

const checksumLength = 8 // hexadecimal digits

func appendLine(b []byte, kind string, text []byte) []byte {
	sum := crc32.Update(crc32.Checksum([]byte(kind), castagnoli), castagnoli, text)
	b = fmt.Appendf(b, "%0*x %s", checksumLength, sum, kind)
	return append(append(b, text...), '\n')
}

// parsedLine returns what a line says; ok is false for one that is torn or damaged.
func parsedLine(line []byte) (kind string, text []byte, ok bool) {
	if len(line) < checksumLength+1 || line[checksumLength] != ' ' {
		return "", nil, false
	}
	sum, err := strconv.ParseUint(string(line[:checksumLength]), 16, 32)
	if err != nil || sum != uint64(crc32.Checksum(line[checksumLength+1:], castagnoli)) {
		return "", nil, false
	}
	before, after, ok := bytes.Cut(line[checksumLength+1:], []byte{' '})
	return string(before), after, ok
}

// readPositions returns the last position of each sender, and whether the log is of the state file with these contents. Of
// a log that is damaged elsewhere than at its end, as a power failure may leave it, nothing is taken.
func readPositions(data, state []byte) (last map[laneName]*positionDoc, own bool) {
	last = map[laneName]*positionDoc{}
	hash := stateHash(state)
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		kind, text, ok := parsedLine(line)
		if !whole || !ok && len(rest) == 0 {
			break // the line that was being written
		}
		data = rest
		switch {
		case !ok:
			return nil, false
		case kind == "state":
			own = own || string(text) == hash
		case kind == "sent":
			var doc positionDoc
			if err := json.Unmarshal(text, &doc); err != nil {
				return nil, false
			}
			last[laneName{doc.Reader, doc.Sender}] = &doc
		}
	}
	return last, own
}

// advance takes the state on to what was accepted after the file with these contents was saved.
func (l *loader) advance(s *pump.Snapshot, state []byte) {
	data, err := os.ReadFile(l.path + positionsSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var last map[laneName]*positionDoc
	own := false
	if err == nil {
		last, own = readPositions(data, state)
	}
	if err != nil {
		l.warn("what was sent after the state file was saved is sent again: %v", err)
		return
	}
	if !own {
		if len(last) > 0 {
			l.warn("%s%s is of another state file than %s, and is left aside", l.path, positionsSuffix, l.path)
		}
		return
	}
	for lane, doc := range last {
		doc.apply(s, lane)
	}
}

func (d *positionDoc) apply(s *pump.Snapshot, lane laneName) {
	r := s.Readers[lane.reader]
	if r.Senders == nil {
		r.Senders = map[string]pump.SenderSnapshot{}
	}
	sender := r.Senders[lane.sender]
	sender.Position, sender.Started, sender.First = d.Sequences.position(d.Cursor), true, pump.Position(d.First)
	sender.Ledger, sender.Gaps, sender.Recorder = d.Ledger.ledger(), d.Gaps.totals(), d.Recorder.state()
	r.Senders[lane.sender] = sender
	s.Readers[lane.reader] = r
}
