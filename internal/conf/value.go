package conf

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of JSON value. Its text reads well in a message: "a string", "a list".
type Kind string

// The kinds of values.
const (
	KindAbsent Kind = "nothing"
	KindNull   Kind = "null"
	KindBool   Kind = "true or false"
	KindNumber Kind = "a number"
	KindString Kind = "a string"
	KindList   Kind = "a list"
	KindObject Kind = "an object"
)

type node struct {
	kind    Kind
	offset  int
	text    string // of a string, decoded; of the other literals, as they are
	members []member
	elems   []*node
	secret  string // what a Secret found behind a reference, hashed
}

type member struct {
	key    string
	offset int
	value  *node
}

// Value is a value of the file together with its place. The zero Value is absent.
type Value struct {
	n *node
	r *Report
	// path is where the value is, such as readers.x.tags; level the same with names that people chose left out, such
	// as readers.NAME.tags.
	path, level string
}

// Kind returns the kind of v.
func (v Value) Kind() Kind {
	if v.n == nil {
		return KindAbsent
	}
	return v.n.kind
}

// IsNull reports whether v is null or absent.
func (v Value) IsNull() bool { return v.n == nil || v.n.kind == KindNull }

// Path returns where v is in the file: the keys down to it, joined by dots.
func (v Value) Path() string { return v.path }

// Line returns the line of the file that v begins in, from 1; 0 if v is absent.
func (v Value) Line() int {
	if v.n == nil || v.r == nil {
		return 0
	}
	return v.r.line(v.n.offset)
}

// Text returns the text of a string.
func (v Value) Text() (string, bool) {
	if v.Kind() != KindString {
		return "", false
	}
	return v.n.text, true
}

// Number returns a number as it is written.
func (v Value) Number() (json.Number, bool) {
	if v.Kind() != KindNumber {
		return "", false
	}
	return json.Number(v.n.text), true
}

// Bool returns the value of true and false.
func (v Value) Bool() (value, ok bool) {
	return v.Kind() == KindBool && v.n.text == "true", v.Kind() == KindBool
}

// Object returns v as an object; ok is false when it is none.
func (v Value) Object() (o *Object, ok bool) {
	if v.Kind() != KindObject {
		return nil, false
	}
	return &Object{v}, true
}

// List returns the elements of a list; ok is false when v is none.
func (v Value) List() (elems []Value, ok bool) {
	if v.Kind() != KindList {
		return nil, false
	}
	for i, e := range v.n.elems {
		elems = append(elems, Value{n: e, r: v.r, path: v.path + "[" + strconv.Itoa(i) + "]", level: v.level + "[]"})
	}
	return elems, true
}

// Any returns v as nil, bool, string, json.Number, []any or map[string]any.
func (v Value) Any() any {
	switch v.Kind() {
	case KindBool:
		return v.n.text == "true"
	case KindNumber:
		return json.Number(v.n.text)
	case KindString:
		return v.n.text
	case KindList:
		list := make([]any, 0, len(v.n.elems))
		elems, _ := v.List()
		for _, e := range elems {
			list = append(list, e.Any())
		}
		return list
	case KindObject:
		m := make(map[string]any, len(v.n.members))
		for name, e := range (&Object{v}).Members() {
			m[name] = e.Any()
		}
		return m
	case KindAbsent, KindNull:
	}
	return nil
}

// Errorf reports an error at v: what is wrong and what is allowed. It must not quote what may be a secret.
func (v Value) Errorf(format string, args ...any) { v.report(false, format, args) }

// Warnf reports a warning at v.
func (v Value) Warnf(format string, args ...any) { v.report(true, format, args) }

func (v Value) report(warning bool, format string, args []any) {
	if v.r != nil {
		v.r.add(v.n.offset, v.path, warning, fmt.Sprintf(format, args...))
	}
}

// dropDuplicates reports keys that an object in v has twice, and keeps the first.
func (v Value) dropDuplicates() {
	if v.n.kind == KindObject {
		first := map[string]int{}
		v.n.members = slices.DeleteFunc(v.n.members, func(m member) bool {
			at, twice := first[m.key]
			if twice {
				v.r.add(m.offset, joinPath(v.path, m.key), false,
					fmt.Sprintf("is given twice: in line %d and here, in line %d", v.r.line(at), v.r.line(m.offset)))
				return true
			}
			first[m.key] = m.offset
			v.child(m, m.key).dropDuplicates()
			return false
		})
	}
	elems, _ := v.List()
	for _, e := range elems {
		e.dropDuplicates()
	}
}

// child returns the value of a member; levelKey is its name in the level.
func (v Value) child(m member, levelKey string) Value {
	return Value{n: m.value, r: v.r, path: joinPath(v.path, m.key), level: joinPath(v.level, levelKey)}
}

func joinPath(path, key string) string {
	if key == "" || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || strings.ContainsRune(`."[]`, c) }) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Object is a JSON object of the file together with its place.
type Object struct{ v Value }

// Value returns the object as a value.
func (o *Object) Value() Value { return o.v }

// Path returns where the object is in the file; "" for the whole.
func (o *Object) Path() string { return o.v.path }

// Keys returns the keys in the order of the file.
func (o *Object) Keys() []string {
	keys := make([]string, 0, len(o.v.n.members))
	for _, m := range o.v.n.members {
		keys = append(keys, m.key)
	}
	return keys
}

// Has reports whether the object has the key, with any value.
func (o *Object) Has(key string) bool {
	_, ok := o.member(key)
	return ok
}

// Get returns the value of a key; it is absent when the object doesn't have it.
func (o *Object) Get(key string) Value {
	if m, ok := o.member(key); ok {
		return o.v.child(m, key)
	}
	return Value{}
}

// Object returns the object that is the value of a key; ok is false when there is none.
func (o *Object) Object(key string) (*Object, bool) { return o.Get(key).Object() }

// Members goes through an object whose keys are names that people chose, in the order of the file.
func (o *Object) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, m := range o.v.n.members {
			if !yield(m.key, o.v.child(m, "NAME")) {
				return
			}
		}
	}
}

func (o *Object) member(key string) (member, bool) {
	i := slices.IndexFunc(o.v.n.members, func(m member) bool { return m.key == key })
	if i < 0 {
		return member{}, false
	}
	return o.v.n.members[i], true
}

// Errorf reports an error at the value of the key, or at the object when it doesn't have the key. With key "" the
// problem is the object's as a whole. Nothing is added about a value that could not be decoded: that says it all.
func (o *Object) Errorf(key, format string, args ...any) { o.report(key, false, format, args) }

// Warnf reports a warning as Errorf does an error.
func (o *Object) Warnf(key, format string, args ...any) { o.report(key, true, format, args) }

func (o *Object) report(key string, warning bool, format string, args []any) {
	v := o.v
	if key != "" {
		v = o.Get(key)
		switch {
		case v.n == nil:
			v = o.v
			v.path = joinPath(v.path, key)
		case v.r.broken[v.n]:
			return
		}
	}
	v.report(warning, format, args)
}
