package kafka

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/segmentio/kafka-go"
)

// badRecordsError is a broker's answer that names the records because of which it refused a batch.
type badRecordsError struct {
	err     error
	records map[int]error // by index in the batch
}

func (e *badRecordsError) Error() string { return e.err.Error() }
func (e *badRecordsError) Unwrap() error { return e.err }

// errInvalidRecord is INVALID_RECORD: the broker's check of the records failed (a compacted topic and no key, an interceptor).
const errInvalidRecord kafka.Error = 87

// tooLarge reports whether a broker refused a batch for its size.
func tooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// badRecords reports whether records of a batch are why the broker refused it. A time that it does not take is a record's own
// only if it is the entry's; else a clock is wrong, which may be set right.
func (s *sender) badRecords(err error) bool {
	return errors.Is(err, errInvalidRecord) || s.entryTimes && errors.Is(err, kafka.InvalidTimestamp)
}

// alreadyThere reports whether a broker has recognised a batch by its sequence numbers.
func alreadyThere(err error) bool { return errors.Is(err, kafka.DuplicateSequenceNumber) }

// lostSequence reports whether a broker and this producer disagree about sequence numbers, which a new producer ID ends.
func lostSequence(err error) bool {
	return errors.Is(err, kafka.OutOfOrderSequenceNumber) || errors.Is(err, kafka.UnknownProducerId) ||
		errors.Is(err, kafka.InvalidProducerEpoch) || errors.Is(err, kafka.InvalidProducerIDMapping)
}

// hints is what helps to say what an error probably means.
type hints struct {
	tls  bool
	sasl bool
}

// explain adds what an error of a connection probably means, where its text alone doesn't tell.
func (h hints) explain(err error) error {
	err = bare(err)
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Errorf("the broker refused the user name or password: %w", err)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Errorf("the broker does not offer this sasl_mechanism: %w", err)
	case errors.Is(err, kafka.UnsupportedVersion), strings.Contains(err.Error(), "unsupported Produce version"):
		return fmt.Errorf("the broker is older than Kafka 0.11 or newer than this program knows: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the broker did not answer in time; if it never does, the port may be one with TLS where there should be none, or the other way round: %w", err)
	case !closedByBroker(err):
		return err
	case h.sasl:
		return fmt.Errorf("the broker closed the connection; while logging in that mostly means a wrong user name, password or sasl_mechanism: %w", err)
	case h.tls:
		return fmt.Errorf("the broker closed the connection; if it always does, the port may be one without TLS, or one that wants a client certificate or SASL: %w", err)
	}
	return fmt.Errorf("the broker closed the connection; if it always does, the port may be one that wants TLS (ssl) or SASL: %w", err)
}

func closedByBroker(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// bare takes off the name of kafka-go's method, which tells nobody anything.
func bare(err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "kafka.(*Client).") {
		return inner
	}
	return err
}
