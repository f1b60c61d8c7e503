package pattern

import (
	"bytes"
	"strings"
)

// fixedText is a text to be looked for in others. It is looked for by the byte in it that is rarest in logs, so that most of a text
// that lacks it is passed over at once; bytes.Contains begins with the first two bytes, of which logs are full.
type fixedText struct {
	text []byte
	rare int // index of that byte
}

// byFrequency are the bytes of log messages, the commonest first; what is not in it is rarer still. It decides how fast a search
// is, not what it finds.
const byFrequency = ` e0t1aoi2nsr3d5l4c6u7p8m9./:-=fgbhvyw_k",()[]'SITAECDRPNMLOBF`

func newFixedText(text string) *fixedText {
	l := &fixedText{text: []byte(text)}
	rarest := -1
	for i := range len(text) {
		rank := strings.IndexByte(byFrequency, text[i])
		if rank < 0 {
			rank = len(byFrequency)
		}
		if rank > rarest {
			rarest, l.rare = rank, i
		}
	}
	return l
}

// maxTries is after how many of its rare bytes a text is searched in another way, whose time is linear.
const maxTries = 8

// in reports whether text contains it.
func (l *fixedText) in(text []byte) bool {
	n := len(l.text)
	end := len(text) - n + l.rare + 1 // behind the last place where the rare byte may be
	for from, tries := l.rare, 0; from < end; tries++ {
		if tries == maxTries {
			return bytes.Contains(text[from-l.rare:], l.text)
		}
		i := bytes.IndexByte(text[from:end], l.text[l.rare])
		if i < 0 {
			return false
		}
		if start := from + i - l.rare; bytes.Equal(text[start:start+n], l.text) {
			return true
		}
		from += i + 1
	}
	return false
}
