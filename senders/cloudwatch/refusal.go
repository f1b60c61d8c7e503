package cloudwatch

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"journalpump/internal/retryafter"
	"journalpump/pump"
)

// throttled is how long we leave the service alone that says we are too fast and does not say for how long.
const throttled = time.Second

// meaning says in the engine's words what an error of the service means.
func meaning(err error) error {
	response, answered := errors.AsType[*smithyhttp.ResponseError](err)
	if invalid, ok := errors.AsType[*types.InvalidParameterException](err); ok {
		if strings.Contains(strings.ToLower(invalid.ErrorMessage()), "too large") {
			return fmt.Errorf("%w: %w", pump.ErrTooLarge, err)
		}
		return pump.Permanent(err)
	}
	if answered && response.HTTPStatusCode() == http.StatusRequestEntityTooLarge {
		return fmt.Errorf("%w: %w", pump.ErrTooLarge, err)
	}
	tooFast := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary ||
		answered && response.HTTPStatusCode() == http.StatusTooManyRequests
	if wait := retryAfter(response); wait > 0 {
		return pump.RetryAfter(err, wait)
	}
	if tooFast {
		return pump.RetryAfter(err, throttled)
	}
	return err
}

func retryAfter(response *smithyhttp.ResponseError) time.Duration {
	if response == nil || response.Response == nil || response.Response.Response == nil {
		return 0
	}
	return retryafter.Of(response.Response.Header, time.Now())
}

// reject notes which events of a request the service refused for their times. It took the others.
func reject(refused map[int]error, events []event, info *types.RejectedLogEventsInfo) {
	mark := func(from, to int, why error) {
		for i := max(from, 0); i < min(to, len(events)); i++ {
			refused[events[i].index] = pump.Permanent(fmt.Errorf("%w: it is of %s", why, time.UnixMilli(events[i].at).UTC().Format(time.RFC3339)))
		}
	}
	if end := info.ExpiredLogEventEndIndex; end != nil { // exclusive
		mark(0, int(*end), errExpired)
	}
	if end := info.TooOldLogEventEndIndex; end != nil { // exclusive
		mark(0, int(*end), errTooOld)
	}
	if start := info.TooNewLogEventStartIndex; start != nil { // inclusive
		mark(int(*start), len(events), errTooNew)
	}
}

var (
	errExpired = errors.New("CloudWatch refuses the entry as older than the log group keeps")
	errTooOld  = errors.New("CloudWatch refuses the entry as older than 14 days")
	errTooNew  = errors.New("CloudWatch refuses the entry as more than 2 hours in the future")
)
