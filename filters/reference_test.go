package filters

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"journalpump/filters/convert"
	"journalpump/pump"
)

// The reference does what the package does in the most obvious way: with maps, regular expressions and big numbers, an
// entry at a time. Values are string, json.Number, nil and []any.
type reference struct {
	stage StageConfig
	view  ViewConfig
}

// object returns what the view shows of entry i; ok is false if it shows nothing.
func (r *reference) object(c *pump.Chunk, i int) (object map[string]any, ok bool) {
	fields := r.fields(c, i)
	for _, m := range r.stage.Matches {
		if !referenceMatch(m, fields) {
			return nil, false
		}
	}
	if r.view.Match != nil && !referenceMatch(r.view.Match, fields) {
		return nil, false
	}
	if !r.levelPasses(fields) {
		return nil, false
	}
	r.redact(fields)
	at := time.UnixMicro(int64(c.Entries[i].Position.Realtime)).UTC()
	layout := "2006-01-02T15:04:05"
	if at.Nanosecond() != 0 {
		layout += ".000000"
	}
	fields["timestamp"] = at.Format(layout)
	for _, f := range r.view.ExtraFields {
		fields[f.Name] = decodeStrict(f.Value)
	}
	if f := r.view.FieldFilter; f != nil {
		for name := range fields {
			if _, listed := f.fields[strings.ToLower(strings.TrimLeft(name, "_"))]; listed != f.whitelist {
				delete(fields, name)
			}
		}
	}
	return fields, true
}

// fields returns the converted fields by plain name.
func (r *reference) fields(c *pump.Chunk, i int) map[string]any {
	var order []string
	values := make(map[string][][]byte)
	for _, ref := range c.Fields(i) {
		f := c.Field(ref)
		if _, ok := values[f.Name]; !ok {
			order = append(order, f.Name)
		}
		values[f.Name] = append(values[f.Name], f.Value)
	}
	fields := make(map[string]any)
	for _, raw := range order {
		var list []any
		for _, v := range values[raw] {
			list = append(list, r.convert(raw, v))
		}
		plain := strings.ToValidUTF8(strings.TrimLeft(raw, "_"), "\uFFFD")
		if fields[plain] = list[0]; len(list) > 1 {
			fields[plain] = list
		}
	}
	fields["REALTIME_TIMESTAMP"] = referenceSeconds(new(big.Int).SetUint64(c.Entries[i].Position.Realtime))
	delete(fields, "timestamp")
	return fields
}

var (
	intPattern  = regexp.MustCompile(`^[ \t\n\v\f\r]*([+-]?\d+(?:_\d+)*)[ \t\n\v\f\r]*$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
)

func (r *reference) convert(raw string, v []byte) any {
	switch raw {
	case "PRIORITY", "_PID", "CODE_LINE":
		if n := referenceInt(v); n != nil {
			return json.Number(n.String())
		}
	case "MESSAGE_ID", "_BOOT_ID":
		if plain := strings.ReplaceAll(string(v), "-", ""); uuidPattern.MatchString(plain) {
			s := strings.ToLower(plain)
			return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
		}
	case "_SOURCE_REALTIME_TIMESTAMP":
		if n := referenceInt(v); n != nil && n.CmpAbs(big.NewInt(1<<53)) <= 0 {
			return referenceSeconds(n)
		} else if n != nil {
			f, _ := new(big.Float).SetInt(n).Float64()
			return referenceFloat(f / 1e6)
		}
	case "_SOURCE_MONOTONIC_TIMESTAMP":
		return nil
	}
	return r.text(v)
}

func (r *reference) text(v []byte) string {
	switch {
	case utf8.Valid(v):
		return string(v)
	case r.stage.BinaryFields == convert.Base64:
		return base64.StdEncoding.EncodeToString(v)
	case r.stage.BinaryFields == convert.Replace:
		return string([]rune(string(v)))
	}
	quote := "'"
	if bytes.Contains(v, []byte("'")) && !bytes.Contains(v, []byte(`"`)) {
		quote = `"`
	}
	s := "b" + quote
	for _, c := range v {
		switch q := strconv.QuoteToASCII(string(rune(c))); {
		case string(c) == quote || c == '\\':
			s += `\` + string(c)
		case c == '\t' || c == '\n' || c == '\r':
			s += q[1 : len(q)-1]
		case c < 0x20 || c > 0x7e:
			s += fmt.Sprintf(`\x%02x`, c)
		default:
			s += string(c)
		}
	}
	return s + quote
}

func referenceInt(v []byte) *big.Int {
	m := intPattern.FindSubmatch(v)
	if m == nil {
		return nil
	}
	digits := strings.TrimPrefix(strings.ReplaceAll(string(m[1]), "_", ""), "+")
	n, _ := new(big.Int).SetString(digits, 10)
	return n
}

func referenceSeconds(micros *big.Int) json.Number {
	s := strings.TrimRight(new(big.Rat).SetFrac(micros, big.NewInt(1e6)).FloatString(6), "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return json.Number(s)
}

// referenceFloat has Python's shortest digits; see also TestSecondsAsPython.
func referenceFloat(f float64) json.Number {
	if f >= 1e16 || f <= -1e16 {
		return json.Number(strconv.FormatFloat(f, 'e', -1, 64))
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return json.Number(s)
}

// referenceMatch compares with the value as the configuration gave it.
func referenceMatch(m *Match, fields map[string]any) bool {
	return referenceEqual(fields[m.key], decodeStrict(m.value))
}

func referenceEqual(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, referenceEqual)
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, _ := new(big.Rat).SetString(string(a))
		y, _ := new(big.Rat).SetString(string(b))
		return x.Cmp(y) == 0
	}
	_, list := b.([]any)
	return !list && a == b
}

func (r *reference) levelPasses(fields map[string]any) bool {
	unit, isText := fields["SYSTEMD_UNIT"].(string)
	number, isNumber := fields["PRIORITY"].(json.Number)
	if r.view.UnitLogLevels == nil || !isText || unit == "" || !isNumber {
		return true
	}
	priority, _ := new(big.Int).SetString(string(number), 10)
	if priority.Sign() <= 0 {
		return true
	}
	for _, rule := range r.view.UnitLogLevels.rules {
		if rule.glob.Match([]byte(unit)) {
			return priority.Cmp(big.NewInt(int64(rule.level))) <= 0
		}
	}
	return true
}

func (r *reference) redact(fields map[string]any) {
	if r.stage.Secrets == nil {
		return
	}
	redact := func(v any) any {
		s, ok := v.(string)
		if !ok {
			return v
		}
		out, _ := r.stage.Secrets.Redact(nil, []byte(s))
		return string(out)
	}
	switch v := fields["MESSAGE"].(type) {
	case string:
		fields["MESSAGE"] = redact(v)
	case []any:
		for i := range v {
			v[i] = redact(v[i])
		}
	}
}

// decodeStrict decodes JSON, refusing keys that occur twice. It panics on what is no JSON.
func decodeStrict(b []byte) any {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := decodeValue(d)
	if err != nil {
		panic(fmt.Sprintf("%v in %q", err, b))
	}
	if d.More() {
		panic(fmt.Sprintf("more than one value in %q", b))
	}
	return v
}

func decodeValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		object := make(map[string]any)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			if _, twice := object[key.(string)]; twice {
				return nil, fmt.Errorf("key %q occurs twice", key)
			}
			if object[key.(string)], err = decodeValue(d); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}
