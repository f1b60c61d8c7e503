package promise

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// marker comes before an entry's number in its MESSAGE.
const marker = "promised "

// message returns the text of entry n, from 1 on.
func message(n int) string { return fmt.Sprintf("%s%d kept", marker, n) }

// poisonEvery is of how many entries one is such that a picky destination refuses it for good.
const poisonEvery = 13

func poison(n int) bool { return n%poisonEvery == 0 }

// arrivals are the numbers of the entries that a destination has accepted, in the order in which it did.
type arrivals struct {
	mu      sync.Mutex
	numbers []int
	stored  map[uint64]bool // by ID, of which the hash is enough, where the destination knows IDs
	newest  int             // the highest number
	picky   bool            // poison is refused
	passed  chan int        // if not nil, told of newest after each batch that moved it; it has room
}

// add accepts all entries in what was sent.
func (a *arrivals) add(sent []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.append(sent)
}

func (a *arrivals) append(sent []byte) {
	from := len(a.numbers)
	a.numbers = appendNumbers(a.numbers, sent)
	if from == len(a.numbers) || slices.Max(a.numbers[from:]) <= a.newest {
		return
	}
	a.newest = slices.Max(a.numbers[from:])
	select {
	case a.passed <- a.newest:
	default:
	}
}

// store accepts an entry unless it has it; it reports whether it is new.
func (a *arrivals) store(id string, sent []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stored == nil {
		a.stored = map[uint64]bool{}
	}
	hash := xxhash.Sum64String(id)
	if a.stored[hash] {
		return false
	}
	a.stored[hash] = true
	a.append(sent)
	return true
}

// setPicky says whether poison is refused from now on.
func (a *arrivals) setPicky(picky bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.picky = picky
}

// refuses reports whether there is an entry in what was sent that is refused for good.
func (a *arrivals) refuses(sent []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.picky && slices.ContainsFunc(appendNumbers(nil, sent), poison)
}

func (a *arrivals) all() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]int(nil), a.numbers...)
}

func (a *arrivals) highest() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.newest
}

func appendNumbers(numbers []int, text []byte) []int {
	for {
		_, rest, ok := bytes.Cut(text, []byte(marker))
		if !ok {
			return numbers
		}
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if n, err := strconv.Atoi(string(rest[:digits])); err == nil {
			numbers = append(numbers, n)
		}
		text = rest[digits:]
	}
}
