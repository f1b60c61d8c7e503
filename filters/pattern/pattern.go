package pattern

import (
	"encoding/binary"
	"errors"
	"regexp"
	"slices"
	"unicode/utf8"
)

// Pattern is a compiled pattern. It may be used concurrently.
type Pattern struct {
	expr  string
	names []string

	// Exactly one of machines and backtracker is set; machines can do all that ascii and full can.
	ascii       *regexp.Regexp // right for ASCII texts; nil if package regexp can't have the pattern
	full        *regexp.Regexp // right for all texts; nil likewise
	machines    *machines
	backtracker *backtracker

	nullable bool // may match the empty string
	newline  bool // asserts the end of the text in a way that a final newline matters for
	filter   filter
}

// Compile compiles a pattern of Python's re module. Its error is a *SyntaxError and says what is wrong with the pattern
// or can't be had, and where.
func Compile(expr string) (*Pattern, error) {
	t, err := parse(expr)
	if err != nil {
		return nil, err
	}
	p := &Pattern{expr: expr, names: t.names, nullable: t.root.nullable(), filter: newFilter(t.root)}
	t.root.walk(func(n *node) {
		p.newline = p.newline || n.op == opAssert && n.at == textEndNL
	})
	prog, err := compileProgram(t.root, len(t.names))
	switch {
	case errors.Is(err, errNotInDialect):
		if p.backtracker, err = compileBacktracker(t.root, len(t.names)); err != nil {
			return nil, &SyntaxError{Msg: "too large or too complex for any of the engines"}
		}
		return p, nil
	case err != nil:
		return nil, err
	}
	p.machines = &machines{prog: prog}
	if !emptyIterations(t.root) {
		p.ascii = compileRE2(t.root, re2ASCII())
		p.full = compileRE2(t.root, re2Full())
	}
	return p, nil
}

// compileRE2 returns nil if package regexp can't have the pattern.
func compileRE2(root *node, d dialect) *regexp.Regexp {
	text, err := emit(root, d)
	if err != nil {
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil
	}
	return re
}

// emptyIterations reports whether there is a repeat of something that may be empty. Package regexp does not end it
// where Python does.
func emptyIterations(root *node) bool {
	found := false
	root.walk(func(n *node) {
		found = found || n.op == opRepeat && n.max != 1 && n.max != 0 && n.subs[0].nullable()
	})
	return found
}

// String returns the pattern as it was given to Compile.
func (p *Pattern) String() string { return p.expr }

// Names returns the names of the groups by number, "" for those without. The first is the whole match, which has none.
func (p *Pattern) Names() []string { return slices.Clone(p.names) }

// MayTimeOut reports whether the pattern needs backtracking, so that matching it may end with ErrTimeout.
func (p *Pattern) MayTimeOut() bool { return p.backtracker != nil }

// MayMatch is a fast test: where it says no, the pattern does not match.
func (p *Pattern) MayMatch(text []byte) bool { return p.filter.mayMatch(text) }

// Match reports whether the pattern matches anywhere in text, as re.search does. The error is ErrTimeout or nil. It
// does not allocate unless the pattern needs backtracking.
func (p *Pattern) Match(text []byte) (bool, error) {
	if !p.filter.mayMatch(text) {
		return false, nil
	}
	return p.MatchFiltered(text)
}

// MatchFiltered is Match for a text of which MayMatch, or Set.Candidates, said yes.
func (p *Pattern) MatchFiltered(text []byte) (bool, error) {
	if p.backtracker != nil {
		_, ok, err := p.backtracker.find(newRuneText(text), 0, false, nil)
		return ok, err
	}
	if re := p.regexpFor(text); re != nil {
		return re.Match(text), nil
	}
	m := p.machines.get()
	defer p.machines.put(m)
	return m.search(text, 0, false, 0), nil
}

// FindSubmatchIndex returns where the leftmost match and its groups are in text, as pairs of offsets like those of
// regexp.FindSubmatchIndex, appended to dst[:0]; nil if there is no match. The error is ErrTimeout or nil.
func (p *Pattern) FindSubmatchIndex(dst []int, text []byte) ([]int, error) {
	if !p.filter.mayMatch(text) {
		return nil, nil
	}
	return p.FindSubmatchIndexFiltered(dst, text)
}

// FindSubmatchIndexFiltered is FindSubmatchIndex for a text of which MayMatch, or Set.Candidates, said yes.
func (p *Pattern) FindSubmatchIndexFiltered(dst []int, text []byte) ([]int, error) {
	if re := p.regexpFor(text); re != nil {
		loc := re.FindSubmatchIndex(text)
		if loc == nil {
			return nil, nil
		}
		return append(dst[:0], loc...), nil
	}
	dst = slices.Grow(dst[:0], 2*len(p.names))[:2*len(p.names)]
	if p.backtracker != nil {
		_, ok, err := p.backtracker.find(newRuneText(text), 0, false, dst)
		if err != nil || !ok {
			return nil, err
		}
		return dst, nil
	}
	m := p.machines.get()
	defer p.machines.put(m)
	if !m.search(text, 0, false, len(dst)) {
		return nil, nil
	}
	copy(dst, m.best)
	return dst, nil
}

// regexpFor returns the fastest program that is right for text, nil if there is none in package regexp.
func (p *Pattern) regexpFor(text []byte) *regexp.Regexp {
	if len(text) == 0 || p.newline && text[len(text)-1] == '\n' {
		return nil
	}
	if isASCII(text) {
		return p.ascii
	}
	return p.full
}

// findAll returns the positions of every match in text, as re.finditer finds them: since Python 3.7 an empty match may
// follow another match at once. groups is how many groups' positions are wanted, the whole match included.
func (p *Pattern) findAll(text []byte, groups int) ([][]int, error) {
	if p.backtracker != nil {
		return p.backtracker.findAll(text, groups)
	}
	// Package regexp skips empty matches just after another match.
	if re := p.regexpFor(text); re != nil && !p.nullable {
		if groups == 1 {
			return re.FindAllIndex(text, -1), nil
		}
		return re.FindAllSubmatchIndex(text, -1), nil
	}
	m := p.machines.get()
	defer p.machines.put(m)
	var all [][]int
	from, advance := 0, false
	for m.search(text, from, advance, 2*groups) {
		loc := slices.Clone(m.best[:2*groups])
		all = append(all, loc)
		from, advance = loc[1], loc[0] == loc[1]
	}
	return all, nil
}

// AppendReplaceAll appends src to dst with every match replaced, as re.sub does; changed is false, and nothing
// appended, if there was no match. The error is ErrTimeout or nil; with an error nothing is appended.
func (p *Pattern) AppendReplaceAll(dst, src []byte, r *Replacement) (out []byte, changed bool, err error) {
	if !p.filter.mayMatch(src) {
		return dst, false, nil
	}
	return p.AppendReplaceAllFiltered(dst, src, r)
}

// AppendReplaceAllFiltered is AppendReplaceAll for a text of which MayMatch, or Set.Candidates, said yes.
func (p *Pattern) AppendReplaceAllFiltered(dst, src []byte, r *Replacement) (out []byte, changed bool, err error) {
	all, err := p.findAll(src, r.groups)
	if err != nil || len(all) == 0 {
		return dst, false, err
	}
	done := 0
	for _, loc := range all {
		dst = append(dst, src[done:loc[0]]...)
		dst = r.append(dst, src, loc)
		done = loc[1]
	}
	return append(dst, src[done:]...), true, nil
}

// Piece is a part of what AppendReplaceAll makes of a text: src[Start:End], or, where Text is not nil, text of the
// replacement.
type Piece struct {
	Start, End int
	Text       []byte
}

// Pieces returns what AppendReplaceAll makes of src, in pieces, so that it can be told what of src is left; nil if there was
// no match. The error is ErrTimeout or nil.
func (p *Pattern) Pieces(src []byte, r *Replacement) ([]Piece, error) {
	if !p.filter.mayMatch(src) {
		return nil, nil
	}
	all, err := p.findAll(src, r.groups)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var pieces []Piece
	done := 0
	for _, loc := range all {
		pieces = append(pieces, Piece{Start: done, End: loc[0]})
		pieces = r.pieces(pieces, loc)
		done = loc[1]
	}
	return append(pieces, Piece{Start: done, End: len(src)}), nil
}

// isASCII reports whether there is no byte over 127 in text.
func isASCII(text []byte) bool {
	const high = 0x8080808080808080
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&high != 0 {
			return false
		}
		text = text[8:]
	}
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
