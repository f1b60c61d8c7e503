package recorder

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"journalpump/pump"
)

const (
	unitField       = "_SYSTEMD_UNIT"
	userUnitField   = "_SYSTEMD_USER_UNIT"
	invocationField = "_SYSTEMD_INVOCATION_ID"
	pidField        = "_PID"
	transportField  = "_TRANSPORT"
	kernel          = "kernel"
)

// alias is a field by which one entry says that it is about what other entries have in a field of theirs. Anybody could say so;
// it counts in entries that have all of vouched.
type alias struct {
	name    string
	vouched []pump.Field
}

// aliasesOf returns by which fields entries say that they are about a value of the field: those that `journalctl --unit` goes by.
func aliasesOf(field string) []alias {
	manager := []pump.Field{{Name: pidField, Value: []byte("1")}}
	root := []pump.Field{{Name: "_UID", Value: []byte("0")}}
	dump := []pump.Field{{Name: "_UID", Value: []byte("0")}, {Name: "MESSAGE_ID", Value: []byte(messageCoreDump)}}
	switch field {
	case unitField:
		return []alias{{"UNIT", manager}, {"COREDUMP_UNIT", dump}, {"OBJECT_SYSTEMD_UNIT", root}}
	case userUnitField:
		return []alias{{"COREDUMP_USER_UNIT", dump}, {"OBJECT_SYSTEMD_USER_UNIT", root}}
	case invocationField:
		return []alias{{"INVOCATION_ID", manager}, {"OBJECT_SYSTEMD_INVOCATION_ID", root}}
	case pidField:
		return []alias{{"COREDUMP_PID", dump}, {"OBJECT_PID", root}}
	}
	return nil
}

// keyField is one of the fields of a recorder's key.
type keyField struct {
	name    string
	aliases []alias
}

// key is what entries that belong together share: a value for each of the key's fields; or none.
type key []pump.Field

func (k key) String() string {
	var b strings.Builder
	for i := range k {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(k[i].Name)
		b.WriteByte('=')
		b.Write(k[i].Value)
	}
	return b.String()
}

// keyOf returns the key of an entry: what it is about, else what it is from. What the kernel says is about nothing, and belongs
// together.
func (r *Recorder) keyOf(c *pump.Chunk, i int) key {
	k := make(key, 0, len(r.fields))
	for f := range r.fields {
		value, ok := valueOf(c, i, &r.fields[f])
		if !ok {
			if v, _ := raw(c, i, transportField); string(v) == kernel {
				return key{{Name: transportField, Value: v}}
			}
			return nil
		}
		k = append(k, pump.Field{Name: r.fields[f].name, Value: value})
	}
	return k
}

func valueOf(c *pump.Chunk, i int, f *keyField) ([]byte, bool) {
	for _, a := range f.aliases {
		if v, ok := raw(c, i, a.name); ok && hasAll(c, i, a.vouched) {
			return v, true
		}
	}
	return raw(c, i, f.name)
}

func hasAll(c *pump.Chunk, i int, fields []pump.Field) bool {
	for k := range fields {
		if v, ok := raw(c, i, fields[k].Name); !ok || !bytes.Equal(v, fields[k].Value) {
			return false
		}
	}
	return true
}

// raw returns the value of an entry's field of exactly that name.
func raw(c *pump.Chunk, i int, name string) ([]byte, bool) {
	for _, ref := range c.Fields(i) {
		if f := c.Field(ref); f.Name == name {
			return f.Value, true
		}
	}
	return nil, false
}

// alternatives returns what to look for in the log to find all entries with the key; some that are found have another.
func (r *Recorder) alternatives(k key) [][]pump.Field {
	all := [][]pump.Field{nil}
	for _, part := range k {
		var next [][]pump.Field
		for _, before := range all {
			next = append(next, append(slices.Clip(before), part))
			for _, a := range aliasesOf(part.Name) {
				about := pump.Field{Name: a.name, Value: part.Value}
				next = append(next, slices.Concat(before, []pump.Field{about}, a.vouched))
			}
		}
		all = next
	}
	return all
}

// What the kernel says of a process that it kills.
var (
	kernelPID    = regexp.MustCompile(`\[(\d+)\]: segfault at |^traps: .*\[(\d+)\] |,pid=(\d+),|Kill(?:ed)? process (\d+)`)
	kernelCgroup = regexp.MustCompile(`,task_memcg=([^,]+),`)
	unitSuffix   = regexp.MustCompile(`^[^/]+\.(service|scope|socket|mount|swap)$`)
)

// victim is the process that a line of the kernel is about, as far as it says.
type victim struct {
	pid  []byte
	unit []byte
}

func victimOf(c *pump.Chunk, i int) (v victim, ok bool) {
	if transport, _ := raw(c, i, transportField); string(transport) != kernel {
		return v, false
	}
	text, _ := raw(c, i, "MESSAGE")
	if m := kernelPID.FindSubmatch(text); m != nil {
		v.pid = bytes.Join(m[1:], nil) // one of them was found
	}
	if m := kernelCgroup.FindSubmatch(text); m != nil {
		v.unit = unitOf(string(m[1]))
	}
	return v, v.pid != nil || v.unit != nil
}

// unitOf returns the system's unit that a control group is of.
func unitOf(cgroup string) []byte {
	for part := range strings.SplitSeq(cgroup, "/") {
		if unitSuffix.MatchString(part) {
			return []byte(part)
		}
	}
	return nil
}
