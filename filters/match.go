package filters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"journalpump/filters/convert"
	"journalpump/pump"
)

// realtimeName is the plain name of an entry's own time.
const realtimeName = "REALTIME_TIMESTAMP"

// Match lets an entry pass if one of its fields has a certain value. The value is compared after conversion: the number 3
// matches a PRIORITY and the string "3" does not; with a text field it is the other way round. A list is compared with a
// field that occurs several times. Without a value (or with null) entries pass that lack the field, or whose field
// is converted to null.
type Match struct {
	key    string
	absent bool   // also matches entries that lack the field
	value  []byte // as canonical JSON
}

// NewMatch returns the match that the settings match_key and match_value describe. Leading underscores of the key do
// not matter. An empty value stands for a match_value that is not given.
func NewMatch(key string, value json.RawMessage) (*Match, error) {
	if key == "" {
		return nil, errors.New("match_key is empty")
	}
	m := &Match{key: plainName(key)}
	if len(bytes.TrimSpace(value)) == 0 {
		value = json.RawMessage("null")
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("match_value: %w", err)
	}
	if v == nil {
		m.absent = true
	}
	var err error
	if m.value, err = appendCanonical(nil, v); err != nil {
		return nil, fmt.Errorf("match_value: %w", err)
	}
	return m, nil
}

// appendCanonical appends v as the encoder would write an equal value, but for numbers: see appendCanonicalNumber.
func appendCanonical(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool: // in Python True == 1
		if v {
			return append(dst, '1'), nil
		}
		return append(dst, '0'), nil
	case string:
		return appendString(dst, []byte(v)), nil
	case json.Number:
		return appendCanonicalNumber(dst, string(v))
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendCanonical(dst, element); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	return nil, errors.New("no field is ever an object")
}

// appendCanonicalNumber appends a number so that equal numbers look alike: 5.0 as 5.
func appendCanonicalNumber(dst []byte, number string) ([]byte, error) {
	if out, ok := convert.AppendInt(dst, []byte(number)); ok {
		return out, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return nil, err
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(dst, int64(f), 10), nil
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64), nil
}

// holds reports whether entry i of c passes. It looks at the entry as the log has it, before redaction.
func (m *Match) holds(c *pump.Chunk, i int, w *matchWork) bool {
	value, ok := m.compared(c, i, w)
	if !ok {
		return m.absent
	}
	return bytes.Equal(value, m.value)
}

// compared returns what entry i of c has to be compared with the value: nil if that is too long, and ok false if there is no
// such field. It is valid until the next call.
func (m *Match) compared(c *pump.Chunk, i int, w *matchWork) (value []byte, ok bool) {
	if m.key == realtimeName {
		w.value = trimZeroFraction(convert.AppendTimestamp(w.value[:0], c.Entries[i].Position.Realtime))
		return w.value, true
	}
	found := w.found[:0]
	for _, r := range c.Fields(i) {
		if f := c.Field(r); isPlainName(f.Name, m.key) {
			found = append(found, f)
		}
	}
	w.found = found
	switch len(found) {
	case 0:
		return nil, false
	case 1:
		return w.single(found[0]), true
	}
	return w.repeated(), true
}

// matchWork is the memory that matching needs, kept from entry to entry.
type matchWork struct {
	enc   encoder
	found []*pump.Field
	value []byte
}

func (w *matchWork) single(f *pump.Field) []byte {
	if len(f.Value) > maxValue {
		return nil
	}
	w.value = w.appendCanonical(w.value[:0], f)
	return w.value
}

// repeated returns what several fields of one plain name come to.
func (w *matchWork) repeated() []byte {
	winner := winningName(w.found)
	w.value = append(w.value[:0], '[')
	count := 0
	for _, f := range w.found {
		if f.Name != winner {
			continue
		}
		if len(f.Value) > maxValue {
			return nil
		}
		if count++; count > 1 {
			w.value = append(w.value, ',')
		}
		w.value = w.appendCanonical(w.value, f)
	}
	w.value = append(w.value, ']')
	if count == 1 {
		return w.value[1 : len(w.value)-1]
	}
	return w.value
}

func (w *matchWork) appendCanonical(dst []byte, f *pump.Field) []byte {
	kind := convert.KindOf(f.Name)
	dst = w.enc.appendValue(dst, kind, f.Value)
	if kind == convert.Seconds {
		dst = trimZeroFraction(dst)
	}
	return dst
}

func trimZeroFraction(number []byte) []byte { return bytes.TrimSuffix(number, []byte(".0")) }

// isPlainName reports whether raw is plain with any number of underscores before it. It is plainName(raw) == plain in less time.
func isPlainName(raw, plain string) bool {
	extra := len(raw) - len(plain)
	if extra < 0 || raw[extra:] != plain {
		return false
	}
	return strings.Count(raw[:extra], "_") == extra && !strings.HasPrefix(plain, "_")
}

// winningName returns which raw name counts where several share a plain name: the one that first occurs last.
func winningName(fields []*pump.Field) string {
	seen := make(map[string]struct{})
	winner := ""
	for _, f := range fields {
		if _, ok := seen[f.Name]; !ok {
			seen[f.Name] = struct{}{}
			winner = f.Name
		}
	}
	return winner
}
