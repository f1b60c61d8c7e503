package syslogmsg

// Message is what a syslog message takes from a record. Its values lie in the record's body.
type Message struct {
	Host   Value // HOSTNAME
	App    Value // SYSLOG_IDENTIFIER, else SYSTEMD_UNIT, else PROCESS_NAME
	ProcID Value // PID
	Text   Value // MESSAGE

	facility, severity Value // SYSLOG_FACILITY, PRIORITY
	tooLong, partial   Value // what there is instead of all that when the entry was over the size limit
}

// Read takes the parts out of a record's body. Where a name occurs twice the last one counts.
func Read(body []byte) Message {
	var m Message
	var unit, process Value
	members(body, func(name []byte, value Value) {
		switch string(name) {
		case "HOSTNAME":
			m.Host = value
		case "SYSLOG_IDENTIFIER":
			m.App = value
		case "SYSTEMD_UNIT":
			unit = value
		case "PROCESS_NAME":
			process = value
		case "PID":
			m.ProcID = value
		case "MESSAGE":
			m.Text = value
		case "SYSLOG_FACILITY":
			m.facility = value
		case "PRIORITY":
			m.severity = value
		case "error":
			m.tooLong = value
		case "partial_data":
			m.partial = value
		}
	})
	for _, other := range []Value{unit, process} {
		if m.App.Empty() {
			m.App = other
		}
	}
	return m
}

// notice is the priority user.notice, which RFC 3164, 4.3.3, gives a message that has none of its own.
const notice = 13

// Priority returns the message's PRIVAL (RFC 5424, 6.2.1): of the record's facility and severity, or these where it has
// none that is a number. If one of them is out of range it is 13.
func (m *Message) Priority(facility, severity int) int {
	if n, ok := m.facility.Int(); ok {
		facility = n
	}
	if n, ok := m.severity.Int(); ok {
		severity = n
	}
	if facility < 0 || facility > 23 || severity < 0 || severity > 7 {
		return notice
	}
	return 8*facility + severity
}

// AppendText appends the message. An entry that was over the size limit has no MESSAGE; what there is of it comes instead.
func (m *Message) AppendText(dst []byte) []byte {
	if !m.Text.Empty() || m.partial.Empty() {
		return m.Text.Append(dst)
	}
	dst = m.tooLong.Append(dst)
	dst = append(dst, ": "...)
	return m.partial.Append(dst)
}
