package conf

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
)

// AppendJSON appends v as plain JSON on one line: no comments, keys in the order of the file.
func (v Value) AppendJSON(b []byte) []byte { return appendNode(b, v.n, false) }

// AppendCanonical appends v as JSON that is equal for equal values: keys sorted, no spaces. A Secret that refers to
// something (an environment variable, a file) counts by what was found there, as a hash. It is meant for comparing
// values, as a reload does.
func (v Value) AppendCanonical(b []byte) []byte { return appendNode(b, v.n, true) }

func appendNode(b []byte, n *node, canonical bool) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	switch n.kind {
	case KindObject:
		return appendObject(b, n, canonical)
	case KindList:
		b = append(b, '[')
		for i, e := range n.elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNode(b, e, canonical)
		}
		return append(b, ']')
	case KindString:
		if canonical && n.secret != "" {
			return appendString(b, n.secret)
		}
		return appendString(b, n.text)
	default:
		return append(b, n.text...)
	}
}

func appendObject(b []byte, n *node, canonical bool) []byte {
	members := n.members
	if canonical {
		members = slices.Clone(members)
		slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	}
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, m.key), ':')
		b = appendNode(b, m.value, canonical)
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	w := bytes.NewBuffer(b)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always has a JSON form, a buffer takes it
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}
