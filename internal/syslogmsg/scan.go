package syslogmsg

import "bytes"

// members calls f with the name, as it is written, and the value of each member of the JSON object. It goes through the
// JSON that a view has written, once; of anything else it takes what it can and stops.
func members(object []byte, f func(name []byte, value Value)) {
	i := skipSpace(object, 0)
	if i == len(object) || object[i] != '{' {
		return
	}
	for {
		start := skipSpace(object, i+1)
		end, ok := stringEnd(object, start)
		if !ok {
			return
		}
		i = skipSpace(object, end)
		if i == len(object) || object[i] != ':' {
			return
		}
		from := skipSpace(object, i+1)
		to := valueEnd(object, from)
		if to == from {
			return
		}
		f(object[start+1:end-1], object[from:to])
		i = skipSpace(object, to)
		if i == len(object) || object[i] != ',' {
			return
		}
	}
}

// elements calls f with each element of the JSON list, until f returns false.
func elements(list []byte, f func(Value) bool) {
	for i := 0; i < len(list) && (list[i] == '[' || list[i] == ','); {
		from := skipSpace(list, i+1)
		to := valueEnd(list, from)
		if to == from || !f(list[from:to]) {
			return
		}
		i = skipSpace(list, to)
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the string that begins at i.
func stringEnd(b []byte, i int) (end int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	for from := i + 1; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return i, false
		}
		quote := from + n
		backslashes := 0
		for b[quote-1-backslashes] == '\\' { // it ends at the opening quote
			backslashes++
		}
		if backslashes%2 == 0 {
			return quote + 1, true
		}
		from = quote + 1
	}
}

// valueEnd returns the index after the value that begins at i, or i if there is none.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		end, _ := stringEnd(b, i)
		return end
	case '{', '[':
		return nestedEnd(b, i)
	}
	if n := bytes.IndexAny(b[i:], ",]} \n\t\r"); n >= 0 {
		return i + n
	}
	return len(b)
}

// nestedEnd returns the index after the object or list that begins at i, or i if it has no end.
func nestedEnd(b []byte, i int) int {
	depth := 0
	for k := i; k < len(b); k++ {
		switch b[k] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return k + 1
			}
		case '"':
			end, ok := stringEnd(b, k)
			if !ok {
				return i
			}
			k = end - 1
		}
	}
	return i
}
