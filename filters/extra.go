package filters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"journalpump/filters/jsontext"
)

// ExtraField is a field that a sender adds to every entry. It replaces the entry's field of that name.
type ExtraField struct {
	Name  string
	Value json.RawMessage
}

// ParseExtraFields parses the setting extra_field_values, a JSON object, and keeps its order. Of a key given twice the
// last value counts, as for every JSON parser.
func ParseExtraFields(object json.RawMessage) ([]ExtraField, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil {
		return nil, fmt.Errorf("extra fields: %w", err)
	} else if t == nil {
		return nil, nil
	} else if t != json.Delim('{') {
		return nil, errors.New("extra fields must be an object")
	}
	var fields []ExtraField
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("extra fields: %w", err)
		}
		name, _ := key.(string) // the decoder lets nothing else be a key
		f := ExtraField{Name: name}
		if err := d.Decode(&f.Value); err != nil {
			return nil, fmt.Errorf("extra field %s: %w", f.Name, err)
		}
		fields = slices.DeleteFunc(fields, func(earlier ExtraField) bool { return earlier.Name == f.Name })
		fields = append(fields, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("extra fields: %w", err)
	}
	return fields, nil
}

// appendFragment appends `,"name":value`.
func (f *ExtraField) appendFragment(dst []byte) ([]byte, error) {
	dst = append(dst, ',')
	dst = jsontext.AppendString(dst, bytes.ToValidUTF8([]byte(f.Name), []byte("\uFFFD")))
	dst = append(dst, ':')
	value, err := f.compact()
	if err != nil {
		return nil, fmt.Errorf("extra field %s: %w", f.Name, err)
	}
	return append(dst, value...), nil
}

// compact returns the value on one line.
func (f *ExtraField) compact() ([]byte, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, f.Value); err != nil {
		return nil, err
	}
	return bytes.ToValidUTF8(compact.Bytes(), []byte("\uFFFD")), nil
}
