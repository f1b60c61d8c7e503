package filters

import (
	"fmt"
	"math"

	"journalpump/internal/glob"
)

// UnitLogLevelConfig is one rule of one of the configuration's unit_log_levels.
type UnitLogLevelConfig struct {
	// A shell glob for the unit's name: *, ?, [a-z], [!a-z].
	ServiceGlob string `json:"service_glob"`
	// What is less severe is not sent: "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO" or "DEBUG".
	LogLevel string `json:"log_level"`
}

// UnitLogLevels drops entries that are less severe than the level set for their unit. The first rule whose glob
// matches the unit decides; units that match none pass, and so do entries without a unit or without a priority above 0.
// It is asked about the entry as the log has it, not about what a field filter leaves of it.
type UnitLogLevels struct {
	rules []unitLogLevel
}

type unitLogLevel struct {
	glob  *glob.Glob
	level int8
}

// NewUnitLogLevels returns the filter that the rules describe.
func NewUnitLogLevels(rules []UnitLogLevelConfig) (*UnitLogLevels, error) {
	u := &UnitLogLevels{rules: make([]unitLogLevel, 0, len(rules))}
	for i, r := range rules {
		if r.ServiceGlob == "" {
			return nil, fmt.Errorf("rule %d: service_glob is missing", i+1)
		}
		level, err := ParseLogLevel(r.LogLevel)
		if err != nil {
			return nil, fmt.Errorf("rule %d (%s): %w", i+1, r.ServiceGlob, err)
		}
		u.rules = append(u.rules, unitLogLevel{glob: glob.Compile(r.ServiceGlob), level: level})
	}
	return u, nil
}

// ParseLogLevel returns the priority that a level's name stands for, 0 to 7.
func ParseLogLevel(name string) (int8, error) {
	switch name {
	case "EMERGENCY", "EMERG":
		return 0, nil
	case "ALERT":
		return 1, nil
	case "CRITICAL", "CRIT":
		return 2, nil
	case "ERROR", "ERR":
		return 3, nil
	case "WARNING", "WARN":
		return 4, nil
	case "NOTICE":
		return 5, nil
	case "INFO":
		return 6, nil
	case "DEBUG":
		return 7, nil
	}
	return 0, fmt.Errorf("log_level %q: it must be one of EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO and DEBUG", name)
}

// noLimit is above every priority.
const noLimit = math.MaxInt8

// limit returns the highest priority number that passes for a unit.
func (u *UnitLogLevels) limit(unit []byte) int8 {
	if i := u.rule(unit); i >= 0 {
		return u.rules[i].level
	}
	return noLimit
}

// rule returns the index of the rule that decides about a unit, -1 if none does.
func (u *UnitLogLevels) rule(unit []byte) int {
	for i := range u.rules {
		if u.rules[i].glob.Match(unit) {
			return i
		}
	}
	return -1
}
