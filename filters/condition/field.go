package condition

import "journalpump/pump"

// Asks reports whether any condition has a test on fields of that name. What expressions look at does not count.
func (s *Set) Asks(name string) bool {
	f := s.fields[name]
	return f != nil && len(f.exact)+len(f.others)+len(f.patterns) > 0
}

// Passes reports whether a field passes a test of any condition, whatever else that asks of the entry. It does not allocate.
func (s *Set) Passes(f *pump.Field) bool {
	tests := s.fields[f.Name]
	if tests == nil {
		return false
	}
	if len(tests.exact[string(f.Value)]) > 0 {
		return true
	}
	for _, n := range tests.others {
		if s.tests[n].passesWhole(f.Value) {
			return true
		}
	}
	return matchesAny(tests.patterns, f.Value)
}
