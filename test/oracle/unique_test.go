//go:build cgo && linux

package oracle

import (
	"maps"
	"slices"
	"testing"

	"journalpump/readers/journal/journalfile"
)

// uniqueMax is how many values of a field are compared at most.
const uniqueMax = 5_000

// compareUnique compares the values that a field has in all files with sd_journal_query_unique(3).
func compareUnique(t *testing.T, dir string, fields []string) {
	t.Helper()
	j := libsystemdDir(t, dir)
	if err := j.SetDataThreshold(0); err != nil {
		t.Fatal(err)
	}
	paths, err := inDir(dir).Selection.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range append(fields, "NO_SUCH_FIELD") {
		got, ok := uniqueValues(t, paths, field)
		if !ok {
			continue
		}
		want, err := j.GetUniqueValues(field)
		if err != nil {
			t.Fatalf("unique values of %s: %v", field, err)
		}
		slices.Sort(want)
		if !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
			t.Fatalf("%s has %d values, of libsystemd %d", field, len(got), len(want))
		}
	}
}

// uniqueValues returns the values of a field in some files; ok is false if there are too many.
func uniqueValues(t *testing.T, paths []string, field string) (values map[string]bool, ok bool) {
	t.Helper()
	values = map[string]bool{}
	for _, path := range paths {
		f, err := journalfile.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var b []byte
		err = f.FieldValues(field, func(off uint64) bool {
			b, _, err = f.AppendData(b[:0], off, 1<<30)
			if err != nil {
				t.Fatalf("%s: a value of %s: %v", path, field, err)
			}
			values[string(b[len(field)+1:])] = true
			return len(values) <= uniqueMax
		})
		if err != nil {
			t.Fatalf("%s: values of %s: %v", path, field, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	return values, len(values) <= uniqueMax
}
