package rsyslog

import (
	"fmt"
	"strings"
)

// tag is a part of a message.
type tag uint8

const (
	tagText tag = iota // as it stands
	tagPri
	tagTimestamp3164
	tagTimestamp3339
	tagHost
	tagApp
	tagProcID
	tagMsg
)

type part struct {
	tag  tag
	text string
}

// template is what the parts of a message are, in their order.
type template struct {
	parts []part
	// strict makes header fields fit the RFCs; a custom format has them as they are.
	strict bool
}

// The two standard formats, in rsyslog's notation. The original has no structured data at all where none is configured,
// which RFC 5424 does not allow.
const (
	logline5424 = "<%pri%>%protocol-version% %timestamp:::date-rfc3339% %HOSTNAME% %app-name% %procid% %msgid% %structured-data% %msg%"
	logline3164 = "<%pri%>%timestamp% %HOSTNAME% %app-name%[%procid%]: %msg%"
)

func (c *Config) template() template {
	sd := c.StructuredData
	if sd == "" {
		sd = "-"
	}
	switch c.Format {
	case Custom:
		return template{parts: parse(strings.TrimSuffix(c.Logline, "\n"), sd)}
	case RFC3164:
		return template{parts: parse(logline3164, sd), strict: true}
	default:
		if sd != "-" && !strings.HasPrefix(sd, "[") {
			sd = "[" + sd + "]"
		}
		return template{parts: parse(logline5424, sd), strict: true}
	}
}

// parse takes a logline apart. A tag that isn't known stands for "-"; what follows a % without a second one is left out.
func parse(logline, structuredData string) []part {
	var parts []part
	text := "" // until the next tag that depends on the entry
	for i, piece := range strings.Split(logline, "%") {
		if i%2 == 0 {
			text += piece
			continue
		}
		if strings.Count(logline, "%") == i {
			break
		}
		t, fixed := lookup(piece, structuredData)
		if t == tagText {
			text += fixed
			continue
		}
		parts = append(parts, part{text: text}, part{tag: t})
		text = ""
	}
	return append(parts, part{text: text})
}

// lookup returns what a tag stands for: a part of the entry, or a text that is always the same.
func lookup(name, structuredData string) (t tag, text string) {
	switch name {
	case "":
		return tagText, "%"
	case "pri":
		return tagPri, ""
	case "protocol-version", "procotol-version": // the second is how the original's documentation has it
		return tagText, "1"
	case "timestamp":
		return tagTimestamp3164, ""
	case "timestamp:::date-rfc3339":
		return tagTimestamp3339, ""
	case "HOSTNAME":
		return tagHost, ""
	case "app-name":
		return tagApp, ""
	case "procid":
		return tagProcID, ""
	case "msg":
		return tagMsg, ""
	case "structured-data":
		return tagText, structuredData
	case "msgid":
		return tagText, "-"
	}
	return tagText, "-"
}

// doubts says what in a logline is probably not meant.
func doubts(logline string) []string {
	pieces := strings.Split(logline, "%")
	var out []string
	if len(pieces)%2 == 0 {
		out = append(out, "has a % without a second one; what follows it is left out (write %% for the character itself)")
		pieces = pieces[:len(pieces)-1]
	}
	for i := 1; i < len(pieces); i += 2 {
		if t, text := lookup(pieces[i], ""); t == tagText && text == "-" && pieces[i] != "msgid" {
			out = append(out, fmt.Sprintf("%%%s%% is no tag, and will be \"-\"", pieces[i]))
		}
	}
	return out
}
