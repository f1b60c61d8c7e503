package pattern

import (
	"sync"
	"unicode/utf8"
)

// machine runs a program over a text, all alternatives at once, in time proportional to text and program (Pike's
// algorithm, see https://swtch.com/~rsc/regexp/regexp2.html). Threads are kept in order of preference, so it finds
// the match that a backtracking engine would.
//
// A machine is used by one goroutine at a time.
type machine struct {
	prog      *program
	text      []byte
	from      int  // where the search started
	advance   bool // no empty match at from
	caps      int  // how many positions are wanted; 0: only whether there is a match
	cur, next threads
	saved     []int // of the thread being added
	best      []int // of the best match so far
}

// threads is a set of instructions in order of preference, each with what its thread has captured.
type threads struct {
	dense  []int // instructions waiting for a character, and matches
	caps   []int // machine.caps for each of dense
	seen   []int // all instructions that were added or passed through
	sparse []int // where in seen
}

func (t *threads) has(pc int) bool {
	i := t.sparse[pc]
	return i < len(t.seen) && t.seen[i] == pc
}

func (t *threads) mark(pc int) {
	t.sparse[pc] = len(t.seen)
	t.seen = append(t.seen, pc)
}

func (t *threads) clear() { t.dense, t.caps, t.seen = t.dense[:0], t.caps[:0], t.seen[:0] }

// machines hands out machines for a program.
type machines struct {
	prog *program
	pool sync.Pool
}

func (ms *machines) get() *machine {
	if m, ok := ms.pool.Get().(*machine); ok {
		return m
	}
	n := len(ms.prog.insts)
	return &machine{
		prog:  ms.prog,
		cur:   threads{sparse: make([]int, n)},
		next:  threads{sparse: make([]int, n)},
		saved: make([]int, ms.prog.caps),
		best:  make([]int, ms.prog.caps),
	}
}

func (ms *machines) put(m *machine) {
	m.text = nil
	ms.pool.Put(m)
}

// search finds the leftmost match that starts at from or later; with advance not an empty one at from. The positions
// of its groups are then in best, as many as were asked for.
func (m *machine) search(text []byte, from int, advance bool, caps int) bool {
	m.text, m.from, m.advance, m.caps = text, from, advance, caps
	m.cur.clear()
	m.next.clear()
	matched := false
	for pos := from; ; {
		if !matched {
			for i := range m.saved[:caps] {
				m.saved[i] = -1
			}
			m.add(&m.cur, m.prog.start, pos)
		}
		if len(m.cur.dense) == 0 && matched {
			return true
		}
		r, width := rune(-1), 0
		if pos < len(text) {
			r, width = utf8.DecodeRune(text[pos:])
		}
		if m.step(r, pos, pos+width) {
			if caps == 0 {
				return true
			}
			matched = true
		}
		m.cur, m.next = m.next, m.cur
		m.next.clear()
		if width == 0 || matched && len(m.cur.dense) == 0 {
			return matched
		}
		pos += width
	}
}

// step moves all threads over the character r, which ends at after, and reports whether one had matched before it.
func (m *machine) step(r rune, pos, after int) bool {
	for i, pc := range m.cur.dense {
		in := &m.prog.insts[pc]
		caps := m.cur.caps[i*m.caps : (i+1)*m.caps]
		if in.op == instMatch {
			if m.advance && pos == m.from {
				continue
			}
			copy(m.best, caps)
			return true // what comes after it is less preferred
		}
		if r >= 0 && in.set.contains(r) {
			copy(m.saved, caps)
			m.add(&m.next, in.x, after)
		}
	}
	return false
}

// add adds a thread at pc, or the threads that it leads to without a character.
func (m *machine) add(t *threads, pc, pos int) {
	for {
		in := &m.prog.insts[pc]
		if t.has(pc) {
			return
		}
		t.mark(pc)
		switch in.op {
		case instSet, instMatch:
			t.dense = append(t.dense, pc)
			t.caps = append(t.caps, m.saved[:m.caps]...)
			return
		case instSplit:
			m.add(t, in.x, pos)
			pc = in.y
		case instSave:
			if in.y < m.caps {
				old := m.saved[in.y]
				m.saved[in.y] = pos
				m.add(t, in.x, pos)
				m.saved[in.y] = old
				return
			}
			pc = in.x
		case instAssert:
			if !m.holds(in.at, pos) {
				return
			}
			pc = in.x
		case instFail:
			return
		}
	}
}

// holds reports whether an assertion is true at pos.
func (m *machine) holds(at place, pos int) bool {
	switch at {
	case textStart:
		return pos == 0
	case textEnd:
		return pos == len(m.text)
	case textEndNL:
		return pos == len(m.text) || pos == len(m.text)-1 && m.text[pos] == '\n'
	case lineStart:
		return pos == 0 || m.text[pos-1] == '\n'
	case lineEnd:
		return pos == len(m.text) || m.text[pos] == '\n'
	case wordEdge, asciiEdge:
		return len(m.text) > 0 && m.edge(pos, at == asciiEdge)
	case noWordEdge, noASCIIEdge:
		return len(m.text) > 0 && !m.edge(pos, at == noASCIIEdge) // Python: not in an empty text either
	}
	return false
}

// edge reports whether there is a word on exactly one side of pos.
func (m *machine) edge(pos int, ascii bool) bool {
	before, after := false, false
	if pos > 0 {
		r, _ := utf8.DecodeLastRune(m.text[:pos])
		before = isWord(r, ascii)
	}
	if pos < len(m.text) {
		r, _ := utf8.DecodeRune(m.text[pos:])
		after = isWord(r, ascii)
	}
	return before != after
}
