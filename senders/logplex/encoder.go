package logplex

import (
	"strconv"

	"journalpump/internal/syslogmsg"
	"journalpump/pump"
)

// Of the priorities of messages: facility local7, as the original, and its severity where the entry has none.
const (
	facility = 23
	severity = 6
)

// encoder makes the body of a request, application/logplex-1: messages one after the other, each preceded by its length
// in bytes and a space. A message is as RFC 5424 has it, without structured data and without a - in its place:
//
//	<PRI>1 TIMESTAMP HOSTNAME TOKEN PROCID MSGID MSG
//
// The token stands where the name of the program would; PROCID is therefore PROGRAM.PID.
type encoder struct {
	token string

	clock   syslogmsg.Clock
	message []byte
	body    []byte
}

// encode returns the body for a batch. It is valid until the next call.
func (e *encoder) encode(records []pump.Record) []byte {
	e.body = e.body[:0]
	for i := range records {
		e.message = e.appendMessage(e.message[:0], &records[i])
		e.body = strconv.AppendInt(e.body, int64(len(e.message)), 10)
		e.body = append(e.body, ' ')
		e.body = append(e.body, e.message...)
	}
	return e.body
}

func (e *encoder) appendMessage(dst []byte, r *pump.Record) []byte {
	m := syslogmsg.Read(r.Body)
	start := len(dst)
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(priority(&m)), 10)
	dst = append(dst, ">1 "...)
	dst = e.clock.AppendRFC3339(dst, r.Chunk.Entries[r.Index].Position.Realtime)
	dst = append(dst, ' ')
	if m.Host.Empty() {
		dst = append(dst, "localhost"...) // as the original
	} else {
		dst = syslogmsg.AppendHeader(dst, m.Host, syslogmsg.MaxHost)
	}
	dst = append(dst, ' ')
	dst = append(dst, e.token...)
	dst = append(dst, ' ')
	dst = appendProcess(dst, &m)
	dst = append(dst, " - "...)
	text := len(dst)
	if dst = m.AppendText(dst); len(dst) == text {
		dst = append(dst, syslogmsg.Nil)
	}
	return syslogmsg.Escape(dst, start, false)
}

// priority returns local7 with the entry's severity.
func priority(m *syslogmsg.Message) int {
	const severities = 8
	return facility*severities + m.Priority(0, severity)%severities
}

func appendProcess(dst []byte, m *syslogmsg.Message) []byte {
	start := len(dst)
	dst = m.App.Append(dst)
	if !m.ProcID.Empty() {
		if len(dst) > start {
			dst = append(dst, '.')
		}
		dst = m.ProcID.Append(dst)
	}
	if len(dst) == start {
		return append(dst, syslogmsg.Nil)
	}
	return syslogmsg.Printable(dst, start, syslogmsg.MaxProcID)
}
