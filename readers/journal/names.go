package journal

// nameTable holds one string for each field name. Few names make up nearly all fields, so that most are found in a table that has
// one place for each and takes no hash of the whole name.
type nameTable struct {
	recent [256]string
	all    map[string]string
}

func newNameTable() nameTable { return nameTable{all: make(map[string]string)} }

// find returns the string for a name, which is not empty.
func (t *nameTable) find(text []byte) string {
	n := len(text)
	slot := &t.recent[uint8(n)*31^text[n-1]^text[n/2]<<3] //nolint:gosec // any mixture does
	if *slot == string(text) {
		return *slot
	}
	s, ok := t.all[string(text)]
	if !ok {
		s = string(text)
		t.all[s] = s
	}
	*slot = s
	return s
}

func (t *nameTable) len() int { return len(t.all) }
