package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"journalpump/internal/conf"
)

// variable is one of LogFormat: its key and type in what mod_kafka sends.
type variable struct {
	name string // after the %, {} included
	key  string
	kind Type
}

// variables are those whose values are groups of patterns, called like the key.
func variables() []variable {
	return []variable{
		{"A", "anon_password", String},
		{"a", "remote_ip", String},
		{"b", "bytes_sent", Float},
		{"c", "connection_class", String},
		{"D", "dir_path", String},
		{"d", "dir_name", String},
		{"E", "session_end_reason", String},
		{"F", "transfer_path", String},
		{"f", "file", String},
		{"g", "group", String},
		{"H", "server_ip", String},
		{"h", "remote_dns", String},
		{"I", "session_bytes_rcvd", Float},
		{"J", "command_params", String},
		{"L", "local_ip", String},
		{"l", "identd_user", String},
		{"m", "command", String},
		{"O", "session_bytes_sent", Float},
		{"P", "pid", Float},
		{"p", "local_port", Float},
		{"R", "response_millis", Float},
		{"r", "raw_command", String},
		{"S", "response_msg", String},
		{"s", "response_code", Float},
		{"T", "transfer_secs", Float},
		{"t", "local_time", String},
		{"U", "original_user", String},
		{"u", "user", String},
		{"V", "server_dns", String},
		{"v", "server_name", String},
		{"w", "rename_from", String},
		{"{basename}", "basename", String},
		{"{file-modified}", "file_modified", Bool},
		{"{file-offset}", "file_offset", Float},
		{"{file-size}", "file_size", Float},
		{"{gid}", "gid", Float},
		{"{protocol}", "protocol", String},
		{"{remote-port}", "remote_port", Float},
		{"{transfer-failure}", "transfer_failure", String},
		{"{transfer-millisecs}", "transfer_millis", Float},
		{"{transfer-port}", "transfer_port", Float},
		{"{transfer-speed}", "transfer_speed", String},
		{"{transfer-status}", "transfer_status", String},
		{"{transfer-type}", "transfer_type", String},
		{"{uid}", "uid", Float},
		{"{version}", "server_version", String},
	}
}

// source returns where the variable's value comes from: a group, or what the journal knows itself.
func (v variable) source() Key {
	k := Key{Name: v.key, Group: v.key, Type: v.kind}
	switch v.key {
	case "pid":
		k.Field = conf.StringList{"PID", "SYSLOG_PID"}
	case "uid", "gid":
		k.Field = conf.StringList{strings.ToUpper(v.key)}
	case "server_dns":
		k.Field = conf.StringList{"HOSTNAME"}
	}
	return k
}

// times are the variables for the entry's time.
func times() map[string]Key {
	return map[string]Key{
		"{epoch}":     {Name: "epoch", Time: Epoch},
		"{iso8601}":   {Name: "timestamp", Time: commaTime},
		"{microsecs}": {Name: "microsecs", Time: microsPart},
		"{millisecs}": {Name: "millisecs", Time: millisPart},
	}
}

// parseLine returns the keys of a LogFormat. The text between the variables means nothing to an object.
func parseLine(line string) (Keys, error) {
	var keys Keys
	for {
		_, rest, found := strings.Cut(line, "%")
		if !found {
			return keys, nil
		}
		if rest == "" {
			return nil, errors.New(`a "%" with nothing after it (write "%%" for the character itself)`)
		}
		if rest[0] == '%' {
			line = rest[1:]
			continue
		}
		name := rest[:1]
		if rest[0] == '{' {
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return nil, errors.New(`a "%{" without its "}"`)
			}
			name = rest[:end+1]
			if strings.HasPrefix(rest[end+1:], "e") {
				name += "e"
			}
		}
		k, used, err := keyOf(name)
		if err != nil {
			return nil, err
		}
		line = rest[used:]
		if !slices.ContainsFunc(keys, func(other Key) bool { return other.Name == k.Name }) {
			keys = append(keys, k)
		}
	}
}

// keyOf returns the key of a variable, and how much of its name, which may have an e after it that is only text, it is.
func keyOf(name string) (k Key, used int, err error) {
	braced := strings.TrimSuffix(name, "e")
	if name[0] != '{' {
		braced = name
	}
	for _, v := range variables() {
		if v.name == braced {
			return v.source(), len(braced), nil
		}
	}
	if k, ok := times()[braced]; ok {
		return k, len(braced), nil
	}
	if name[0] != '{' {
		return k, 0, fmt.Errorf("unknown variable %%%s", name)
	}
	inner := strings.Trim(braced, "{}")
	if note, ok := strings.CutPrefix(inner, "note:"); ok && note != "" {
		return Key{Name: "NOTE:" + note, Group: note, Type: String}, len(braced), nil
	}
	if layout, ok := strings.CutPrefix(inner, "time:"); ok && layout != "" {
		k = Key{Name: "local_time", Time: Time(layout)}
		_, err = k.Time.template()
		return k, len(braced), err
	}
	variable, env := strings.CutPrefix(inner, "env:")
	if env = env || name != braced; env && variable != "" { // %{NAME}e, or %{env:NAME}
		k = Key{Name: "ENV:" + variable, Field: conf.StringList{variable}, Env: variable, Type: String}
		if strings.HasPrefix(inner, "env:") {
			return k, len(braced), nil
		}
		return k, len(name), nil
	}
	var known []string
	for _, v := range variables() {
		known = append(known, strings.Trim(v.name, "{}"))
	}
	known = append(known, "epoch", "iso8601", "microsecs", "millisecs")
	return k, 0, fmt.Errorf("unknown variable %%%s%s", braced, conf.DidYouMean(inner, known))
}
