package recorder

import (
	"maps"
	"slices"

	"journalpump/filters/condition"
)

// Watch returns what tells at no cost to speak of which entries need not be looked at; nil if no recorder with one of these
// settings goes by it. A criterion's clause asks several things of an entry, all of which must be so; of these one is chosen that
// asks something of a single field, which is found out once for all entries that share it.
func Watch(configs ...*Config) (*condition.Set, error) {
	var asked []condition.Named
	for _, c := range configs {
		conditions, err := conditionsOf(c.Criteria)
		if err != nil {
			return nil, err
		}
		gates, ok := gatesOfAll(conditions)
		if ok {
			asked = append(asked, condition.Named{Name: "gate", When: gates})
		}
	}
	if len(asked) == 0 {
		return nil, nil //nolint:nilnil // nothing to watch for is no error
	}
	return condition.New(asked)
}

// gatesOfAll returns clauses that ask one thing of one field each. Where a condition holds one of them does; ok is false if there are
// none, as what a condition asks depends on no single field.
func gatesOfAll(conditions []condition.Named) (gates condition.Config, ok bool) {
	for i := range conditions {
		some, ok := gatesOf(conditions[i].When)
		if !ok {
			return nil, false
		}
		gates = append(gates, some...)
	}
	return gates, true
}

func gatesOf(c condition.Config) (gates condition.Config, ok bool) {
	for i := range c {
		some, ok := gateOf(&c[i])
		if !ok {
			return nil, false
		}
		gates = append(gates, some...)
	}
	return gates, len(gates) > 0
}

// gateOf chooses what a clause asks that few entries have.
func gateOf(c *condition.Clause) (condition.Config, bool) {
	one := func(gate condition.Clause) (condition.Config, bool) { return condition.Config{gate}, true }
	switch {
	case len(c.MessageIDs) > 0:
		return one(condition.Clause{MessageIDs: c.MessageIDs})
	case len(c.Identifiers) > 0:
		return one(condition.Clause{Identifiers: c.Identifiers})
	case len(c.Units) > 0:
		return one(condition.Clause{Units: c.Units})
	}
	if gates, ok := gatesOf(c.Any); ok {
		return gates, true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if name != "MESSAGE" || len(c.Transports)+len(c.Priority) == 0 && len(c.Fields) == 1 {
			return one(condition.Clause{Fields: map[string]condition.FieldTest{name: c.Fields[name]}})
		}
	}
	switch {
	case len(c.Transports) > 0:
		return one(condition.Clause{Transports: c.Transports})
	case len(c.Priority) > 0:
		return one(condition.Clause{Priority: c.Priority})
	}
	return nil, false
}
