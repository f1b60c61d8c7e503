package conf

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// decodeInteger decodes numbers without a fraction that fit into dst.
func (v Value) decodeInteger(dst reflect.Value) bool {
	low, high := integerBounds(dst.Type())
	f, ok := v.float()
	if !ok {
		v.Errorf("must be an integer, not %s", v.n.kind)
		return false
	}
	if f != math.Trunc(f) || math.IsInf(f, 0) {
		v.Errorf("must be an integer, without a fraction")
		return false
	}
	text := v.n.text
	if strings.ContainsAny(text, ".eE") && math.Abs(f) < 1<<53 {
		text = strconv.FormatFloat(f, 'f', 0, 64)
	}
	if dst.CanInt() {
		if i, err := strconv.ParseInt(text, 10, dst.Type().Bits()); err == nil {
			dst.SetInt(i)
			return true
		}
	} else if u, err := strconv.ParseUint(text, 10, dst.Type().Bits()); err == nil {
		dst.SetUint(u)
		return true
	}
	v.Errorf("must be an integer from %s to %s", low, high)
	return false
}

func integerBounds(t reflect.Type) (low, high string) {
	bits := t.Bits()
	if k := t.Kind(); k >= reflect.Uint && k <= reflect.Uint64 {
		return "0", strconv.FormatUint(math.MaxUint64>>(64-bits), 10)
	}
	return strconv.FormatInt(math.MinInt64>>(64-bits), 10), strconv.FormatInt(math.MaxInt64>>(64-bits), 10)
}

// float returns the value of a number. Numbers in quotes are accepted with a warning: the original took them in places.
func (v Value) float() (float64, bool) {
	switch v.n.kind {
	case KindNumber:
	case KindString:
		if !json.Valid([]byte(v.n.text)) || strings.ContainsAny(v.n.text, `"[{`) {
			return 0, false
		}
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(v.n.text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	if v.n.kind == KindString {
		v.Warnf("is a string; read as the number %s", v.n.text)
	}
	return f, true
}

// Float returns the value of a number; ok is false when v is none.
func (v Value) Float() (f float64, ok bool) {
	if v.n == nil {
		return 0, false
	}
	return v.float()
}

// Int returns the value of an integer; the error says what is allowed.
func (v Value) Int() (int64, error) {
	if v.Kind() == KindNumber {
		if i, err := strconv.ParseInt(v.n.text, 10, 64); err == nil {
			return i, nil
		}
	}
	return 0, fmt.Errorf("must be an integer, not %s", v.Kind())
}
