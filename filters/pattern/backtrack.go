package pattern

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// ErrTimeout says that a pattern which needs backtracking did not come to an end within MatchTimeout, or within the
// memory that it may use for it. Whether it matches is not known.
var ErrTimeout = errors.New("pattern matching took too long")

// MatchTimeout is how long a pattern that needs backtracking may look at one text.
const MatchTimeout = time.Second

// backtracker runs what is not regular. Its engine wants runes, so texts are copied; that is why it is the last resort.
type backtracker struct {
	re *regexp2.Regexp
	// nonEmpty is re without empty matches where a search starts; nil if re has no empty matches at all.
	nonEmpty *regexp2.Regexp
}

// compileBacktracker compiles a pattern that has groups up to groups-1.
func compileBacktracker(root *node, groups int) (*backtracker, error) {
	text, err := emit(root, backtracking(groups))
	if err != nil {
		return nil, err
	}
	b := &backtracker{}
	if b.re, err = regexp2.Compile(text); err != nil {
		return nil, err
	}
	b.re.MatchTimeout = MatchTimeout
	if root.nullable() {
		// \G is where the search started.
		if b.nonEmpty, err = regexp2.Compile("(?:" + text + `)(?!\G)`); err != nil {
			return nil, err
		}
		b.nonEmpty.MatchTimeout = MatchTimeout
	}
	return b, nil
}

// runeText is a text as runes, with where each of them starts in bytes, and where the text ends.
type runeText struct {
	runes   []rune
	offsets []int
}

func newRuneText(text []byte) runeText {
	n := utf8.RuneCount(text)
	t := runeText{runes: make([]rune, 0, n), offsets: make([]int, 0, n+1)}
	for i := 0; i < len(text); {
		r, width := utf8.DecodeRune(text[i:])
		t.runes = append(t.runes, r)
		t.offsets = append(t.offsets, i)
		i += width
	}
	t.offsets = append(t.offsets, len(text))
	return t
}

// find finds the leftmost match at or after the rune at from; with advance not an empty one there. It sets the pairs of
// loc, which are byte offsets, for as many groups as there is room; end is the rune after the match.
func (b *backtracker) find(t runeText, from int, advance bool, loc []int) (end int, ok bool, err error) {
	re := b.re
	if advance && b.nonEmpty != nil {
		re = b.nonEmpty
	}
	err = re.FindRunesMatches(t.runes, from, func(v regexp2.MatchView) bool {
		ok = true
		index, length, _ := v.GroupRange(0)
		end = index + length
		for g := range len(loc) / 2 {
			index, length, took := v.GroupRange(g)
			if !took {
				loc[2*g], loc[2*g+1] = -1, -1
				continue
			}
			loc[2*g], loc[2*g+1] = t.offsets[index], t.offsets[index+length]
		}
		return false
	})
	if err != nil {
		return 0, false, ErrTimeout // the engine's own error would repeat the text
	}
	return end, ok, nil
}

// findAll is Pattern.findAll.
func (b *backtracker) findAll(text []byte, groups int) ([][]int, error) {
	t := newRuneText(text)
	started := time.Now() // the engine's own limit is for one match, and there may be very many
	var all [][]int
	from, advance := 0, false
	for {
		loc := make([]int, 2*groups)
		end, ok, err := b.find(t, from, advance, loc)
		if err != nil || !ok {
			return all, err
		}
		all = append(all, loc)
		from, advance = end, loc[0] == loc[1]
		if time.Since(started) > MatchTimeout {
			return nil, ErrTimeout
		}
	}
}
