package elasticsearch

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/senders/sendertest"
)

func TestRetention(t *testing.T) {
	names := []string{
		"journalpump-2026-11-10", "journalpump-2026-11-18", "journalpump-2026-11-19", "journalpump-2026-11-20", "journalpump-2026-11-21",
		"journalpump-2026-11-1", "journalpump-2026-11-01-old", "journalpump-2026-02-30", "journalpump-x-2026-11-01", "other-2026-11-01",
		"journalpump", "journalpump-", "xjournalpump-2026-11-01", ".journalpump-2026-11-01", "journalpump-0000-00-00", "journalpump-١٢٣٤-01-01",
	}
	now := time.Date(2026, 11, 21, 0, 30, 0, 0, time.FixedZone("", 3600)) // it is the 20th in UTC
	for _, c := range []struct {
		names []string
		keep  int
		now   time.Time
		want  []string
	}{
		{names, 3, now, []string{"journalpump-2026-11-10"}},
		{names, 1, now, []string{"journalpump-2026-11-10", "journalpump-2026-11-18", "journalpump-2026-11-19"}},
		{names, 30, now, nil},
		{names, 3, now.AddDate(5, 0, 0), []string{"journalpump-2026-11-10", "journalpump-2026-11-18"}}, // our clock is ahead
		{[]string{"journalpump-2030-01-01", "journalpump-2030-01-02", "journalpump-2026-11-20"}, 1, now, nil},
		{nil, 1, now, nil},
	} {
		if diff := cmp.Diff(c.want, expired(slices.Clone(c.names), "journalpump", c.keep, c.now), cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("keep %d (-want +got):\n%s", c.keep, diff)
		}
	}
}

func TestOldIndicesAreDeletedBesideSending(t *testing.T) {
	server := newCluster(t, "8.19.4")
	for _, date := range []string{"2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"} {
		server.indices["journalpump-"+date] = &index{}
	}
	deleted, wait := make(chan string, 10), make(chan struct{})
	server.override = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/_alias") {
			<-wait
		}
		if r.Method == http.MethodDelete {
			deleted <- r.URL.Path
		}
		return false
	}
	s, _ := openTo(t, server.URL, func(c *Config) { c.IndexDaysMax = 3 })
	send(t, s, sendertest.Batch(0, 3, sendertest.Times(time.Now(), 0))) // while the other request waits
	close(wait)
	for range 2 {
		if got := <-deleted; got > "/journalpump-2020-01-02" {
			t.Errorf("deleted %s", got)
		}
	}
}

func TestRetentionThatFails(t *testing.T) {
	server := newCluster(t, "8.19.4")
	asked := make(chan struct{}, 1)
	server.override = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/_alias") {
			return false
		}
		refuse(w, http.StatusForbidden, "security_exception", "no")
		asked <- struct{}{}
		return true
	}
	s, _ := openTo(t, server.URL, func(c *Config) { c.IndexDaysMax = 3 })
	<-asked
	send(t, s, sendertest.Batch(0, 3))
	if err := s.deleteOld(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "listing the indices: the server does not allow") {
		t.Errorf("got %v", err)
	}
}

// An index that cannot be deleted keeps none of the others.
func TestAnIndexThatStays(t *testing.T) {
	server := newCluster(t, "8.19.4")
	for _, date := range []string{"2020-01-01", "2020-01-02", "2020-01-03"} {
		server.indices["journalpump-"+date] = &index{}
	}
	server.override = func(w http.ResponseWriter, r *http.Request) bool {
		refused := r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "-01-01")
		if refused {
			refuse(w, http.StatusForbidden, "security_exception", "no")
		}
		return refused
	}
	s, _ := openTo(t, server.URL, nil)
	s.config.IndexDaysMax = 1
	err := s.deleteOld(t.Context(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "journalpump-2020-01-01: the server does not allow") {
		t.Errorf("got %v", err)
	}
	server.set(func() {
		if got := slices.Sorted(maps.Keys(server.indices)); !slices.Equal(got, []string{"journalpump-2020-01-01", "journalpump-2020-01-03"}) {
			t.Errorf("left: %v", got)
		}
	})
}
