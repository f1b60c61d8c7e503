package googlelogging

import (
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"journalpump/pump"
)

// throttled is how long we leave the service alone when a quota is used up and it does not say for how long.
const throttled = time.Second

// entryErrors returns what became of the entries that were not written when others were, by index in the request.
func entryErrors(err error) map[int32]*rpcstatus.Status {
	for _, detail := range status.Convert(err).Details() {
		if partial, ok := detail.(*loggingpb.WriteLogEntriesPartialErrors); ok {
			return partial.GetLogEntryErrors()
		}
	}
	return nil
}

// entryMeaning says in the engine's words why one entry was not written.
func entryMeaning(s *rpcstatus.Status) error {
	code := codes.Code(s.GetCode())                                                           //nolint:gosec // what is no code means nothing
	err := fmt.Errorf("Google Cloud Logging refuses the entry: %v: %s", code, s.GetMessage()) //nolint:staticcheck // a name
	switch code {
	case codes.InvalidArgument, codes.OutOfRange:
		return pump.Permanent(err)
	case codes.ResourceExhausted:
		return pump.RetryAfter(err, throttled)
	default:
		return err
	}
}

// meaning says in the engine's words what an error of a whole request means.
func meaning(err error) error {
	s := status.Convert(err)
	large := strings.Contains(s.Message(), "larger than max") || strings.Contains(s.Message(), "exceeds the limit") ||
		strings.Contains(s.Message(), "exceeds the maximum size")
	switch s.Code() { //nolint:exhaustive // the others may go away, permissions and projects too
	case codes.InvalidArgument, codes.OutOfRange:
		if large {
			return fmt.Errorf("%w: %w", pump.ErrTooLarge, err)
		}
		return pump.Permanent(err)
	case codes.ResourceExhausted:
		if large {
			return fmt.Errorf("%w: %w", pump.ErrTooLarge, err)
		}
		return pump.RetryAfter(err, max(retryDelay(s), throttled))
	case codes.Unavailable:
		if wait := retryDelay(s); wait > 0 {
			return pump.RetryAfter(err, wait)
		}
	}
	return err
}

func retryDelay(s *status.Status) time.Duration {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}
