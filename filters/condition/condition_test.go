package condition

import (
	"strings"
	"testing"

	"journalpump/internal/conf"
	"journalpump/pump"
)

// chunker makes chunks out of entries as an iterator would: what is marked as shared is in the Dict.
type chunker struct {
	dict *pump.Dict
	refs map[string]pump.Ref
}

func newChunker() *chunker { return &chunker{dict: pump.NewDict(), refs: map[string]pump.Ref{}} }

// chunk makes a chunk; every entry is a list of NAME=value.
func (b *chunker) chunk(shared func(field string) bool, entries ...[]string) *pump.Chunk {
	c := &pump.Chunk{}
	for _, fields := range entries {
		e := pump.Entry{First: uint32(len(c.Refs))}
		for _, text := range fields {
			name, value, _ := strings.Cut(text, "=")
			f := pump.Field{Name: name, Value: []byte(value)}
			if !shared(text) {
				c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)))
				c.Own = append(c.Own, f)
				continue
			}
			ref, ok := b.refs[text]
			if !ok {
				ref = b.dict.Add(f)
				b.refs[text] = ref
			}
			c.Refs = append(c.Refs, ref)
		}
		e.Last = uint32(len(c.Refs))
		c.Entries = append(c.Entries, e)
	}
	c.Dict = b.dict.Snapshot()
	return c
}

// again returns the chunk without memos.
func again(c *pump.Chunk) *pump.Chunk {
	return &pump.Chunk{Entries: c.Entries, Refs: c.Refs, Own: c.Own, Dict: c.Dict}
}

// parse decodes a condition as a configuration file has it.
func parse(tb testing.TB, src string) (Config, *conf.Report) {
	tb.Helper()
	root, report := conf.Parse("f", []byte(`{"c": `+src+`}`))
	var dst struct {
		C Config `json:"c"`
	}
	root.Decode(&dst)
	return dst.C, report
}

func parseGood(tb testing.TB, src string) Config {
	tb.Helper()
	c, report := parse(tb, src)
	if err := report.Err(); err != nil {
		tb.Fatalf("%s: %v", src, err)
	}
	if p := report.Problems(); len(p) > 0 {
		tb.Fatalf("%s: %v", src, p)
	}
	return c
}

func newSet(tb testing.TB, conditions ...Named) *Set {
	tb.Helper()
	s, err := New(conditions)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestConditions(t *testing.T) {
	t.Parallel()
	sshd := []string{"_SYSTEMD_UNIT=ssh.service", "SYSLOG_IDENTIFIER=sshd", "_TRANSPORT=syslog", "PRIORITY=6", "_UID=0", "UID=1000",
		"MESSAGE=Failed password for root from 192.0.2.1 port 22 ssh2"}
	failed := []string{"_SYSTEMD_UNIT=init.scope", "_TRANSPORT=journal", "PRIORITY=3", "_UID=0", "UNIT=a.service", "UNIT=b.service",
		"MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c", "MESSAGE=b.service: Failed with result 'exit-code'."}
	bare := []string{"MESSAGE=\xff\xfe failed"}
	for src, want := range map[string]string{ // of the three entries, which
		`{"units": "ssh.service"}`:                                                "1..",
		`{"units": ["x", "*.scope", "ssh*"]}`:                                     "12.",
		`{"units": "*"}`:                                                          "12.",
		`{"identifiers": "sshd"}`:                                                 "1..",
		`{"transports": ["journal", "kernel"]}`:                                   ".2.",
		`{"message_ids": "D9B373ED-55A6-4FEB-8242-E02DBE79A49C"}`:                 ".2.",
		`{"priority": "err"}`:                                                     ".2.",
		`{"priority": 6}`:                                                         "12.",
		`{"priority": ["INFO", 4]}`:                                               "1..",
		`{"fields": {"MESSAGE": "(?i)failed"}}`:                                   "12.",
		`{"fields": {"MESSAGE": {"is": "Failed"}}}`:                               "...",
		`{"fields": {"MESSAGE": {"glob": "*service: *"}}}`:                        ".2.",
		`{"fields": {"MESSAGE": {"is": "\u00ff"}}}`:                               "...",
		`{"fields": {"MESSAGE": true}}`:                                           "123",
		`{"fields": {"UNIT": {"is": "a.service"}}}`:                               ".2.",
		`{"fields": {"UNIT": {"is": "b.service"}}}`:                               ".2.",
		`{"fields": {"UNIT": ["^a", "^c"]}}`:                                      ".2.",
		`{"fields": {"_UID": 0}}`:                                                 "12.",
		`{"fields": {"UID": 0}}`:                                                  "...",
		`{"fields": {"PRIORITY": ["^6$", 3]}}`:                                    "12.",
		`{"units": "ssh.service", "fields": {"MESSAGE": "Accepted"}}`:             "...",
		`{"units": "ssh.service", "fields": {"MESSAGE": "^Failed p"}}`:            "1..",
		`{"not": {"units": "ssh.service"}}`:                                       ".23",
		`{"not": [{"units": "ssh.service"}, {"priority": "err"}]}`:                "..3",
		`{"not": {"fields": {"MESSAGE": "password"}}}`:                            ".23",
		`[{"units": "ssh.service"}, {"fields": {"MESSAGE": "result"}}]`:           "12.",
		`{"fields": {"_UID": 0}, "any": [{"priority": 3}, {"identifiers": "x"}]}`: ".2.",
		`{"expression": "_UID == \"0\" && int(PRIORITY) < 4"}`:                    ".2.",
		`{"expression": "UNIT == \"b.service\""}`:                                 ".2.",
		`{"expression": "_SYSTEMD_UNIT == \"\""}`:                                 "..3",
		`{"expression": "int(PRIORITY) < 7"}`:                                     "12.",
		`{"expression": "MESSAGE contains \"password\" and _UID != UID"}`:         "1..",
		`{"expression": "MESSAGE matches \"^Fail.*22\" or 1 > 2"}`:                "1..",
		`{"priority": 3, "expression": "lower(MESSAGE) startsWith \"b.\""}`:       ".2.",
	} {
		for _, shared := range []func(string) bool{
			func(string) bool { return true },
			func(string) bool { return false },
			func(f string) bool { return !strings.HasPrefix(f, "MESSAGE=") },
		} {
			s := newSet(t, Named{"c", parseGood(t, src)})
			c := newChunker().chunk(shared, sshd, failed, bare)
			for range 2 { // with what is remembered, too
				d := s.Decide(again(c))
				got := ""
				for i := range c.Entries {
					if d.Holds(i, 0) {
						got += string(rune('1' + i))
					} else {
						got += "."
					}
				}
				if got != want {
					t.Errorf("%s holds for %s, want %s", src, got, want)
				}
			}
		}
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`{"when": {"units": "a"}}`:              `f:1:7: c: asks for nothing: it must have "units", "identifiers", "transports", "message_ids", "priority", "fields", "expression", "any" or "not" in it; what "when" has stands here without it` + "\nf:1:8: warning: c.when: unknown key, ignored",
		`{}`:                                    `f:1:7: c: asks for nothing: it must have "units", "identifiers", "transports", "message_ids", "priority", "fields", "expression", "any" or "not" in it`,
		`[]`:                                    `f:1:7: c: must have at least one condition in it`,
		`"x"`:                                   `f:1:7: c: must be an object, or a list of objects of which one has to hold; not a string`,
		`{"unit": "x", "priority": 1}`:          `f:1:8: warning: c.unit: unknown key, ignored; did you mean "units"?`,
		`{"transports": "sylog"}`:               `f:1:22: c.transports: "sylog" is no transport; there are "audit", "driver", "syslog", "journal", "stdout", "kernel"; did you mean "syslog"?`,
		`{"message_ids": ["12"]}`:               `f:1:23: c.message_ids: "12" is no message ID: it must be 32 hexadecimal digits`,
		`{"priority": "warnin"}`:                `f:1:20: c.priority: must be one of emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7; did you mean "warning"?`,
		`{"priority": [1, 8]}`:                  `f:1:24: c.priority[1]: must be one of emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7`,
		`{"fields": {"MESSAGE": "("}}`:          `f:1:30: c.fields.MESSAGE: missing ), unterminated subpattern at position 0`,
		`{"fields": {"message": "x"}}`:          `f:1:30: c.fields.message: no field of a journal has such a name: it is made of capital letters, digits and underscores`,
		`{"fields": {"A": []}}`:                 `f:1:24: c.fields.A: must have at least one test in it`,
		`{"fields": {"A": {"is": []}}}`:         `f:1:24: c.fields.A: must have "is", "glob" or "pattern" in it`,
		`{"fields": {"A": false}}`:              `f:1:24: c.fields.A: must not be false; that a field is missing is said with "not"`,
		`{"expression": "PRIORITY"}`:            `f:1:22: c.expression: expected bool, but got string`,
		`{"expression": "priority == 1"}`:       `f:1:22: c.expression: unknown name "priority": fields are in capitals`,
		`{"expression": "A =="}`:                `f:1:22: c.expression: unexpected token EOF (1:4)`,
		`{"expression": "A == 1"}`:              `f:1:22: c.expression: invalid operation: == (mismatched types string and int) (1:3)`,
		`{"expression": "lowe(A) == \"x\""}`:    `f:1:22: c.expression: unknown name "lowe": fields are in capitals; did you mean "lower"?`,
		`{"expression": "all([A], # == A)"}`:    `f:1:22: c.expression: "#" is not to be had`,
		`{"expression": "any([A], true)"}`:      `f:1:22: c.expression: "true" is not to be had`,
		`{"expression": "1 in 1..900000000"}`:   `f:1:22: c.expression: ".." is not to be had`,
		`{"expression": "A matches B"}`:         `f:1:22: c.expression: the pattern after "matches" must be a text, not what a field has`,
		`{"expression": "A == repeat(A, 9)"}`:   `f:1:22: c.expression: unknown function "repeat"; there are len, int, float, lower, upper, trim, trimPrefix, trimSuffix, indexOf, lastIndexOf, abs`,
		`{"any": {"priority": 9}}`:              `f:1:28: c.any.priority: must be one of emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7`,
		`[{"priority": 1}, {"not": [{}]}]`:      `f:1:34: c[1].not[0]: asks for nothing: it must have "units", "identifiers", "transports", "message_ids", "priority", "fields", "expression", "any" or "not" in it`,
		`{"expression": "now() > date(\"x\")"}`: `f:1:22: c.expression: unknown function "now"; there are len, int, float, lower, upper, trim, trimPrefix, trimSuffix, indexOf, lastIndexOf, abs`,
	} {
		_, report := parse(t, src)
		var got []string
		for _, p := range report.Problems() {
			got = append(got, p.String())
		}
		if all := strings.Join(got, "\n"); all != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", src, all, want)
		}
	}
}

func TestNewSaysWhichConditionIsWrong(t *testing.T) {
	t.Parallel()
	_, err := New([]Named{
		{"good", Config{{Units: []string{"a"}}}},
		{"bad", Config{{Fields: map[string]FieldTest{"MESSAGE": {Patterns: []string{"("}}}}}},
		{"worse", Config{{Expression: "x"}}},
	})
	const want = "condition bad: fields.MESSAGE: missing ), unterminated subpattern at position 0\n" +
		`condition worse: expression: unknown name "x": fields are in capitals`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
