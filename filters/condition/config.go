package condition

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"journalpump/filters/pattern"
	"journalpump/internal/conf"
)

// Config is a condition: it holds if one of its clauses does. In a file a single clause needs no list.
type Config []Clause

// Clause holds if all that is given does; of a list, one element.
type Clause struct {
	Units       conf.StringList `json:"units"`       // names and globs of _SYSTEMD_UNIT
	Identifiers conf.StringList `json:"identifiers"` // names and globs of SYSLOG_IDENTIFIER
	Transports  conf.StringList `json:"transports"`  // values of _TRANSPORT
	MessageIDs  MessageIDs      `json:"message_ids"`
	Priority    Priority        `json:"priority"`
	// Fields are tests by the fields' names. Of a field that occurs several times one value has to pass.
	Fields     map[string]FieldTest `json:"fields"`
	Expression Expression           `json:"expression"`
	Any        Config               `json:"any"` // may be nested
	Not        Config               `json:"not"` // must not hold
}

// Names of the fields that clauses have keys of their own for.
const (
	unitField       = "_SYSTEMD_UNIT"
	identifierField = "SYSLOG_IDENTIFIER"
	transportField  = "_TRANSPORT"
	messageIDField  = "MESSAGE_ID"
	priorityField   = "PRIORITY"
)

// DecodeConf implements conf.Decoder.
func (c *Config) DecodeConf(v conf.Value) error {
	elems, ok := v.List()
	if !ok {
		elems = []conf.Value{v}
	}
	if len(elems) == 0 {
		return errors.New("must have at least one condition in it")
	}
	*c = make(Config, len(elems))
	for i, e := range elems {
		o, ok := e.Object()
		if !ok {
			e.Errorf("must be an object, or a list of objects of which one has to hold; not %s", e.Kind())
			continue
		}
		if o.Decode(&(*c)[i]) {
			(*c)[i].Validate(o)
		}
	}
	return nil
}

// Validate reports to o what is wrong with the clause beyond what its values report themselves.
func (c *Clause) Validate(o *conf.Object) {
	if c.empty() {
		const nothing = `asks for nothing: it must have "units", "identifiers", "transports", "message_ids", "priority", "fields", "expression", "any" or "not" in it`
		if o.Has("when") {
			o.Errorf("", `%s; what "when" has stands here without it`, nothing)
		} else {
			o.Errorf("", nothing)
		}
	}
	for _, name := range c.Transports {
		if known := transports(); !slices.Contains(known, name) {
			o.Errorf("transports", "%q is no transport; there are %s%s", name, conf.QuoteList(known), conf.DidYouMean(name, known))
		}
	}
	section, ok := o.Object("fields")
	if !ok {
		return
	}
	for name := range c.Fields {
		if !isFieldName(name) {
			section.Errorf(name, "no field of a journal has such a name: it is made of capital letters, digits and underscores")
		}
	}
}

func (c *Clause) empty() bool {
	return len(c.Units)+len(c.Identifiers)+len(c.Transports)+len(c.MessageIDs)+len(c.Priority)+len(c.Fields)+
		len(c.Any)+len(c.Not) == 0 && c.Expression == ""
}

// transports are the values of _TRANSPORT, systemd.journal-fields(7).
func transports() []string {
	return []string{"audit", "driver", "syslog", "journal", "stdout", "kernel"}
}

// isFieldName reports whether the journal may have fields of that name.
func isFieldName(name string) bool {
	letters := strings.TrimLeft(name, "_")
	if letters == "" || letters[0] >= '0' && letters[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
}

// MessageIDs are 128-bit IDs as journald writes them: 32 hexadecimal digits. Dashes and capitals are taken, too.
type MessageIDs []string

const messageIDLen = 32

// DecodeConf implements conf.Decoder.
func (m *MessageIDs) DecodeConf(v conf.Value) error {
	var list conf.StringList
	if err := list.DecodeConf(v); err != nil {
		return err
	}
	for _, text := range list {
		id, ok := plainID(text)
		if !ok {
			return fmt.Errorf("%q is no message ID: it must be %d hexadecimal digits", text, messageIDLen)
		}
		*m = append(*m, id)
	}
	return nil
}

func plainID(text string) (string, bool) {
	id := strings.ToLower(strings.ReplaceAll(text, "-", ""))
	return id, len(id) == messageIDLen && strings.Trim(id, "0123456789abcdef") == ""
}

// Priority is the priorities that pass, 0 to 7. In a file a single one stands for itself and all that are more severe, a
// list for those that are in it.
type Priority []int8 //nolint:recvcheck // a value that decodes itself

var errPriority = fmt.Errorf("must be one of %s, or 0 to 7", strings.Join(levels(), ", "))

func levels() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

// DecodeConf implements conf.Decoder.
func (p *Priority) DecodeConf(v conf.Value) error {
	if elems, ok := v.List(); ok {
		for _, e := range elems {
			level, err := levelOf(e)
			if err != nil {
				e.Errorf("%v", err)
				continue
			}
			*p = append(*p, level)
		}
		return nil
	}
	level, err := levelOf(v)
	if err != nil {
		return err
	}
	for l := range level + 1 {
		*p = append(*p, l)
	}
	return nil
}

func levelOf(v conf.Value) (int8, error) {
	text, isText := v.Text()
	number, _ := v.Number()
	if !isText {
		text = string(number)
	}
	names := levels()
	if number, err := strconv.ParseInt(text, 10, 8); err == nil && number >= 0 && number < 8 {
		return int8(number), nil
	}
	switch lower := strings.ToLower(text); lower {
	case "emergency":
		return 0, nil
	case "critical":
		return 2, nil
	case "error":
		return 3, nil
	case "warn":
		return 4, nil
	default:
		if i := slices.Index(names, lower); i >= 0 {
			return int8(i), nil //nolint:gosec // below 8
		}
		return 0, fmt.Errorf("%w%s", errPriority, conf.DidYouMean(lower, names))
	}
}

// FieldTest is passed by the values that one of its parts lets pass.
type FieldTest struct {
	Patterns []string // of Python's re module, searched for
	Globs    []string
	Is       []string
	Present  bool // any value
}

// DecodeConf implements conf.Decoder. A text is a pattern, a number an exact value, true any value; objects say which, and a
// list is several of them.
func (t *FieldTest) DecodeConf(v conf.Value) error {
	elems, ok := v.List()
	if !ok {
		elems = []conf.Value{v}
	}
	if len(elems) == 0 {
		return errors.New("must have at least one test in it")
	}
	for _, e := range elems {
		if err := t.add(e); err != nil {
			e.Errorf("%v", err)
		}
	}
	return nil
}

func (t *FieldTest) add(v conf.Value) error {
	switch v.Kind() {
	case conf.KindString:
		text, _ := v.Text()
		t.Patterns = append(t.Patterns, text)
		_, err := pattern.Compile(text)
		return err
	case conf.KindNumber:
		number, _ := v.Number()
		t.Is = append(t.Is, string(number))
		return nil
	case conf.KindBool:
		if yes, _ := v.Bool(); yes {
			t.Present = true
			return nil
		}
		return errors.New(`must not be false; that a field is missing is said with "not"`)
	case conf.KindObject:
		o, _ := v.Object()
		return t.addObject(o)
	case conf.KindAbsent, conf.KindNull, conf.KindList:
	}
	return fmt.Errorf(`must be a pattern, a number, true, or an object with "is", "glob" or "pattern"; not %s`, v.Kind())
}

func (t *FieldTest) addObject(o *conf.Object) error {
	var parts struct {
		Is      conf.StringList `json:"is"`
		Glob    conf.StringList `json:"glob"`
		Pattern conf.StringList `json:"pattern"`
	}
	if !o.Decode(&parts) {
		return nil // reported
	}
	if len(parts.Is)+len(parts.Glob)+len(parts.Pattern) == 0 {
		return errors.New(`must have "is", "glob" or "pattern" in it`)
	}
	for _, expr := range parts.Pattern {
		if _, err := pattern.Compile(expr); err != nil {
			return err
		}
	}
	t.Is = append(t.Is, parts.Is...)
	t.Globs = append(t.Globs, parts.Glob...)
	t.Patterns = append(t.Patterns, parts.Pattern...)
	return nil
}
