package elasticsearch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"journalpump/pump"
)

const (
	dateLayout = "2006-01-02"
	dayLength  = uint64(24 * time.Hour / time.Microsecond)
	// maxDays is how many days are remembered; entries with a broken clock may name any number of them.
	maxDays = 1000
)

// day is an index and what bulk requests say of it.
type day struct {
	index  string
	header []byte // the beginning of an operation's line
}

// dayKey is what says which index an entry goes to.
type dayKey struct {
	route  string // the prefix that its route has; "" is the sender's
	number uint64 // of the day since 1970
}

// days are the daily indices that are known to be there.
type days struct {
	prefix string
	mu     sync.Mutex
	known  map[dayKey]*day
}

// dayOf returns the entry's day, in UTC as the original counts.
func dayOf(r *pump.Record) dayKey {
	return dayKey{r.To(), r.Chunk.Entries[r.Index].Position.Realtime / dayLength}
}

func (d *days) get(key dayKey) *day {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[key]
}

// forget makes the next entry of a day create its index.
func (d *days) forget(index string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, known := range d.known {
		if index == "" || known.index == index {
			delete(d.known, key)
		}
	}
}

func (d *days) add(key dayKey, known *day) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxDays {
		clear(d.known)
	}
	d.known[key] = known
}

func (d *days) indexName(key dayKey) string {
	return cmp.Or(key.route, d.prefix) + "-" + time.Unix(0, 0).UTC().AddDate(0, 0, int(key.number)).Format(dateLayout) //nolint:gosec // 2^64 µs are 2^28 days
}

func newDay(index string, d dialect) *day {
	header := []byte(`{"create":{"_index":` + strconv.Quote(index))
	if d.typed {
		header = append(header, `,"_type":"`+mappingType+`"`...)
	}
	return &day{index, header}
}

// ensure returns the day of each record that is the first of its day, having created the indices that were not there.
func (s *sender) ensure(ctx context.Context, records []pump.Record) (map[dayKey]*day, error) {
	needed := map[dayKey]*day{}
	var last dayKey
	for i := range records {
		key := dayOf(&records[i])
		if i > 0 && key == last {
			continue
		}
		last = key
		if needed[key] != nil {
			continue
		}
		known := s.days.get(key)
		if known == nil {
			known = newDay(s.days.indexName(key), s.dialect)
			if err := s.create(ctx, known.index, records[i].Body); err != nil {
				return nil, err
			}
			s.days.add(key, known)
		}
		needed[key] = known
	}
	return needed, nil
}

// create creates an index. What keeps only that from happening is no error: the index may be there, or made by the server
// when the first entry comes.
func (s *sender) create(ctx context.Context, index string, first []byte) error {
	if s.dialect.bare {
		return nil
	}
	body, err := json.Marshal(mapping(s.dialect, first))
	if err != nil {
		return fmt.Errorf("describing the index %s: %w", index, err)
	}
	a, err := s.server.Load().do(ctx, esapi.IndicesCreateRequest{Index: index, Body: bytes.NewReader(body)}, s.config.Timeout.Duration())
	if err != nil {
		return fmt.Errorf("creating the index %s: %w", index, err)
	}
	return s.created(index, a)
}

func (s *sender) created(index string, a *answer) error {
	kind := errorType(a)
	switch {
	case a.ok(), strings.HasSuffix(kind, "already_exists_exception"):
		return nil
	case a.status == http.StatusUnauthorized, a.status == http.StatusTooManyRequests, a.status < 400, a.status >= 500, kind == "validation_exception":
		return fmt.Errorf("creating the index %s: %w", index, s.server.Load().refusal(a))
	case kind != "invalid_index_name_exception": // which is what an alias of that name gives
		s.log.Warn("the index was not created, its mapping is left to the server", "index", index, "status", a.status, "reason", s.server.Load().reason(a))
	}
	return nil
}
