package kafka

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// maxTopic is how long a topic's name may be: it is the name of a directory, with the partition's number after it.
const maxTopic = 249

func legalInTopic(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// checkTopic reports what is wrong with a topic's name.
func checkTopic(name string) error {
	for i := range len(name) {
		if !legalInTopic(name[i]) {
			return fmt.Errorf("a topic's name has only letters, digits and . _ - in it, not %q", name[i:i+1])
		}
	}
	switch {
	case name == "." || name == "..":
		return fmt.Errorf("%q is not allowed as a topic's name", name)
	case len(name) > maxTopic:
		return fmt.Errorf("a topic's name has at most %d characters", maxTopic)
	}
	return nil
}

// topicValue is a placeholder.Value: what stands in a topic's name for a field's value.
func topicValue(b, value []byte, ok bool) []byte {
	if !ok || len(value) == 0 {
		return append(b, "unknown"...)
	}
	return append(b, value...)
}

// legalTopic makes a legal name of what a template has given. One that is too long ends in a hash of itself.
func legalTopic(b []byte) []byte {
	if len(b) > maxTopic {
		const tail = 17 // a dash and 16 digits
		sum := xxhash.Sum64(b)
		b = append(b[:maxTopic-tail], '-')
		digits := strconv.AppendUint(nil, sum, 16)
		for range tail - 1 - len(digits) {
			b = append(b, '0')
		}
		b = append(b, digits...)
	}
	for i, c := range b {
		if !legalInTopic(c) {
			b[i] = '_'
		}
	}
	if string(b) == "." || string(b) == ".." {
		for i := range b {
			b[i] = '_'
		}
	}
	return b
}
