package conf

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// maxDistance is how many letters may differ between what was written and what was probably meant.
const maxDistance = 2

// Suggest returns the known name that word most resembles, or "" when it resembles none.
func Suggest(word string, known []string) string {
	name, _ := nearest(word, known)
	return name
}

// DidYouMean returns `; did you mean "name"?` for the known name that word most resembles, or "".
func DidYouMean(word string, known []string) string {
	if s := Suggest(word, known); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}

// nearest returns the known name that word most resembles and how many letters differ. Where none is near, a single one
// that contains the word will do.
func nearest(word string, known []string) (name string, distance int) {
	distance = maxDistance + 1
	w := plainWord(word)
	for _, k := range known {
		d := distanceOf(w, plainWord(k))
		// In a short word a changed letter makes another word.
		if d < distance && 2*d < max(len(w), len(k)) {
			name, distance = k, d
		}
	}
	if name == "" {
		name = containing(w, known)
	}
	return name, distance
}

// distanceOf counts letters that are added, missing or changed; two neighbours in the wrong order are one mistake.
func distanceOf(a, b string) int {
	if len(a) == len(b) {
		i := 0
		for i < len(a) && a[i] == b[i] {
			i++
		}
		if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
			return 1
		}
	}
	return levenshtein.ComputeDistance(a, b)
}

// minContained is how long a word must be at least to say something by being part of another.
const minContained = 4

func containing(word string, known []string) string {
	found := ""
	for _, k := range known {
		if len(word) < minContained || !strings.Contains(plainWord(k), word) {
			continue
		}
		if found != "" {
			return ""
		}
		found = k
	}
	return found
}

func plainWord(s string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(s))
}

// Know tells the report which keys exist at a level (such as "readers.NAME.senders.NAME") that a file may not use, and in the
// objects at that level: the json tags of the structs. It makes for better hints about unknown keys.
func (r *Report) Know(level string, structs ...any) {
	for _, s := range structs {
		r.knowType(level, reflect.TypeOf(s), nil)
	}
}

// KnowOnlyWith is Know of keys that an object at the level has only where its key which is value ("output_type", "kafka").
func (r *Report) KnowOnlyWith(level, which, value string, structs ...any) {
	r.Know(level, structs...)
	for _, s := range structs {
		for _, f := range Fields(reflect.TypeOf(s).Elem()) {
			k := levelKey{level, f.Key}
			r.choices[k] = append(r.choices[k], choice{which, value})
		}
	}
}

// levelKey is a key at a level.
type levelKey struct{ level, key string }

// choice is a value of another key of the same object with which a key is known.
type choice struct{ key, value string }

// knowType is Know of a type that is a field of the types around it.
func (r *Report) knowType(level string, t reflect.Type, around []reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || slices.Contains(around, t) {
		return
	}
	fields := Fields(t)
	r.know(level, keysOf(fields))
	for _, f := range fields {
		r.knowType(joinPath(level, f.Key), t.FieldByIndex(f.Index).Type, append(around, t))
	}
}

func (r *Report) know(level string, keys []string) {
	for _, k := range keys {
		if !slices.Contains(r.known[level], k) {
			r.known[level] = append(r.known[level], k)
		}
	}
}

func (r *Report) unknownText(u *unknownKey) string {
	const unknown = "unknown key, ignored"
	here, distance := nearest(u.key, u.here)
	if distance > 1 {
		if levels := r.levelsOf(u.key, u.level); len(levels) > 0 {
			return "not known here, ignored; it belongs " + strings.Join(levels, " or ")
		}
	}
	if here != "" {
		return fmt.Sprintf("%s; did you mean %q?", unknown, here)
	}
	if elsewhere, _ := nearest(u.key, r.allKnown()); elsewhere != "" {
		if levels := r.levelsOf(elsewhere, u.level); len(levels) > 0 {
			return fmt.Sprintf("%s; did you mean %q, which belongs %s?", unknown, elsewhere, strings.Join(levels, " or "))
		}
	}
	return unknown
}

// levelsOf returns where the key, which an object at the level given does not have, is known.
func (r *Report) levelsOf(key, here string) []string {
	var levels []string
	for level, keys := range r.known {
		switch {
		case !slices.Contains(keys, key):
		case level == here:
			if text := r.choicesOf(levelKey{level, key}); text != "" {
				levels = append(levels, text)
			}
		case level == "":
			levels = append(levels, "at the top level")
		default:
			levels = append(levels, "in "+level)
		}
	}
	slices.Sort(levels)
	return levels
}

// choicesOf says with what other values an object would have the key; "" if that does not depend on any.
func (r *Report) choicesOf(k levelKey) string {
	choices := r.choices[k]
	if len(choices) == 0 {
		return ""
	}
	values := make([]string, len(choices))
	for i := range choices {
		values[i] = choices[i].value
	}
	return fmt.Sprintf("to %s %s", choices[0].key, QuoteList(values))
}

func (r *Report) allKnown() []string {
	var all []string
	for _, keys := range r.known {
		all = append(all, keys...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
