package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/tidwall/gjson"

	"journalpump/internal/retryafter"
	"journalpump/pump"
)

const (
	inFlight   = 4       // bulk requests at a time
	maxRequest = 2 << 20 // bytes of a request before compression, unless a single entry is larger
	minRequest = 64 << 10
	lineLength = 120   // about what an operation's line takes
	maxEntries = 10000 // of a request
)

// request is a bulk request for a part of a batch, and what became of it.
type request struct {
	first, last int // records[first:last]
	bytes       int
	err         error         // of the whole request
	items       map[int]error // by index in the batch, of those that were not stored
}

// split cuts a batch into requests of at most so many bytes.
func split(records []pump.Record, limit int) []request {
	var requests []request
	now := request{}
	for i := range records {
		size := len(records[i].Body) + lineLength
		if n := i - now.first; n > 0 && (now.bytes+size > limit || n == maxEntries) {
			requests = append(requests, now)
			now = request{first: i}
		}
		now.bytes += size
		now.last = i + 1
	}
	return append(requests, now)
}

// perform sends the requests, some at a time, and returns when all have ended.
func (s *sender) perform(ctx context.Context, records []pump.Record, days map[dayKey]*day, requests []request) {
	var next atomic.Int64
	work := func(worker int) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(requests) {
				return
			}
			r := &requests[i]
			r.items, r.err = s.bulk(ctx, worker, records[r.first:r.last], days, r.first)
		}
	}
	var wg sync.WaitGroup
	for worker := 1; worker < min(len(s.encoders), len(requests)); worker++ {
		wg.Go(func() { work(worker) })
	}
	work(0)
	wg.Wait()
}

// bulk sends one request. items are numbered from first.
func (s *sender) bulk(ctx context.Context, worker int, records []pump.Record, days map[dayKey]*day, first int) (items map[int]error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := s.encoders[worker].encode(records, days)
	if err != nil {
		return nil, err
	}
	body := &payload{data: data}
	r := esapi.BulkRequest{
		Body:       body.open(),
		Header:     http.Header{"Content-Type": {"application/x-ndjson"}},
		FilterPath: []string{"errors", "items.*.status", "items.*.error"},
	}
	if s.config.Gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	if !s.dialect.bare {
		// Not every proxy lets /_bulk pass. The lines say which index an entry belongs to, so any of them does here.
		r.Index = days[dayOf(&records[0])].index
	}
	server := s.server.Load()
	a, err := server.do(ctx, r, 2*s.config.Timeout.Duration())
	if !body.unused() {
		if s.encoders[worker], err = s.renew(err); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if !a.ok() {
		return nil, server.refusal(a)
	}
	return server.results(a, len(records), first)
}

// created is all that the answer says of an entry which was stored, by the request's filter_path.
const created = `{"status":201}`

var errNoResults = errors.New("the server did not say what became of the entries")

// results returns what the answer says about the n entries, numbered from first, that were not stored.
func (s *server) results(a *answer, n, first int) (map[int]error, error) {
	list := gjson.GetBytes(a.body, "items")
	if !gjson.ValidBytes(a.body) || !list.IsArray() {
		return nil, errNoResults
	}
	failed := map[int]error{}
	after := retryafter.Of(a.header, time.Now())
	count := 0
	list.ForEach(func(_, item gjson.Result) bool {
		err := errNoResults
		item.ForEach(func(_, result gjson.Result) bool { // {"create": {...}}
			if result.Raw == created { // as nearly all are
				err = nil
			} else {
				err = s.itemError(result, after)
			}
			return false
		})
		if err != nil {
			failed[first+count] = err
		}
		count++
		return true
	})
	if count != n {
		return nil, fmt.Errorf("%w: it answered for %d of %d", errNoResults, count, n)
	}
	return failed, nil
}

// errRest is what records get whose request was too large, when others of the batch have been accepted: they are sent
// again alone, and the engine makes smaller batches of them if need be.
var errRest = errors.New("the request was too large for the server (413), smaller ones are sent")

// verdict makes one error of what became of the requests; nil when all records are stored.
func verdict(requests []request) error {
	if err := wholeError(requests); err != nil {
		return err
	}
	errs := map[int]error{}
	for i := range requests {
		r := &requests[i]
		maps.Copy(errs, r.items)
		if r.err == nil {
			continue
		}
		err := r.err
		if errors.Is(err, pump.ErrTooLarge) && r.last-r.first > 1 {
			err = errRest
		}
		for k := r.first; k < r.last; k++ {
			errs[k] = err
		}
	}
	if len(errs) == 0 {
		return nil
	}
	var after time.Duration
	for _, err := range errs {
		after = max(after, pump.RetryDelay(err))
	}
	if after > 0 {
		return pump.RetryAfter(&pump.PartialError{Errs: errs}, after)
	}
	return &pump.PartialError{Errs: errs}
}

// wholeError returns an error if every request failed as a whole. That it was too large counts only if nothing else did.
func wholeError(requests []request) error {
	var worst error
	for i := range requests {
		err := requests[i].err
		if err == nil {
			return nil
		}
		if worst == nil || errors.Is(worst, pump.ErrTooLarge) || pump.RetryDelay(err) > pump.RetryDelay(worst) {
			worst = err
		}
	}
	return worst
}
