package recorder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// object is a body as senders get it, read again: what the sender does not see cannot get into a text, either.
type object map[string]any

// parse returns nothing for what is no object.
func parse(body []byte) object {
	var o object
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&o) != nil {
		return nil
	}
	return o
}

// text returns a member as text, "" if there is none.
func (o object) text(name string) string {
	switch v := o[name].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(b)
	}
}

// addText appends a record as a line of a block, or the block's head or end.
func (d *dump) addText(body []byte, a *about, mark string) {
	o := parse(body)
	switch mark {
	case "begin":
		d.addHead(o, a)
	case "end":
		d.text = append(d.text, "-----END "+title(d.known.Reason)+" FORENSICS-----"...)
	default:
		d.addLine(o)
	}
}

// addHead appends a block's head, with the empty line behind it.
func (d *dump) addHead(o object, a *about) {
	d.text = append(d.text, "-----BEGIN "+title(d.known.Reason)+" FORENSICS-----\n"...)
	line := func(name, value string) {
		if value != "" {
			d.text = append(d.text, name+": "+strings.ReplaceAll(value, "\n", " ")+"\n"...)
		}
	}
	line("Client-Address", a.client)
	line("Host", o.text("HOSTNAME"))
	line("Unit", o.text("SYSTEMD_UNIT"))
	line("PID", o.text("PID"))
	line("UID", o.text("UID"))
	if d.keyIsShown() {
		line("Key", d.known.Key)
	}
	line("Start", a.start.Format(timeLayout))
	line("Elapsed", strconv.FormatInt(a.elapsed.Milliseconds(), 10))
	line("Lines", strconv.Itoa(a.lines))
	line("ID", d.known.ID)
}

// addLine appends an entry: its time, where it came from and how severe it is, who wrote it, and what.
func (d *dump) addLine(o object) {
	if at := o.text("timestamp"); at != "" {
		d.text = append(d.text, at+" "...)
	}
	from := o.text("TRANSPORT")
	if from == "" {
		from = "journal"
	}
	d.text = append(d.text, "["+from...)
	if p := o.text("PRIORITY"); p != "" {
		d.text = append(d.text, ":"+p...)
	}
	if pid := o.text("PID"); pid != "" {
		d.text = append(d.text, ", PID "+pid...)
	}
	d.text = append(d.text, "] "...)
	if id := o.text("SYSLOG_IDENTIFIER"); id != "" {
		d.text = append(d.text, id+": "...)
	}
	// An entry cannot look like several, or like the end of the block.
	d.text = fmt.Append(d.text, strings.ReplaceAll(o.text("MESSAGE"), "\n", "\n    "))
}
