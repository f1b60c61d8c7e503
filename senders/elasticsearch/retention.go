package elasticsearch

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/tidwall/gjson"
)

// retentionInterval is how often old indices are looked for, as in the original.
const retentionInterval = time.Hour

// retain deletes old indices until the context ends. Nothing waits for it, and what goes wrong is only logged.
func (s *sender) retain(ctx context.Context) {
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	for {
		if err := s.deleteOld(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.log.Warn("deleting old indices", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *sender) deleteOld(ctx context.Context, now time.Time) error {
	names, err := s.server.Load().indices(ctx, s.config.IndexPrefix)
	if err != nil {
		return fmt.Errorf("listing the indices: %w", err)
	}
	var first error
	for _, name := range expired(names, s.config.IndexPrefix, s.config.IndexDaysMax, now) {
		if err := s.server.Load().deleteIndex(ctx, name); err != nil {
			first = cmp.Or(first, fmt.Errorf("the index %s: %w", name, err))
			continue
		}
		s.log.Info("deleted an old index", "index", name, "days_kept", s.config.IndexDaysMax)
		s.days.forget(name)
	}
	return first
}

// indices returns the names of the indices that begin as ours do.
func (s *server) indices(ctx context.Context, prefix string) ([]string, error) {
	a, err := s.do(ctx, esapi.IndicesGetAliasRequest{Index: []string{prefix + "-*"}}, s.timeout)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound: // there is none
		return nil, nil
	case !a.ok():
		return nil, s.refusal(a)
	}
	var names []string
	gjson.ParseBytes(a.body).ForEach(func(key, _ gjson.Result) bool {
		names = append(names, key.String())
		return true
	})
	return names, nil
}

func (s *server) deleteIndex(ctx context.Context, name string) error {
	a, err := s.do(ctx, esapi.IndicesDeleteRequest{Index: []string{name}}, s.timeout)
	switch {
	case err != nil:
		return err
	case a.ok(), a.status == http.StatusNotFound:
		return nil
	}
	return s.refusal(a)
}

// expired returns which indices are to be deleted: those called exactly PREFIX-YYYY-MM-DD that are neither among the
// newest `keep` of that form nor of the last `keep` days. The first holds on to what the original would, and limits the harm
// of a clock that is ahead; the second to what is recent when entries with a wrong clock have made indices of the future.
func expired(names []string, prefix string, keep int, now time.Time) []string {
	oldest := now.UTC().AddDate(0, 0, 1-keep).Format(dateLayout)
	var ours []string
	for _, name := range names {
		if date, ok := strings.CutPrefix(name, prefix+"-"); ok && isDate(date) {
			ours = append(ours, name)
		}
	}
	slices.Sort(ours)
	ours = ours[:max(0, len(ours)-keep)]
	return slices.DeleteFunc(ours, func(name string) bool { return name[len(prefix)+1:] >= oldest })
}

func isDate(text string) bool {
	t, err := time.Parse(dateLayout, text)
	return err == nil && t.Format(dateLayout) == text
}
