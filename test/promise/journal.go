package promise

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"journalpump/test/journalwriter"
)

// journal is what the agent reads. Entries are numbered from 1 on.
type journal interface {
	// write logs so many entries and returns when they are there. It returns the number of the last one.
	write(t *testing.T, n int) (last int)
	// mistreat does one of the acts that are done to journals.
	mistreat(t *testing.T, a Act)
	// losses returns what may have become unreadable before it was read.
	losses() losses
	// places returns where the entries are, or were, and where the journal ends, be it with an entry that nobody wants.
	places(t *testing.T) (at places, end place)
}

// losses are the entries that may have become unreadable.
type losses struct {
	which map[int]bool // by number
	most  int          // entries that gaps may have: they may reach over those that nobody wants, too
}

// generated is a journal whose finished files appear one after the other, as they do where journals of others are collected. Entries that
// nobody wants, if there are any, have no number.
type generated struct {
	path     string
	rnd      *rand.Rand
	n        int
	files    []published // those that are there, the oldest first
	made     int
	noise    *rand.Rand // for what nobody wants; nil: there is nothing like that
	numbers  []int      // by sequence number, less one: 0 if nobody wants the entry
	at       places
	lost     map[int]bool
	gone     map[int]bool // by sequence number
	sequence string       // seqnum_id in hexadecimal
	boot     journalwriter.ID
	clock    uint64 // realtime of the last entry, in microseconds
	since    uint64 // monotonic
}

// unitName is the unit of the entries that are wanted.
const unitName = "promise.service"

// published is a file and the sequence numbers in it.
type published struct {
	path        string
	first, last int
}

func seqnumID() journalwriter.ID { return journalwriter.ID{0x5e, 0x09} }

func newGenerated(seed uint64, path string) *generated {
	id := seqnumID()
	g := &generated{
		path: path, rnd: rand.New(rand.NewPCG(seed, 7)), lost: map[int]bool{}, gone: map[int]bool{},
		sequence: hex.EncodeToString(id[:]), clock: 1_790_000_000_000_000,
	}
	g.reboot()
	return g
}

// addNoise has entries that nobody wants stand between the others.
func (g *generated) addNoise(seed uint64) { g.noise = rand.New(rand.NewPCG(seed, 17)) }

func (g *generated) losses() losses {
	most := len(g.gone)
	for i, number := range g.numbers {
		if number == 0 && !g.gone[i+1] {
			most++
		}
	}
	return losses{which: g.lost, most: most}
}

func (g *generated) places(*testing.T) (at places, end place) {
	return g.at, place{g.sequence, uint64(len(g.numbers))}
}

// setClock sets the clock back or forward by up to a day.
func (g *generated) setClock() {
	g.clock += uint64(g.rnd.IntN(2*86_400)) * 1_000_000
	g.clock -= 86_400 * 1_000_000
}

// reboot begins another boot, whose clock may be set wrong.
func (g *generated) reboot() {
	binary.LittleEndian.PutUint64(g.boot[:], g.rnd.Uint64())
	binary.LittleEndian.PutUint64(g.boot[8:], g.rnd.Uint64())
	g.setClock()
	g.since = uint64(g.rnd.IntN(10_000_000))
}

func (g *generated) write(t *testing.T, n int) (last int) {
	t.Helper()
	if g.rnd.IntN(6) == 0 {
		g.reboot()
	}
	g.publish(t, func(add func(number int, rnd *rand.Rand)) {
		for range n {
			for g.noise != nil && g.noise.IntN(2) == 0 {
				add(0, g.noise)
			}
			g.n++
			add(g.n, g.rnd)
		}
	})
	return g.n
}

// publish has a file appear, with what fill adds to it.
func (g *generated) publish(t *testing.T, fill func(add func(number int, rnd *rand.Rand))) {
	t.Helper()
	g.made++
	w, err := journalwriter.New(journalwriter.Options{
		Compact:   g.rnd.IntN(2) == 0,
		Keyed:     g.rnd.IntN(2) == 0,
		FileID:    journalwriter.ID{0xf1, byte(g.made >> 8), byte(g.made)},
		MachineID: journalwriter.ID{0xac},
		SeqnumID:  seqnumID(),
		State:     journalwriter.Archived,
	})
	if err != nil {
		t.Fatal(err)
	}
	first := len(g.numbers) + 1
	realtime := uint64(0) // of the first entry
	fill(func(number int, rnd *rand.Rand) {
		g.add(t, w, number, rnd)
		if realtime == 0 {
			realtime = g.clock
		}
	})
	last := len(g.numbers)
	name := filepath.Join(g.path, journalwriter.ArchivedName("system", seqnumID(), uint64(first), realtime))
	if err := w.WriteFile(name + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	g.files = append(g.files, published{name, first, last})
}

// add adds an entry: that of a number, or, if that is 0, one that nobody wants.
func (g *generated) add(t *testing.T, w *journalwriter.Writer, number int, rnd *rand.Rand) {
	t.Helper()
	step := uint64(1 + rnd.IntN(5000))
	g.clock += step
	g.since += step
	g.numbers = append(g.numbers, number)
	unit, text := "noise.service", "nobody wants this"
	if number > 0 {
		unit, text = unitName, message(number)
		g.at = append(g.at, place{g.sequence, uint64(len(g.numbers))})
	}
	err := w.Append(journalwriter.Entry{Seqnum: uint64(len(g.numbers)), Realtime: g.clock, Monotonic: g.since, Boot: g.boot, Fields: [][]byte{
		[]byte("_TRANSPORT=journal"), []byte("_HOSTNAME=torture"), []byte("_SYSTEMD_UNIT=" + unit),
		fmt.Appendf(nil, "PRIORITY=%d", rnd.IntN(8)), []byte("MESSAGE=" + text),
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func (g *generated) mistreat(t *testing.T, a Act) {
	t.Helper()
	switch {
	case a == Vacuum && len(g.files) > 2:
		for range 1 + g.rnd.IntN(2) {
			g.lose(g.files[0].first, g.files[0].last)
			if err := os.Remove(g.files[0].path); err != nil {
				t.Error(err)
			}
			g.files = g.files[1:]
		}
	case a == Corrupt && len(g.files) > 0:
		g.corrupt(t, g.files[g.rnd.IntN(len(g.files))])
	case a == Others:
		g.publish(t, func(add func(number int, rnd *rand.Rand)) {
			for range 1 + g.noise.IntN(100) {
				add(0, g.noise)
			}
		})
	case a == Reboot:
		g.reboot()
	case a == SetClock:
		g.setClock()
	}
}

// lose notes that entries, by their sequence numbers, may be gone before they were read.
func (g *generated) lose(first, last int) {
	for seqnum := first; seqnum <= last; seqnum++ {
		g.gone[seqnum] = true
		if n := g.numbers[seqnum-1]; n > 0 {
			g.lost[n] = true
		}
	}
}

// corrupt makes some ENTRY objects side by side something that there isn't. An object begins with its type, a byte, and has its
// size at 8; it begins at a multiple of 8 ("Objects" in https://systemd.io/JOURNAL_FILE_FORMAT).
func (g *generated) corrupt(t *testing.T, p published) {
	t.Helper()
	f, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	b, err := os.ReadFile(p.path)
	if err != nil {
		t.Error(err)
		return
	}
	const headerSizeAt, entryType, wrong = 88, 3, 0x63
	from := g.rnd.IntN(p.last - p.first + 1)
	to := min(from+1+g.rnd.IntN(5), p.last-p.first+1)
	entry := 0
	for at := binary.LittleEndian.Uint64(b[headerSizeAt:]); at+16 <= uint64(len(b)); {
		size := binary.LittleEndian.Uint64(b[at+8:])
		if size < 16 {
			break
		}
		if b[at] == entryType || b[at] == wrong {
			if entry >= from && entry < to {
				if _, err := f.WriteAt([]byte{wrong}, int64(at)); err != nil {
					t.Error(err)
				}
				g.lose(p.first+entry, p.first+entry)
			}
			entry++
		}
		at += (size + 7) &^ 7
	}
	if entry != p.last-p.first+1 {
		t.Errorf("%s has %d entries, not %d", p.path, entry, p.last-p.first+1)
	}
}
