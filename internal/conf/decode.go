package conf

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Decoder is a type that decodes itself, because it takes values of several kinds. DecodeConf is called with a value
// that is neither absent nor null. Its error says what is allowed ("must be …") and is reported at the value; what is
// wrong further inside it reports itself, with Value.Errorf.
type Decoder interface {
	DecodeConf(v Value) error
}

// Enum is a string type with few values. ConfValues returns them all, in the order to show them.
type Enum interface {
	ConfValues() []string
}

// Defaulter is a type whose values, as elements of lists and maps and behind pointers, do not begin as zero.
type Defaulter interface {
	SetDefaults()
}

// Decode decodes the object into one or several pointers to structs at once: a key may belong to any of them. Keys
// that none of them knows are warned about. It reports whether nothing was wrong.
func (o *Object) Decode(dsts ...any) bool { return o.decode(dsts, true) }

// DecodeSome decodes like Decode but leaves keys that no struct knows alone.
func (o *Object) DecodeSome(dsts ...any) bool { return o.decode(dsts, false) }

func (o *Object) decode(dsts []any, all bool) bool {
	var fields []boundField
	for _, dst := range dsts {
		v := reflect.ValueOf(dst)
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			o.Errorf("", "cannot be decoded into a %T", dst)
			return false
		}
		for _, f := range Fields(v.Elem().Type()) {
			fields = append(fields, boundField{f, v.Elem()})
		}
	}
	return o.decodeFields(fields, all)
}

// Decode decodes the value into what dst points to. It reports whether nothing was wrong.
func (v Value) Decode(dst any) bool {
	d := reflect.ValueOf(dst)
	if d.Kind() != reflect.Pointer || d.IsNil() {
		v.Errorf("cannot be decoded into a %T", dst)
		return false
	}
	return v.n == nil || v.decode(d.Elem())
}

// Field is a struct field that a key decodes into.
type Field struct {
	Key               string
	Alias, Deprecated string // other names of the key; "": none
	Index             []int
}

type boundField struct {
	Field
	in reflect.Value
}

// Fields returns the fields of a struct that keys decode into, which are those that have a json tag; embedded structs are
// flattened.
func Fields(t reflect.Type) []Field {
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && key == "" && f.Type.Kind() == reflect.Struct:
			for _, inner := range Fields(f.Type) {
				inner.Index = append([]int{i}, inner.Index...)
				fields = append(fields, inner)
			}
		case f.IsExported() && key != "" && key != "-":
			fields = append(fields, Field{key, f.Tag.Get("alias"), f.Tag.Get("deprecated"), []int{i}})
		}
	}
	return fields
}

func keysOf(fields []Field) []string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.Key)
		if f.Alias != "" {
			keys = append(keys, f.Alias)
		}
	}
	return keys
}

func (o *Object) decodeFields(fields []boundField, all bool) bool {
	ok := true
	taken := map[string]bool{}
	known := make([]string, 0, len(fields))
	for _, f := range fields {
		known = append(known, keysOf([]Field{f.Field})...)
		v := o.fieldValue(f.Field, taken)
		if v.n != nil && !v.decode(f.in.FieldByIndex(f.Index)) {
			o.v.r.broken[v.n] = true
			ok = false
		}
	}
	o.v.r.know(o.v.level, known)
	if !all {
		return ok
	}
	for _, m := range o.v.n.members {
		if !taken[m.key] && (o.v.path != "" || m.key != "$schema") { // editors want that one
			o.v.r.addUnknown(m.offset, joinPath(o.v.path, m.key), &unknownKey{m.key, o.v.level, known})
		}
	}
	return ok
}

// fieldValue finds the value for a field under any of its names and notes them in taken.
func (o *Object) fieldValue(f Field, taken map[string]bool) Value {
	v := o.Get(f.Key)
	taken[f.Key] = true
	for _, other := range []string{f.Alias, f.Deprecated} {
		if other == "" {
			continue
		}
		taken[other] = true
		w := o.Get(other)
		switch {
		case w.n == nil:
		case v.n != nil:
			w.Warnf("means the same as %q, which is given too and counts", f.Key)
		default:
			v = w
			if other == f.Deprecated {
				w.Warnf("is deprecated; write %q", f.Key)
			}
		}
	}
	return v
}

// decode decodes v into dst, which is settable.
func (v Value) decode(dst reflect.Value) bool {
	switch d := dst.Addr().Interface().(type) {
	case *Value:
		*d = v
		return true
	case *any:
		*d = v.Any()
		return true
	case *json.RawMessage:
		if !v.IsNull() {
			*d = v.AppendJSON(nil)
		}
		return true
	}
	if v.n.kind == KindNull {
		if dst.Kind() == reflect.Pointer {
			dst.SetZero()
		}
		return true
	}
	if d, ok := reflect.TypeAssert[**Object](dst.Addr()); ok {
		if v.n.kind != KindObject {
			return v.mismatch(KindObject)
		}
		*d = &Object{v}
		return true
	}
	if done, ok := v.decodeSelf(dst); done {
		return ok
	}
	return v.decodeKind(dst)
}

// decodeSelf handles types that say themselves what they take.
func (v Value) decodeSelf(dst reflect.Value) (done, ok bool) {
	if dst.Kind() == reflect.Pointer {
		return false, false
	}
	switch d := dst.Addr().Interface().(type) {
	case Decoder:
		if err := d.DecodeConf(v); err != nil {
			v.Errorf("%v", err)
			return true, false
		}
		return true, true
	case Enum:
		return true, v.decodeEnum(dst, d.ConfValues())
	case encoding.TextUnmarshaler:
		if v.n.kind != KindString {
			return true, v.mismatch(KindString)
		}
		if err := d.UnmarshalText([]byte(v.n.text)); err != nil {
			v.Errorf("%v", err)
			return true, false
		}
		return true, true
	}
	return false, false
}

func (v Value) decodeEnum(dst reflect.Value, values []string) bool {
	if v.n.kind != KindString {
		v.Errorf("must be one of %s, not %s", QuoteList(values), v.n.kind)
		return false
	}
	if !slices.Contains(values, v.n.text) {
		v.Errorf("%q is not one of %s%s", v.n.text, QuoteList(values), DidYouMean(v.n.text, values))
		return false
	}
	dst.SetString(v.n.text)
	return true
}

// QuoteList returns the values in quotes, with commas between.
func QuoteList(values []string) string {
	var b strings.Builder
	for i, s := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(s))
	}
	return b.String()
}

func (v Value) decodeKind(dst reflect.Value) bool {
	switch dst.Kind() {
	case reflect.Pointer:
		if dst.IsNil() {
			dst.Set(newElem(dst.Type().Elem()))
		}
		return v.decode(dst.Elem())
	case reflect.Bool:
		if v.n.kind != KindBool {
			return v.mismatch(KindBool)
		}
		dst.SetBool(v.n.text == "true")
	case reflect.String:
		if v.n.kind != KindString {
			return v.mismatch(KindString)
		}
		dst.SetString(v.n.text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.decodeInteger(dst)
	case reflect.Float32, reflect.Float64:
		f, ok := v.float()
		if !ok {
			return v.mismatch(KindNumber)
		}
		dst.SetFloat(f)
	case reflect.Struct:
		if v.n.kind != KindObject {
			return v.mismatch(KindObject)
		}
		return (&Object{v}).Decode(dst.Addr().Interface())
	case reflect.Map:
		return v.decodeMap(dst)
	case reflect.Slice:
		return v.decodeSlice(dst)
	default:
		v.Errorf("cannot be decoded into a %s", dst.Type())
		return false
	}
	return true
}

func (v Value) mismatch(want Kind) bool {
	v.Errorf("must be %s, not %s", want, v.n.kind)
	return false
}

// newElem returns a pointer to a new T, with its defaults.
func newElem(t reflect.Type) reflect.Value {
	p := reflect.New(t)
	if d, ok := reflect.TypeAssert[Defaulter](p); ok {
		d.SetDefaults()
	}
	return p
}

func (v Value) decodeMap(dst reflect.Value) bool {
	t := dst.Type()
	if v.n.kind != KindObject || t.Key().Kind() != reflect.String {
		return v.mismatch(KindObject)
	}
	ok := true
	m := reflect.MakeMap(t)
	for key, e := range (&Object{v}).Members() {
		elem := newElem(t.Elem()).Elem()
		if !e.decode(elem) {
			ok = false
			continue
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), elem)
	}
	dst.Set(m)
	return ok
}

func (v Value) decodeSlice(dst reflect.Value) bool {
	elems, ok := v.List()
	if !ok {
		return v.mismatch(listOf(dst.Type().Elem()))
	}
	list := reflect.MakeSlice(dst.Type(), 0, len(elems))
	for _, e := range elems {
		if e.n.kind == KindNull {
			ok = e.mismatch(kindOf(dst.Type().Elem()))
			continue
		}
		elem := newElem(dst.Type().Elem()).Elem()
		if !e.decode(elem) {
			ok = false
			continue
		}
		list = reflect.Append(list, elem)
	}
	dst.Set(list)
	return ok
}

func kindOf(t reflect.Type) Kind {
	switch t.Kind() {
	case reflect.Bool:
		return KindBool
	case reflect.String:
		return KindString
	case reflect.Struct, reflect.Map:
		return KindObject
	case reflect.Slice:
		return KindList
	case reflect.Pointer:
		return kindOf(t.Elem())
	default:
		return KindNumber
	}
}

func listOf(elem reflect.Type) Kind {
	switch kindOf(elem) {
	case KindString:
		return "a list of strings"
	case KindObject:
		return "a list of objects"
	case KindNumber:
		return "a list of numbers"
	default:
		return KindList
	}
}
