package corpus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"journalpump/test/journalwriter"
)

// machine is one that has a journald, which does with its files what systemd's does.
type machine struct {
	w       *world
	id      journalwriter.ID
	name    string
	dir     string
	boot    journalwriter.ID
	booted  uint64 // when, as it was
	offset  uint64 // of its clock, modulo 2^64
	stamped uint64 // what its clock said last

	sequence journalwriter.ID      // of new files
	counter  uint64                // the number given last since it was booted
	open     map[string]*journal   // by base
	bases    []string              // in the order in which they were opened
	archive  []string              // the oldest first
	volatile []journalwriter.Entry // what is in /run and not in /var yet
	cautious bool                  // it rotates when the clock is set back, as journald does and journal-remote doesn't
}

// journal is a file that is being written.
type journal struct {
	dir, base   string
	w           *journalwriter.Writer
	sequence    journalwriter.ID
	first, last uint64 // sequence numbers
	begun       uint64 // the first entry's realtime
}

func newMachine(w *world) (*machine, error) {
	m := &machine{
		w: w, id: w.id(), name: fmt.Sprintf("machine%d", len(w.machines)), dir: w.dir, boot: w.id(), booted: w.now - 5_000_000,
		sequence: w.id(), open: map[string]*journal{}, cautious: w.chance(2),
	}
	if w.habits.machines > 1 { // as /var/log/journal has them
		m.dir = filepath.Join(w.dir, fmt.Sprintf("%x", m.id))
		return m, mkdir(m.dir)
	}
	return m, nil
}

// log writes an entry.
func (m *machine) log() error {
	now := m.w.tick()
	realtime := now + m.offset
	if realtime < m.stamped && m.cautious {
		if err := m.rotate(); err != nil {
			return err
		}
	}
	m.stamped = realtime
	user := 0
	if m.w.users > 0 && m.w.chance(3) {
		user = 1000 + m.w.rnd.IntN(m.w.users)
	}
	e := journalwriter.Entry{
		Realtime: realtime, Monotonic: now - m.booted, Boot: m.boot,
		Fields: m.w.prose.fields(m.w.n, m, user),
	}
	base := "system"
	switch {
	case m.w.volatile && m.volatile != nil:
		base = "run"
		m.volatile = append(m.volatile, e)
	case user != 0:
		base = fmt.Sprintf("user-%d", user)
	}
	if err := m.append(base, e); err != nil {
		return err
	}
	if len(m.volatile) > 1+m.w.rnd.IntN(100) {
		if err := m.flush(); err != nil {
			return err
		}
	}
	m.w.n++
	if m.w.n == m.w.limit {
		return errLimit
	}
	return nil
}

// append puts an entry into a file with the next number.
func (m *machine) append(base string, e journalwriter.Entry) error {
	j := m.open[base]
	if j == nil {
		var err error
		if j, err = m.begin(base, journalwriter.ID{}); err != nil {
			return err
		}
	}
	// journald counts for all files together, and each file's numbers rise.
	m.counter = max(m.counter, j.last) + 1
	e.Seqnum, j.last = m.counter, m.counter
	if j.first == 0 {
		j.first, j.begun = e.Seqnum, e.Realtime
	}
	return j.w.Append(e)
}

// begin opens a file of the sequence; the zero one stands for whatever it has to be.
func (m *machine) begin(base string, sequence journalwriter.ID) (*journal, error) {
	if sequence == (journalwriter.ID{}) {
		if sequence = m.sequence; base != "system" && m.w.ownSequences || base == "run" {
			sequence = m.w.id()
		}
	}
	o := m.w.layout(m.w.rnd)
	if o.DataBuckets == 0 { // so that the chains stay short in large files
		o.DataBuckets = max(2047, m.w.limit/8)
	}
	o.FileID, o.MachineID, o.SeqnumID, o.State = m.w.id(), m.id, sequence, journalwriter.Online
	w, err := journalwriter.New(o)
	if err != nil {
		return nil, err
	}
	j := &journal{dir: m.dir, base: base, w: w, sequence: sequence}
	if m.open[base] == nil {
		m.bases = append(m.bases, base)
	}
	m.open[base] = j
	return j, nil
}

// rotate archives all files and goes on in new ones.
func (m *machine) rotate() error {
	for _, base := range m.bases {
		j := m.open[base]
		if j == nil || j.first == 0 {
			continue
		}
		j.w.SetState(journalwriter.Archived)
		path := filepath.Join(m.dir, journalwriter.ArchivedName(base, j.sequence, j.first, j.begun))
		if err := m.finish(j, path); err != nil {
			return err
		}
		last := j.last
		next, err := m.begin(base, j.sequence)
		if err != nil {
			return err
		}
		next.last = last
	}
	return nil
}

func (m *machine) finish(j *journal, path string) error {
	if m.w.copied && m.w.chance(3) {
		if err := m.w.copyOf(j); err != nil {
			return err
		}
	}
	m.archive = append(m.archive, path)
	return j.w.WriteFile(path)
}

// reboot goes on with the same files in another boot.
func (m *machine) reboot() error {
	m.w.now += m.w.rnd.Uint64N(60_000_000)
	m.boot, m.booted = m.w.id(), m.w.now-m.w.rnd.Uint64N(1_000_000)
	if m.w.noClock {
		m.offset = start + m.w.rnd.Uint64N(1_000_000) - m.w.now
	}
	m.stamped = 0 // what it remembered is gone
	if m.w.ownSequences {
		m.counter = 0
	}
	if m.w.copied && m.w.chance(2) {
		for _, base := range m.bases {
			if j := m.open[base]; j != nil && j.first != 0 {
				if err := m.w.copyOf(j); err != nil {
					return err
				}
			}
		}
	}
	if m.w.volatile {
		delete(m.open, "run")
		m.volatile = make([]journalwriter.Entry, 0, 128)
	}
	return nil
}

// crash is a reboot after which journald sets aside the files that it finds open.
func (m *machine) crash() error {
	if err := m.reboot(); err != nil {
		return err
	}
	m.sequence = m.w.id()
	for _, base := range slices.Clone(m.bases) {
		j := m.open[base]
		if j == nil || j.first == 0 {
			continue
		}
		name := fmt.Sprintf("%s@%016x-%016x.journal~", base, m.w.now+m.offset, m.w.rnd.Uint64())
		if err := m.finish(j, filepath.Join(m.dir, name)); err != nil {
			return err
		}
		delete(m.open, base)
	}
	m.bases = m.bases[:0]
	return nil
}

// flush copies what is in /run to /var, with numbers of that sequence.
func (m *machine) flush() error {
	for _, e := range m.volatile {
		if err := m.append("system", e); err != nil {
			return err
		}
	}
	m.volatile = nil
	run := m.open["run"]
	delete(m.open, "run")
	m.bases = slices.DeleteFunc(m.bases, func(base string) bool { return base == "run" })
	if run == nil || m.w.chance(2) {
		return nil
	}
	run.w.SetState(journalwriter.Offline)
	m.w.copies++
	return run.w.WriteFile(filepath.Join(m.dir, fmt.Sprintf("run%d.journal", m.w.copies)))
}

// vacuum deletes the oldest archived files.
func (m *machine) vacuum() error {
	n := min(len(m.archive), 1+m.w.rnd.IntN(3))
	for _, path := range m.archive[:n] {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("vacuuming: %w", err)
		}
	}
	m.archive = m.archive[n:]
	return nil
}

// save writes what is open as it is.
func (m *machine) save() error {
	for _, base := range m.bases {
		j := m.open[base]
		if j == nil {
			continue
		}
		if m.w.chance(2) {
			j.w.SetState(journalwriter.Offline)
		}
		if err := j.w.WriteFile(filepath.Join(m.dir, base+".journal")); err != nil {
			return err
		}
	}
	return nil
}
