package format

import (
	"encoding/json"
	"strings"
	"testing"

	"journalpump/filters/jsontext"
	"journalpump/internal/conf"
	"journalpump/pump"
)

func parse(t *testing.T, src string) (Config, *conf.Report) {
	t.Helper()
	root, report := conf.Parse("f", []byte(`{"f": `+src+`}`))
	var dst struct {
		F Config `json:"f"`
	}
	root.Decode(&dst)
	return dst.F, report
}

func environment(name string) (string, bool) {
	if name == "HOSTGROUP" {
		return "web \"a\"", true
	}
	return "", false
}

func newFormat(t *testing.T, src string) *Format {
	t.Helper()
	c, report := parse(t, src)
	if p := report.Problems(); len(p) > 0 {
		t.Fatalf("%s: %v", src, p)
	}
	f, err := New(&c, environment)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return f
}

// entry returns what senders see of an entry of 2013-08-21 23:08:22.171348; fields are NAME=value, with the value as JSON
// where it is quoted, and a number where it is one.
func entry(f *Format, fields ...string) *Entry {
	e := &Entry{Chunk: &pump.Chunk{Entries: []pump.Entry{{Position: pump.Cursor{Realtime: 1377126502171348}}}}}
	for _, name := range f.Fields() {
		var value []byte
		for _, field := range fields {
			if n, text, _ := strings.Cut(field, "="); n == name {
				value = []byte(text)
				if !json.Valid(value) {
					value = jsontext.AppendString(nil, value)
				}
			}
		}
		e.Values = append(e.Values, value)
	}
	return e
}

func write(t *testing.T, f *Format, e *Entry) string {
	t.Helper()
	w := f.Writer()
	defer w.Release()
	out := string(w.Append([]byte("before"), e))
	body, ok := strings.CutPrefix(out, "before")
	if !ok || !json.Valid([]byte(body)) || strings.Contains(body, "\n") {
		t.Errorf("wrote %q", out)
	}
	return body
}

func TestKeys(t *testing.T) {
	t.Parallel()
	fields := []string{"MESSAGE=user=anna took=1.5 n=7 from \"192.0.2.1\"\tdone", "PRIORITY=3", "SYSTEMD_UNIT=a.service", "EMPTY=\"\"",
		`LIST=["a","b"]`, "TEXTNUMBER=\"042\"", "BOOL=yes", "OBJECT={\"a\": \"b\",\n \"c\": [1]}", "NULL=null", `JSONTEXT="{\"x\":\n 1}"`}
	for src, want := range map[string]string{
		`{"keys": {"m": "PRIORITY", "u": "_SYSTEMD_UNIT"}}`:                                                                      `{"m":3,"u":"a.service"}`,
		`{"keys": {"gone": "NO", "e": "EMPTY", "n": "NULL"}}`:                                                                    `{}`,
		`{"keys": {"x": ["NO", "EMPTY", "__SYSTEMD_UNIT", "PRIORITY"]}}`:                                                         `{"x":"a.service"}`,
		`{"keys": {"x": {"field": "NO", "value": {"a": [1, null]}}}}`:                                                            `{"x":{"a":[1,null]}}`,
		`{"keys": {"x": {"env": "HOSTGROUP"}, "y": {"env": "GONE"}}}`:                                                            `{"x":"web \"a\""}`,
		`{"keys": {"x": {"field": "NO", "env": "GONE", "value": "z"}}}`:                                                          `{"x":"z"}`,
		`{"keys": {"s": {"field": "PRIORITY", "type": "string"}}}`:                                                               `{"s":"3"}`,
		`{"keys": {"i": {"field": ["SYSTEMD_UNIT", "TEXTNUMBER"], "type": "int"}}}`:                                              `{"i":42}`,
		`{"keys": {"f": {"field": "TEXTNUMBER", "type": "float"}}}`:                                                              `{"f":42}`,
		`{"keys": {"b": {"field": "BOOL", "type": "bool"}}}`:                                                                     `{"b":true}`,
		`{"keys": {"b": {"field": "PRIORITY", "type": "bool"}}}`:                                                                 `{}`,
		`{"keys": {"j": {"field": "JSONTEXT", "type": "json"}}}`:                                                                 `{"j":{"x":1}}`,
		`{"keys": {"j": {"field": "SYSTEMD_UNIT", "type": "json"}}}`:                                                             `{"j":"a.service"}`,
		`{"keys": {"l": "LIST", "s": {"field": "LIST", "type": "string"}}}`:                                                      `{"l":["a","b"],"s":"[\"a\",\"b\"]"}`,
		`{"keys": {"l": {"field": "LIST", "type": "int"}}}`:                                                                      `{}`,
		`{"keys": {"t": {"time": "epoch"}}}`:                                                                                     `{"t":1377126502}`,
		`{"keys": {"t": {"time": "millis"}}}`:                                                                                    `{"t":1377126502171}`,
		`{"keys": {"t": {"time": "micros"}}}`:                                                                                    `{"t":1377126502171348}`,
		`{"keys": {"t": {"time": "iso8601"}}}`:                                                                                   `{"t":"2013-08-21T23:08:22.171348Z"}`,
		`{"keys": {"t": {"time": "%d/%b/%Y %%"}}}`:                                                                               `{"t":"21/Aug/2013 %"}`,
		`{"keys": {"é\"": "PRIORITY"}}`:                                                                                          `{"é\"":3}`,
		`{"keys": {"u": {"group": "user"}}, "extract": {"MESSAGE": "user=(?P<user>\\w+)"}}`:                                      `{"u":"anna"}`,
		`{"keys": {"t": {"group": "t", "type": "float"}}, "extract": {"MESSAGE": ["z(?P<t>x)", "took=(?P<t>\\S+)"]}}`:            `{"t":1.5}`,
		`{"keys": {"n": {"group": "n", "type": "int"}}, "extract": {"MESSAGE": "n=(?P<n>\\d+)"}}`:                                `{"n":7}`,
		`{"keys": {"x": {"group": "x", "field": "PRIORITY"}}, "extract": {"MESSAGE": "gone=(?P<x>.)"}}`:                          `{"x":3}`,
		`{"keys": {"x": {"group": "x"}}, "extract": {"MESSAGE": "from (?P<x>.*)"}}`:                                              `{"x":"\"192.0.2.1\"\tdone"}`,
		`{"keys": {"x": {"group": "a"}, "y": {"group": "b"}}, "extract": {"SYSTEMD_UNIT": "(?P<a>^.)", "MESSAGE": "(?P<b>.)$"}}`: `{"x":"a","y":"e"}`,
		`{"line": "%{epoch} %{note:user}", "keys": {"p": "PRIORITY"}, "extract": {"MESSAGE": "user=(?P<user>\\w+)"}}`:            `{"epoch":1377126502,"NOTE:user":"anna","p":3}`,
	} {
		f := newFormat(t, src)
		if got := write(t, f, entry(f, fields...)); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, got, want)
		}
	}
}

func TestSessionsAreMarked(t *testing.T) {
	t.Parallel()
	f := newFormat(t, `"%{iso8601}"`)
	e := entry(f)
	e.Connecting, e.Disconnecting = true, true
	if got := write(t, f, e); got != `{"connecting":true,"disconnecting":true,"timestamp":"2013-08-21 23:08:22,171"}` {
		t.Errorf("got %s", got)
	}
}

// All variables of mod_kafka's table, with its keys.
func TestEveryVariableHasItsKey(t *testing.T) {
	t.Parallel()
	for variable, key := range map[string]string{
		"%A": "anon_password", "%a": "remote_ip", "%b": "bytes_sent", "%c": "connection_class", "%D": "dir_path", "%d": "dir_name",
		"%E": "session_end_reason", "%{epoch}": "epoch", "%{NAME}e": "ENV:NAME", "%{env:NAME}": "ENV:NAME", "%F": "transfer_path",
		"%f": "file", "%{file-modified}": "file_modified", "%g": "group", "%{gid}": "gid", "%H": "server_ip", "%h": "remote_dns",
		"%I": "session_bytes_rcvd", "%{iso8601}": "timestamp", "%J": "command_params", "%L": "local_ip", "%l": "identd_user",
		"%m": "command", "%{microsecs}": "microsecs", "%{millisecs}": "millisecs", "%{note:name}": "NOTE:name",
		"%O": "session_bytes_sent", "%P": "pid", "%p": "local_port", "%{protocol}": "protocol", "%r": "raw_command",
		"%S": "response_msg", "%s": "response_code", "%T": "transfer_secs", "%t": "local_time",
		"%{transfer-failure}": "transfer_failure", "%{transfer-status}": "transfer_status", "%U": "original_user", "%u": "user",
		"%{uid}": "uid", "%V": "server_dns", "%v": "server_name", "%{version}": "server_version", "%w": "rename_from",
	} {
		keys, err := parseLine("x" + variable + "e x")
		if err != nil || len(keys) != 1 || keys[0].Name != key {
			t.Errorf("%s: %+v, %v; want %s", variable, keys, err, key)
		}
	}
}

func TestALineIsItsVariables(t *testing.T) {
	t.Parallel()
	f := newFormat(t, `"at %{iso8601} 100%% [%a] \"%u\" %u %{_SYSTEMD_UNIT}e %{HOSTGROUP}e %{millisecs} %{microsecs} %P %{time:%Y}"`)
	e := entry(f, "SYSTEMD_UNIT=ssh.service", "PID=12", "SYSLOG_IDENTIFIER=sshd", "MESSAGE=Failed password for root from 192.0.2.1 port 22 ssh2")
	const want = `{"timestamp":"2013-08-21 23:08:22,171","remote_ip":"192.0.2.1","user":"root","ENV:_SYSTEMD_UNIT":"ssh.service",` +
		`"ENV:HOSTGROUP":"web \"a\"","millisecs":171,"microsecs":171348,"pid":12,"local_time":"2013"}`
	if got := write(t, f, e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`5`:                   `f:1:7: f: must be a line of LogFormat, or an object; not a number`,
		`{}`:                  `f:1:7: f: must have "keys" or a "line" in it`,
		`"%q"`:                `f:1:7: f: unknown variable %q`,
		`""`:                  `f:1:7: f: has no variable in it, such as %{iso8601}, %u or %{_SYSTEMD_UNIT}e`,
		`"100%% text"`:        `f:1:7: f: has no variable in it, such as %{iso8601}, %u or %{_SYSTEMD_UNIT}e`,
		`{"line": "text"}`:    `f:1:16: f.line: has no variable in it, such as %{iso8601}, %u or %{_SYSTEMD_UNIT}e`,
		`"%{note:}"`:          `f:1:7: f: unknown variable %{note:}`,
		`"%{time:}"`:          `f:1:7: f: unknown variable %{time:}`,
		`"%{time:%Q}"`:        `f:1:7: f: "%Q" is no directive of strftime; "%%" is the character itself`,
		`{"keys": {"": "A"}}`: `f:1:21: f.keys."": a key must have a name`,
		`{"keys": {"a": ""}}`: `f:1:22: f.keys.a: must name a field`,
		`{"keys": {"a": []}}`: `f:1:22: f.keys.a: must name a field`,
		`{"keys": {"a": {"value": "x", "type": "int"}}}`:  `f:1:32: f.keys.a.value: can be made no int`,
		`{"keys": {"a": {"value": {}, "type": "float"}}}`: `f:1:32: f.keys.a.value: can be made no float`,
		`"%{iso8602}"`:                      `f:1:7: f: unknown variable %{iso8602}; did you mean "iso8601"?`,
		`"%{iso"`:                           `f:1:7: f: a "%{" without its "}"`,
		`"50%"`:                             `f:1:7: f: a "%" with nothing after it (write "%%" for the character itself)`,
		`{"line": "%q"}`:                    `f:1:16: f.line: unknown variable %q`,
		`{"keys": []}`:                      `f:1:16: f.keys: must be an object with the keys of the output, not a list`,
		`{"keys": {"a": 5}}`:                `f:1:22: f.keys.a: must be the name of a field, a list of names, or an object; not a number`,
		`{"keys": {"a": {}}}`:               `f:1:22: f.keys.a: must say where the value comes from: "field", "group", "env", "value" or "time"`,
		`{"keys": {"a": {"time": "epok"}}}`: `f:1:31: f.keys.a.time: must be one of "epoch", "millis", "micros", "iso8601", or have directives of strftime in it, such as "%Y-%m-%d"; did you mean "epoch"?`,
		`{"keys": {"a": {"time": "%Y", "value": 1}}}`:        `f:1:22: f.keys.a: "time" stands alone`,
		`{"keys": {"a": {"field": "A", "type": "integer"}}}`: `f:1:45: f.keys.a.type: "integer" is not one of "string", "int", "float", "bool", "json"`,
		`{"keys": {"a": {"group": "usr"}}}`:                  `f:1:32: f.keys.a.group: no pattern of extract has a group "usr"; did you mean "user"?`,
		`{"keys": {"a": "A"}, "extract": {"MESSAGE": "("}}`:  `f:1:51: f.extract.MESSAGE: missing ), unterminated subpattern at position 0`,
	} {
		_, report := parse(t, src)
		var got []string
		for _, p := range report.Problems() {
			got = append(got, p.String())
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, strings.Join(got, "\n     "), want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range []string{"%{iso8601} %a %u %{_SYSTEMD_UNIT}e %{note:x}", "%h %l %u %t \"%r\" %s %b", "%{time:%Y-%m}%%%e", "%{", "%{}e"} {
		f.Add(line, "Failed password for root from 192.0.2.1 port 22 ssh2")
	}
	f.Fuzz(func(t *testing.T, line, message string) {
		keys, err := parseLine(line)
		if err != nil {
			return
		}
		format, err := New(&Config{Keys: keys}, environment)
		if err != nil {
			t.Fatalf("%q passes and can't be compiled: %v", line, err)
		}
		message = strings.ToValidUTF8(message, "?")
		write(t, format, entry(format, "SYSLOG_IDENTIFIER=sshd", "MESSAGE="+string(jsontext.AppendString(nil, []byte(message)))))
	})
}
