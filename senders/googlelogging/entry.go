package googlelogging

import (
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/tidwall/gjson"
	logtype "google.golang.org/genproto/googleapis/logging/type"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"journalpump/pump"
)

// The limits are the original's: on the safe side of the 256 KiB that the service takes.
const (
	maxEntry   = 250 << 10
	maxMessage = 200 << 10
)

const (
	truncated = "[MESSAGE TRUNCATED]"
	tooLarge  = "Log entry can't be logged because its size is greater than GCP logging quota of 256K"
)

// entry returns the record as the service wants it.
func (s *sender) entry(r *pump.Record) *loggingpb.LogEntry {
	s.id = r.AppendID(s.id[:0])
	e := &loggingpb.LogEntry{
		LogName:   s.nameOf(r),
		InsertId:  string(s.id),
		Timestamp: timestamppb.New(r.Time()),
	}
	fields := make(map[string]*structpb.Value, 32)
	gjson.ParseBytes(r.Body).ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "timestamp": // is that of the entry
		case "PRIORITY":
			e.Severity = severity(v)
		case "MESSAGE":
			fields["MESSAGE"] = message(v, len(r.Body) > maxEntry)
		default:
			fields[valid(key.Str)] = value(v)
		}
		return true
	})
	if len(r.Body) > maxEntry && !shortened(fields, r.Body) {
		fields = map[string]*structpb.Value{"MESSAGE": structpb.NewStringValue(tooLarge)}
	}
	e.Payload = &loggingpb.LogEntry_JsonPayload{JsonPayload: &structpb.Struct{Fields: fields}}
	return e
}

// severity maps journald's priority; what is none has severity DEFAULT.
func severity(v gjson.Result) logtype.LogSeverity {
	if v.Type != gjson.Number || v.Num < 0 || v.Num > 7 || v.Num != float64(int(v.Num)) {
		return logtype.LogSeverity_DEFAULT
	}
	return [...]logtype.LogSeverity{
		logtype.LogSeverity_EMERGENCY, logtype.LogSeverity_ALERT, logtype.LogSeverity_CRITICAL, logtype.LogSeverity_ERROR,
		logtype.LogSeverity_WARNING, logtype.LogSeverity_NOTICE, logtype.LogSeverity_INFO, logtype.LogSeverity_DEBUG,
	}[int(v.Num)]
}

// message makes a structure of a message that is JSON, and cuts one short that makes an entry too large.
func message(v gjson.Result, cut bool) *structpb.Value {
	if v.Type != gjson.String {
		return value(v)
	}
	if cut {
		return structpb.NewStringValue(cutShort(valid(v.Str)) + truncated)
	}
	if isJSON(v.Str) {
		return value(gjson.Parse(v.Str))
	}
	return structpb.NewStringValue(valid(v.Str))
}

func cutShort(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	end := maxMessage
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// shortened reports whether cutting the message was enough.
func shortened(fields map[string]*structpb.Value, body []byte) bool {
	m, ok := fields["MESSAGE"].GetKind().(*structpb.Value_StringValue)
	if !ok {
		return false
	}
	before := gjson.GetBytes(body, "MESSAGE")
	return len(body)-len(before.Raw)+len(m.StringValue) <= maxEntry
}

// maxDepth is how deep a message's JSON may be nested to become a structure: a protocol buffer's parser stops at 100, and
// each level here makes three there.
const maxDepth = 30

func isJSON(text string) bool {
	begin := strings.TrimLeft(text, " \t\r\n")
	if begin == "" || !strings.ContainsRune(`{["-0123456789tfn`, rune(begin[0])) {
		return false // most messages: nothing else begins so
	}
	return depth(text) <= maxDepth && gjson.Valid(text)
}

// depth returns at least how deep brackets are nested in the text.
func depth(text string) (deepest int) {
	d, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{', c == '[':
			d++
			deepest = max(deepest, d)
		case c == '}', c == ']':
			d--
		}
	}
	return deepest
}

// value makes a value of JSON.
func value(v gjson.Result) *structpb.Value {
	switch {
	case v.IsObject():
		fields := map[string]*structpb.Value{}
		v.ForEach(func(key, e gjson.Result) bool {
			fields[valid(key.Str)] = value(e)
			return true
		})
		return structpb.NewStructValue(&structpb.Struct{Fields: fields})
	case v.IsArray():
		list := &structpb.ListValue{}
		v.ForEach(func(_, e gjson.Result) bool {
			list.Values = append(list.Values, value(e))
			return true
		})
		return structpb.NewListValue(list)
	case v.Type == gjson.String:
		return structpb.NewStringValue(valid(v.Str))
	case v.Type == gjson.Number:
		return structpb.NewNumberValue(v.Num)
	case v.Type == gjson.True, v.Type == gjson.False:
		return structpb.NewBoolValue(v.Type == gjson.True)
	default:
		return structpb.NewNullValue()
	}
}

// valid returns the text as UTF-8, which protocol buffers insist on, and not as a part of the batch's memory.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
