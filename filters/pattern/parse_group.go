package pattern

// group parses what follows an opening parenthesis at start. skip is true where it was a comment or flags for the whole
// pattern, which are no part of a sequence.
func (p *parser) group(start int, f flags) (n *node, skip bool, err error) {
	if !p.accept('?') {
		n, err = p.capture("", start, f)
		return n, false, err
	}
	t, ok := p.peek()
	if !ok {
		return nil, false, p.fail(p.pos, "unexpected end of pattern")
	}
	p.take(t)
	if t.escaped {
		return nil, false, p.fail(start+1, `unknown extension ?\%c`, t.r)
	}
	switch t.r {
	case 'P':
		n, err = p.named(start, f)
	case ':':
		n, err = p.body(start, f)
	case '#':
		return nil, true, p.comment(start)
	case '=', '!':
		n, err = p.look(start, f, false, t.r == '!')
	case '<':
		n, err = p.lookBehind(start, f)
	case '(':
		n, err = p.conditional(start, f)
	case '>':
		n, err = p.body(start, f)
		n = &node{op: opAtomic, subs: []*node{n}}
	default:
		return p.inlineFlags(t.r, start, f)
	}
	return n, false, err
}

// body parses the rest of a group: its alternatives and the closing parenthesis.
func (p *parser) body(start int, f flags) (*node, error) {
	n, err := p.alternatives(f)
	if err != nil {
		return nil, err
	}
	if !p.accept(')') {
		return nil, p.fail(start, "missing ), unterminated subpattern")
	}
	return n, nil
}

func (p *parser) capture(name string, start int, f flags) (*node, error) {
	group := len(p.names)
	p.names = append(p.names, name)
	p.widths = append(p.widths, nil)
	if name != "" {
		p.byName[name] = group
	}
	n, err := p.body(start, f)
	if err != nil {
		return nil, err
	}
	w := p.width(n)
	p.widths[group] = &w
	return &node{op: opCapture, subs: []*node{n}, group: group}, nil
}

func (p *parser) comment(start int) error {
	for {
		t, ok := p.peek()
		if !ok {
			return p.fail(start, "missing ), unterminated comment")
		}
		p.take(t)
		if t.r == ')' && !t.escaped {
			return nil
		}
	}
}

// named parses (?P<name>...) and (?P=name) after the P.
func (p *parser) named(start int, f flags) (*node, error) {
	switch {
	case p.accept('<'):
		at := p.pos
		name, err := p.groupName('>')
		if err != nil {
			return nil, err
		}
		if g, ok := p.byName[name]; ok {
			return nil, p.fail(at, "redefinition of group name %q as group %d; was group %d", name, len(p.names), g)
		}
		return p.capture(name, start, f)
	case p.accept('='):
		at := p.pos
		name, err := p.groupName(')')
		if err != nil {
			return nil, err
		}
		group, ok := p.byName[name]
		if !ok {
			return nil, p.fail(at, "unknown group name %q", name)
		}
		return p.reference(group, at, f)
	}
	t, ok := p.peek()
	if !ok {
		return nil, p.fail(p.pos, "unexpected end of pattern")
	}
	return nil, p.fail(start+1, "unknown extension ?P%c", t.r)
}

func (p *parser) groupName(end rune) (string, error) {
	at := p.pos
	name, err := p.until(end, "group name")
	if err != nil {
		return "", err
	}
	if !isIdentifier(name) {
		return "", p.fail(at, "bad character in group name %q", name)
	}
	return name, nil
}

func (p *parser) look(start int, f flags, behind, negate bool) (*node, error) {
	n, err := p.body(start, f)
	if err != nil {
		return nil, err
	}
	return &node{op: opLook, subs: []*node{n}, behind: behind, negate: negate}, nil
}

func (p *parser) lookBehind(start int, f flags) (*node, error) {
	var negate bool
	switch {
	case p.accept('='):
	case p.accept('!'):
		negate = true
	default:
		t, ok := p.peek()
		if !ok {
			return nil, p.fail(p.pos, "unexpected end of pattern")
		}
		return nil, p.fail(start+1, "unknown extension ?<%c", t.r)
	}
	outer := p.behindFrom
	if outer == 0 {
		p.behindFrom = len(p.names)
	}
	n, err := p.look(start, f, true, negate)
	p.behindFrom = outer
	if err != nil {
		return nil, err
	}
	if w := p.width(n.subs[0]); w.min != w.max {
		return nil, p.fail(start, "look-behind requires fixed-width pattern")
	}
	return n, nil
}

// conditional parses (?(group)yes|no) after the second parenthesis.
func (p *parser) conditional(start int, f flags) (*node, error) {
	at := p.pos
	name, err := p.until(')', "group name")
	if err != nil {
		return nil, err
	}
	group, err := p.conditionGroup(name, at)
	if err != nil {
		return nil, err
	}
	if err := p.checkLookbehindGroup(group, at); err != nil {
		return nil, err
	}
	n := &node{op: opConditional, group: group, subs: []*node{nil, {op: opEmpty}}}
	if n.subs[0], err = p.sequence(f); err != nil {
		return nil, err
	}
	if p.accept('|') {
		if n.subs[1], err = p.sequence(f); err != nil {
			return nil, err
		}
		if p.is('|') {
			return nil, p.fail(p.pos, "conditional backref with more than two branches")
		}
	}
	if !p.accept(')') {
		return nil, p.fail(start, "missing ), unterminated subpattern")
	}
	return n, nil
}

func (p *parser) conditionGroup(name string, at int) (int, error) {
	if isIdentifier(name) {
		group, ok := p.byName[name]
		if !ok {
			return 0, p.fail(at, "unknown group name %q", name)
		}
		return group, nil
	}
	for _, r := range name {
		if !isDigit(r) {
			return 0, p.fail(at, "bad character in group name %q", name)
		}
	}
	group := atoi(name)
	if group == 0 {
		return 0, p.fail(at, "bad group number")
	}
	p.forward = append(p.forward, &SyntaxError{Msg: "invalid group reference " + name, Offset: at})
	p.forwardTo = append(p.forwardTo, group)
	return group, nil
}

// inlineFlags parses (?i) and (?i-s:...) from the first flag or the minus on.
func (p *parser) inlineFlags(r rune, start int, f flags) (n *node, skip bool, err error) {
	var on, off flags
	if r != '-' {
		if on, r, err = p.flagLetters(r, start, false); err != nil {
			return nil, false, err
		}
	}
	if r == ')' {
		return nil, true, p.globalFlags(on, start)
	}
	if r == '-' {
		t, ok := p.peek()
		if !ok {
			return nil, false, p.fail(p.pos, "missing flag")
		}
		p.take(t)
		if off, r, err = p.flagLetters(t.r, start, true); err != nil {
			return nil, false, err
		}
		if r != ':' {
			return nil, false, p.fail(p.pos-1, "missing :")
		}
	}
	if on&off != 0 {
		return nil, false, p.fail(start, "bad inline flags: flag turned on and off")
	}
	if on&(asciiOnly|unicodeToo) != 0 {
		f &^= asciiOnly | unicodeToo
	}
	n, err = p.body(start, f&^off|on)
	return n, false, err
}

// flagLetters parses flags from r on, up to and including what is none: ), - or :.
func (p *parser) flagLetters(r rune, start int, turnOff bool) (f flags, end rune, err error) {
	for first := true; ; first = false {
		if !first && (r == ':' || !turnOff && (r == ')' || r == '-')) {
			return f, r, nil
		}
		flag, ok := flagOf(r)
		types := asciiOnly | unicodeToo
		switch {
		case r == 'L':
			return 0, 0, p.fail(p.pos-1, "bad inline flags: cannot use 'L' flag with a str pattern")
		case !ok && first && !turnOff:
			return 0, 0, p.fail(start+1, "unknown extension ?%c", r)
		case !ok:
			return 0, 0, p.fail(p.pos-1, "unknown flag %q", r)
		case turnOff && flag&types != 0:
			return 0, 0, p.fail(p.pos-1, "bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
		}
		f |= flag
		if f&types == types {
			return 0, 0, p.fail(p.pos-1, "bad inline flags: flags 'a', 'u' and 'L' are incompatible")
		}
		t, ok := p.peek()
		if !ok {
			return 0, 0, p.fail(p.pos, "missing -, : or )")
		}
		p.take(t)
		if t.escaped {
			return 0, 0, p.fail(p.pos-2, "unknown flag '\\'")
		}
		r = t.r
	}
}

// globalFlags sets flags for the whole pattern. Since 3.11 Python wants them at its start; before, they had the same
// effect anywhere, and so they have here.
func (p *parser) globalFlags(on flags, start int) error {
	if p.global|on == p.global {
		return nil
	}
	p.global |= on
	if p.global&(asciiOnly|unicodeToo) == asciiOnly|unicodeToo {
		return p.fail(start, "ASCII and UNICODE flags are incompatible")
	}
	return errRestart
}

// width is how many characters something matches, at least and at most.
type width struct{ min, max int }

const maxWidth = 1 << 29 // stands for any more; two of them fit an int of 32 bits

func (p *parser) width(n *node) width {
	switch n.op {
	case opSet:
		return width{1, 1}
	case opConcat:
		var w width
		for _, s := range n.subs {
			sw := p.width(s)
			w.min, w.max = min(w.min+sw.min, maxWidth), min(w.max+sw.max, maxWidth)
		}
		return w
	case opAlternate, opConditional:
		w := p.width(n.subs[0])
		for _, s := range n.subs[1:] {
			sw := p.width(s)
			w.min, w.max = min(w.min, sw.min), max(w.max, sw.max)
		}
		return w
	case opRepeat:
		w := p.width(n.subs[0])
		return width{timesWidth(w.min, n.min), timesWidth(w.max, n.max)}
	case opCapture, opAtomic:
		return p.width(n.subs[0])
	case opBackref:
		return *p.widths[n.group]
	default:
		return width{}
	}
}

func timesWidth(w, times int) int {
	switch {
	case w == 0 || times == 0:
		return 0
	case times == unlimited || w > maxWidth/times:
		return maxWidth
	}
	return w * times
}
