package rsyslog

import (
	"strconv"

	"journalpump/internal/syslogmsg"
	"journalpump/pump"
)

// encoder makes messages of records.
type encoder struct {
	template           template
	facility, severity int
	most               int  // bytes of a message
	newlines           bool // a newline ends a message, so there must be none in it
	counted            bool // messages are preceded by their length

	clock    syslogmsg.Clock
	out      []byte   // all messages, each with its frame
	messages [][]byte // each without its frame
	ends     []span
	cut      int // how many messages were cut
}

type span struct{ from, to int }

func newEncoder(c *Config) *encoder {
	e := &encoder{template: c.template(), facility: c.DefaultFacility, severity: c.DefaultSeverity, most: c.most()}
	if c.Protocol == TCP || c.Protocol == UnixStream {
		e.counted = c.Framing == OctetCounted
		e.newlines = !e.counted
	}
	return e
}

// encode makes the messages of a batch. They are valid until the next call.
func (e *encoder) encode(records []pump.Record) {
	e.out, e.ends, e.cut = e.out[:0], e.ends[:0], 0
	for i := range records {
		e.ends = append(e.ends, e.frame(&records[i]))
	}
	e.messages = e.messages[:0]
	for _, s := range e.ends {
		e.messages = append(e.messages, e.out[s.from:s.to])
	}
}

// digits is more than the length of a message has.
const digits = 8

// frame appends a message with its frame and returns where the message lies.
func (e *encoder) frame(r *pump.Record) span {
	begin := len(e.out)
	start := begin
	if e.counted {
		start += digits + 1
		e.out = append(e.out, "         "...) // for the length, which is known later
	}
	e.out = e.message(e.out, r)
	e.out = syslogmsg.Escape(e.out, start, e.newlines)
	var cut bool
	if e.out, cut = syslogmsg.Cut(e.out, start, e.most); cut {
		e.cut++
	}
	switch {
	case e.newlines:
		e.out = append(e.out, '\n')
		return span{start, len(e.out) - 1}
	case e.counted:
		// RFC 6587, 3.4.1: the length without leading zeros, and a space.
		var buf [digits]byte
		length := strconv.AppendInt(buf[:0], int64(len(e.out)-start), 10)
		copy(e.out[begin:], length)
		shift := digits - len(length)
		e.out[begin+len(length)] = ' '
		copy(e.out[start-shift:], e.out[start:])
		e.out = e.out[:len(e.out)-shift]
		return span{start - shift, len(e.out)}
	}
	return span{start, len(e.out)}
}

// message appends a message.
func (e *encoder) message(dst []byte, r *pump.Record) []byte {
	m := syslogmsg.Read(r.Body)
	realtime := r.Chunk.Entries[r.Index].Position.Realtime
	for _, p := range e.template.parts {
		switch p.tag {
		case tagText:
			dst = append(dst, p.text...)
		case tagPri:
			dst = strconv.AppendInt(dst, int64(m.Priority(e.facility, e.severity)), 10)
		case tagTimestamp3164:
			dst = e.clock.AppendRFC3164(dst, realtime)
		case tagTimestamp3339:
			dst = e.clock.AppendRFC3339(dst, realtime)
		case tagHost:
			dst = e.field(dst, m.Host, syslogmsg.MaxHost)
		case tagApp:
			dst = e.field(dst, m.App, syslogmsg.MaxApp)
		case tagProcID:
			dst = e.field(dst, m.ProcID, syslogmsg.MaxProcID)
		case tagMsg:
			start := len(dst)
			if dst = m.AppendText(dst); len(dst) == start {
				dst = append(dst, syslogmsg.Nil)
			}
		}
	}
	return dst
}

func (e *encoder) field(dst []byte, v syslogmsg.Value, most int) []byte {
	if e.template.strict {
		return syslogmsg.AppendHeader(dst, v, most)
	}
	start := len(dst)
	if dst = v.Append(dst); len(dst) == start {
		dst = append(dst, syslogmsg.Nil)
	}
	return dst
}
