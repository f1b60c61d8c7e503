package journal

// nameTable holds one fieldName for each field name. Few names make up nearly all fields, so that most are found in a table that
// has one place for each and takes no hash of the whole name.
type nameTable struct {
	recent [256]*fieldName
	all    map[string]*fieldName
}

// fieldName is a name and how likely it is that what one entry of a file has under it is known from other files.
type fieldName struct {
	text  string
	odds  int8
	asked uint8
}

const (
	leastOdds, mostOdds = -100, 100
	// A value that is known saves its copy and its JSON, some times what looking for one that is not costs.
	knownOdds = 3
	// retryOdds is how often a value is looked for all the same once that was in vain for long.
	retryOdds = 64
)

func newNameTable() nameTable { return nameTable{all: make(map[string]*fieldName)} }

// find returns what is known of a name, which is not empty.
func (t *nameTable) find(text []byte) *fieldName {
	n := len(text)
	slot := &t.recent[uint8(n)*31^text[n-1]^text[n/2]<<3] //nolint:gosec // any mixture does
	if *slot != nil && (*slot).text == string(text) {
		return *slot
	}
	name := t.all[string(text)]
	if name == nil {
		name = &fieldName{text: string(text)}
		t.all[name.text] = name
	}
	*slot = name
	return name
}

func (t *nameTable) len() int { return len(t.all) }

// promising reports whether a value that one entry of a file has is worth being looked for among those that are known.
func (n *fieldName) promising() bool {
	n.asked++
	return n.odds > leastOdds || n.asked%retryOdds == 0
}

// note says whether such a value was known.
func (n *fieldName) note(known bool) {
	if known {
		n.odds = min(n.odds+knownOdds, mostOdds)
	} else {
		n.odds = max(n.odds-1, leastOdds)
	}
}
