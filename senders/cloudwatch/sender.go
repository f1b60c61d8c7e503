package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"journalpump/pump"
)

// api is what of the service is used.
type api interface {
	PutLogEvents(context.Context, *cloudwatchlogs.PutLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error)
	CreateLogGroup(context.Context, *cloudwatchlogs.CreateLogGroupInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error)
	CreateLogStream(context.Context, *cloudwatchlogs.CreateLogStreamInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error)
}

// sender is a pump.Sender.
type sender struct {
	api           api
	group, stream string
	log           *slog.Logger
	closeIdle     func()

	gone   bool            // the stream was deleted, or its group
	made   map[string]bool // streams that routes lead to
	events []event
}

// Send puts the records as events, in as few requests as the service's limits allow, one after the other.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if s.gone {
		if err := s.ensureStream(ctx, s.stream); err != nil {
			return err
		}
		s.gone = false
	}
	s.events = inOrder(s.events[:0], b.Records)
	refused := map[int]error{}
	if len(s.events) < len(b.Records) {
		refuseTooLarge(refused, b.Records)
	}
	for events := s.events; len(events) > 0; {
		n := fit(events, b.Records)
		err := s.put(ctx, events[:n], b.Records, refused)
		if err != nil && len(events) == len(b.Records) {
			return err // nothing was accepted
		}
		if err != nil {
			again(refused, events, err)
			break
		}
		events = events[n:]
	}
	if len(refused) > 0 {
		return &pump.PartialError{Errs: refused}
	}
	return nil
}

func refuseTooLarge(refused map[int]error, records []pump.Record) {
	for i := range records {
		if size := len(records[i].Body); size > maxEvent {
			refused[i] = pump.Permanent(fmt.Errorf("the entry has %d bytes, CloudWatch takes at most %d", size, maxEvent))
		}
	}
}

// again has the events sent again. When the error is one that halving the batch mends, or that halving finds the culprit
// of, it does not count now: the request will be the first of its batch next time.
func again(refused map[int]error, events []event, err error) {
	if pump.IsPermanent(err) || errors.Is(err, pump.ErrTooLarge) {
		err = fmt.Errorf("sent again alone: %v", err) //nolint:errorlint // not permanent any more
	}
	for _, e := range events {
		refused[e.index] = err
	}
}

// put makes one request. It adds to refused what the service has not taken although it took others.
func (s *sender) put(ctx context.Context, events []event, records []pump.Record, refused map[int]error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stream, err := s.streamOf(ctx, events[0].to)
	if err != nil {
		return err
	}
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &s.group, LogStreamName: &stream, LogEvents: make([]types.InputLogEvent, len(events))}
	for i, e := range events {
		in.LogEvents[i] = types.InputLogEvent{Timestamp: aws.Int64(e.at), Message: aws.String(string(records[e.index].Body))}
	}
	out, err := s.api.PutLogEvents(ctx, in)
	if err != nil {
		if _, s.gone = errors.AsType[*types.ResourceNotFoundException](err); s.gone {
			clear(s.made)
		}
		return fmt.Errorf("putting events into %s: %w", s.group, meaning(err))
	}
	if out.RejectedLogEventsInfo != nil {
		reject(refused, events, out.RejectedLogEventsInfo)
	}
	return nil
}

// streamOf returns the stream that a route leads to, which is created if it isn't there; of "", the sender's own.
func (s *sender) streamOf(ctx context.Context, to string) (string, error) {
	if to == "" {
		return s.stream, nil
	}
	if !s.made[to] {
		if err := s.ensureStream(ctx, to); err != nil {
			return "", err
		}
		s.made[to] = true
	}
	return to, nil
}

// ensureStream creates a stream, and its group where that is missing too.
func (s *sender) ensureStream(ctx context.Context, name string) error {
	stream := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &s.group, LogStreamName: &name}
	_, err := s.api.CreateLogStream(ctx, stream)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		_, err = s.api.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &s.group})
		if err != nil && !exists(err) {
			return fmt.Errorf("creating the log group %s: %w", s.group, meaning(err))
		}
		s.log.Info("created the log group", "group", s.group)
		_, err = s.api.CreateLogStream(ctx, stream)
	}
	if err != nil && !exists(err) {
		return fmt.Errorf("creating the log stream %s in %s: %w", name, s.group, meaning(err))
	}
	return nil
}

func exists(err error) bool {
	_, ok := errors.AsType[*types.ResourceAlreadyExistsException](err)
	return ok
}

// Close closes the connections.
func (s *sender) Close() error {
	s.closeIdle()
	return nil
}
