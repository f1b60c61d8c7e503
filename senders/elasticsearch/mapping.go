package elasticsearch

import (
	"strings"

	"github.com/tidwall/gjson"
)

// maxMappingDepth is deeper than the servers allow objects in objects to be.
const maxMappingDepth = 20

type object = map[string]any

// mapping returns the body of the request that creates an index. As the original does, it takes the fields and their types
// from the first entry of the day; what other entries have beyond them, the server adds by its own rules. But numbers
// are long and not integer, so that one above 2^31 is not refused.
func mapping(d dialect, first []byte) object {
	fields := object{"SYSTEMD_SESSION": object{"type": "text"}, "SESSION_ID": object{"type": "text"}}
	addFields(fields, gjson.ParseBytes(first), 1)
	properties := object{"properties": fields}
	if d.typed {
		return object{"mappings": object{mappingType: properties}}
	}
	return object{"mappings": properties}
}

// addFields adds the fields of an entry, or of an object in it. The timestamp is left to the server, which sees a date in
// it; so are lists and what is null.
func addFields(fields object, entry gjson.Result, depth int) {
	entry.ForEach(func(key, value gjson.Result) bool {
		name := key.String()
		if name == "timestamp" || !canBeMapped(name) {
			return true
		}
		switch {
		case value.IsBool():
			fields[name] = object{"type": "boolean"}
		case value.Type == gjson.Number && strings.ContainsAny(value.Raw, ".eE"):
			fields[name] = object{"type": "float"}
		case value.Type == gjson.Number:
			fields[name] = object{"type": "long"}
		case value.Type == gjson.String:
			fields[name] = object{"type": "text"}
		case value.IsObject() && depth < maxMappingDepth:
			inner := object{}
			addFields(inner, value, depth+1)
			fields[name] = object{"properties": inner}
		}
		return true
	})
}

// canBeMapped reports whether a mapping may name a field. A dot means an object, which another field may contradict.
func canBeMapped(name string) bool { return name != "" && !strings.Contains(name, ".") }
