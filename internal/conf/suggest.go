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

func nearest(word string, known []string) (name string, distance int) {
	distance = maxDistance + 1
	w := plainWord(word)
	for _, k := range known {
		d := levenshtein.ComputeDistance(w, plainWord(k))
		// In a short word a changed letter makes another word.
		if d < distance && 2*d < max(len(w), len(k)) {
			name, distance = k, d
		}
	}
	return name, distance
}

func plainWord(s string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(s))
}

// Know tells the report which keys exist at a level (such as "readers.NAME.senders.NAME") that a file may not use: the
// json tags of the struct. It makes for better hints about unknown keys.
func (r *Report) Know(level string, structs ...any) {
	for _, s := range structs {
		t := reflect.TypeOf(s)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct {
			r.know(level, keysOf(fieldsOf(t)))
		}
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
		return fmt.Sprintf("%s; did you mean %q, which belongs %s?", unknown, elsewhere,
			strings.Join(r.levelsOf(elsewhere, u.level), " or "))
	}
	return unknown
}

// levelsOf returns where the key is known, other than at the level given.
func (r *Report) levelsOf(key, not string) []string {
	var levels []string
	for level, keys := range r.known {
		switch {
		case level == not || !slices.Contains(keys, key):
		case level == "":
			levels = append(levels, "at the top level")
		default:
			levels = append(levels, "in "+level)
		}
	}
	slices.Sort(levels)
	return levels
}

func (r *Report) allKnown() []string {
	var all []string
	for _, keys := range r.known {
		all = append(all, keys...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
