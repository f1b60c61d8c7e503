package config

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// IndexMatch returns a field (without leading underscores) and the value that an entry must have in it to be read at all,
// so that a journal may look it up in its index. ok is false when the matches of the top level and the reader ask for
// nothing that can be looked up: the values they compare are those that senders see, which are not always the journal's.
func (r *Reader) IndexMatch(c *Config) (name, value string, ok bool) {
	for _, m := range []*MatchSettings{&r.MatchSettings, &c.MatchSettings} {
		var text *string // nil for null, too
		if len(m.MatchValue) == 0 || json.Unmarshal(m.MatchValue, &text) != nil || text == nil {
			continue
		}
		plain := strings.TrimLeft(m.MatchKey, "_")
		if plain != "" && !converted(plain) && !r.BinaryFields.mayMake(*text) {
			return plain, *text, true
		}
	}
	return "", "", false
}

// converted reports whether senders see another value of the field than the journal has, or one of several fields.
func converted(plainName string) bool {
	switch plainName {
	case "PRIORITY", "CODE_LINE", "PID", "GID", "AUDIT_ID", "AUDIT_LOGINUID", "AUDIT_SESSION", "AUDIT_TYPE",
		"BOOT_ID", "MACHINE_ID", "MESSAGE_ID", "SOURCE_REALTIME_TIMESTAMP", "COREDUMP_TIMESTAMP", "REALTIME_TIMESTAMP",
		"SOURCE_MONOTONIC_TIMESTAMP", "MONOTONIC_TIMESTAMP":
		return true
	}
	return false
}

// mayMake reports whether the text may be what a binary value is written as.
func (b BinaryFields) mayMake(text string) bool {
	switch b {
	case "base64":
		_, err := base64.StdEncoding.DecodeString(text)
		return err == nil
	case "replace":
		return strings.ContainsRune(text, '\uFFFD')
	}
	return strings.HasPrefix(text, "b'") || strings.HasPrefix(text, `b"`)
}
