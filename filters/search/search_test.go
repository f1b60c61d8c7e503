package search

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"journalpump/filters/pattern"
	"journalpump/pump"
)

func mustNew(tb testing.TB, o Options, configs ...Config) *Searches {
	tb.Helper()
	s, err := New(configs, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// places knows one address.
type places struct{}

func (places) Locate(ip string) (lat, lon float64, ok bool) {
	return 60.1717, 24.9349, ip == "192.0.2.17"
}

// hitStrings returns hits as text, sorted: NAME{tag=value,...} xCOUNT.
func hitStrings(list []pump.SearchHit) []string {
	var out []string
	for _, h := range list {
		var tags []string
		for _, k := range slices.Sorted(maps.Keys(h.Tags)) {
			tags = append(tags, k+"="+h.Tags[k])
		}
		out = append(out, fmt.Sprintf("%s{%s} x%d", h.Search, strings.Join(tags, ","), h.Count))
	}
	slices.Sort(out)
	return out
}

func TestSearch(t *testing.T) {
	fields := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1] //nolint:gosec // they come in pairs
		}
		return m
	}
	for _, c := range []struct {
		name  string
		entry []string
		s     Config
		want  string // hit, "" for none
	}{
		{"anywhere in the text", []string{"MESSAGE=a b c"}, Config{Fields: fields("MESSAGE", "b")}, "s{} x1"},
		{"not there", []string{"MESSAGE=a b c"}, Config{Fields: fields("MESSAGE", "d")}, ""},
		{"no such field", []string{"MESSAGE=a"}, Config{Fields: fields("OTHER", "")}, ""},
		{"name as the journal has it", []string{"_HOSTNAME=a"}, Config{Fields: fields("_HOSTNAME", "a")}, "s{} x1"},
		{"not as senders have it", []string{"_HOSTNAME=a"}, Config{Fields: fields("HOSTNAME", "a")}, ""},
		{"all fields must match", []string{"A=1", "B=2"}, Config{Fields: fields("A", "1", "B", "3")}, ""},
		{"no fields", []string{"A=1"}, Config{}, "s{} x1"},
		{"an empty pattern on MESSAGE is none", []string{"A=1"}, Config{Fields: fields("MESSAGE", "")}, "s{} x1"},
		{"an empty pattern elsewhere", []string{"A=1"}, Config{Fields: fields("A", "")}, "s{} x1"},
		{"an empty value never matches", []string{"A="}, Config{Fields: fields("A", "^$")}, ""},
		{"not UTF-8", []string{"A=a\xff"}, Config{Fields: fields("A", "a")}, ""},
		{"priority", []string{"PRIORITY=3"}, Config{Fields: fields("PRIORITY", "^3$")}, "s{} x1"},
		{"a number is canonical", []string{"PRIORITY= +0_7 "}, Config{Fields: fields("PRIORITY", "^(?P<p>.*)$")}, "s{p=7} x1"},
		{"zero", []string{"_PID=-00"}, Config{Fields: fields("_PID", "^0$")}, "s{} x1"},
		{"no number stays text", []string{"PRIORITY=high"}, Config{Fields: fields("PRIORITY", "^high$")}, "s{} x1"},
		{"not converted", []string{"_UID=007"}, Config{Fields: fields("_UID", "^007$")}, "s{} x1"},
		{"UUID as only Python spells it", []string{"MESSAGE_ID=0x_13E30d8f16adf91b7584a2265b1f5"}, Config{Fields: fields("MESSAGE_ID", "^(?P<m>000.*)$")},
			"s{m=00013e30-d8f1-6adf-91b7-584a2265b1f5} x1"},
		{"UUID", []string{"_BOOT_ID=CD613E30d8f16adf91b7584a2265b1f5"}, Config{Fields: fields("_BOOT_ID", "^(?P<b>cd613e30-d8f1-.*)$")},
			"s{b=cd613e30-d8f1-6adf-91b7-584a2265b1f5} x1"},
		{"no UUID", []string{"MESSAGE_ID=x-y"}, Config{Fields: fields("MESSAGE_ID", "^x-y$")}, "s{} x1"},
		{"null", []string{"_SOURCE_MONOTONIC_TIMESTAMP=12"}, Config{Fields: fields("_SOURCE_MONOTONIC_TIMESTAMP", "1")}, ""},
		{"time", []string{"_SOURCE_REALTIME_TIMESTAMP=12"}, Config{Fields: fields("_SOURCE_REALTIME_TIMESTAMP", "^12$")}, "s{} x1"},
		{"any of several values", []string{"A=x1", "A=y2", "A=y3"}, Config{Fields: fields("A", "y(?P<n>.)")}, "s{n=2} x1"},
		{"groups of several fields", []string{"A=1", "MESSAGE=m", "B=2"}, Config{Fields: fields("A", "(?P<a>.)", "B", "(?P<b>.)", "MESSAGE", "(?P<c>.)")}, "s{a=1,b=2,c=m} x1"},
		{"MESSAGE is last, so its group counts", []string{"A=1", "MESSAGE=2", "Z=3"}, Config{Fields: fields("A", "(?P<x>.)", "MESSAGE", "(?P<x>.)", "Z", "(?P<x>.)")}, "s{x=2} x1"},
		{"a group that took no part", []string{"A=1"}, Config{Fields: fields("A", "1(?P<x>2)?")}, "s{} x1"},
		{"an empty group", []string{"A=1"}, Config{Fields: fields("A", "1(?P<x>2?)")}, "s{x=} x1"},
		{"unnamed groups are no tags", []string{"A=1"}, Config{Fields: fields("A", "(.)")}, "s{} x1"},
		{"static tags", []string{"A=1"}, Config{Fields: fields("A", "1"), Tags: fields("t", "v", "bad name!", " a b=c|d:e ")}, "s{bad_name=a_b_c_d_e,t=v} x1"},
		{"a static tag overrides a group", []string{"A=1"}, Config{Fields: fields("A", "(?P<t>.)"), Tags: fields("t", "v")}, "s{t=v} x1"},
		{"values are made safe", []string{"A=_a  b\x1cc|=:d_"}, Config{Fields: fields("A", "(?P<t>.*)")}, "s{t=a_b_c_d} x1"},
		{"beyond ASCII", []string{"A=Käse\u00a0日"}, Config{Fields: fields("A", `(?P<käse>\w+\s\w+)`)}, "s{käse=Käse_日} x1"},
		{"geohash", []string{"A=from 192.0.2.17:80"}, Config{Fields: fields("A", `(?P<ip>[\d.]+)`), Tags: fields("where", "ip_to_geohash(ip)")}, "s{ip=192.0.2.17,where=ud9wr3vj} x1"},
		{"geohash with a precision", []string{"A=192.0.2.17"}, Config{Fields: fields("A", `(?P<ip>[\d.]+)`), Tags: fields("where", "ip_to_geohash(ip,5)")}, "s{ip=192.0.2.17,where=ud9wr} x1"},
		{"in place of the address", []string{"A=192.0.2.17"}, Config{Fields: fields("A", `(?P<ip>[\d.]+)`), Tags: fields("ip", "ip_to_geohash(ip,5)")}, "s{ip=ud9wr} x1"},
		{"of a static tag", []string{"A=1"}, Config{Tags: fields("a", "192.0.2.17", "b", "ip_to_geohash(a,5)")}, "s{a=192.0.2.17,b=ud9wr} x1"},
		{"not found", []string{"A=10.0.0.1"}, Config{Fields: fields("A", `(?P<ip>[\d.]+)`), Tags: fields("where", "ip_to_geohash(ip)")}, "s{ip=10.0.0.1,where=} x1"},
		{"no address", []string{"A=1"}, Config{Fields: fields("A", `1(?P<ip>2)?`), Tags: fields("where", "ip_to_geohash(ip)")}, "s{where=} x1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Name = "s"
			s := mustNew(t, Options{Geo: places{}}, c.s)
			for how, shared := range map[string]func(string) bool{"own": noneShared, "shared": allShared, "mixed": notMessage} {
				b := newChunker()
				for range 2 { // the second time from the memo
					matched := make([]bool, 1)
					hits, slow := s.Search(b.chunk(shared, c.entry), matched)
					got := strings.Join(hitStrings(hits), " ")
					if got != c.want || matched[0] != (c.want != "") || len(slow) > 0 {
						t.Errorf("%s: got %q (matched %v, slow %v), want %q", how, got, matched[0], slow, c.want)
					}
				}
			}
		})
	}
}

func TestHitsAreAddedUp(t *testing.T) {
	s := mustNew(t, Options{},
		Config{Name: "a", Fields: map[string]string{"MESSAGE": "(?P<w>x.y|z)"}},
		Config{Name: "b", Fields: map[string]string{"P": "1"}},
		Config{Name: "b", Fields: map[string]string{"P": "2"}})
	c := newChunker().chunk(notMessage, []string{"MESSAGE=x y", "P=1"}, []string{"MESSAGE=x|y", "P=2"}, []string{"MESSAGE=z", "P=3"}, []string{"MESSAGE=", "P=3"})
	matched := make([]bool, 4)
	hits, _ := s.Search(c, matched)
	want := []string{"a{w=x_y} x2", "a{w=z} x1", "b{} x2"}
	if got := hitStrings(hits); !slices.Equal(got, want) {
		t.Errorf("hits %q, want %q", got, want)
	}
	if !slices.Equal(matched, []bool{true, true, true, false}) {
		t.Errorf("matched %v", matched)
	}
	if got := s.Names(); !slices.Equal(got, []string{"a", "b", "b"}) {
		t.Errorf("names %q", got)
	}
}

func TestNewErrors(t *testing.T) {
	_, err := New([]Config{
		{Name: "a", Fields: map[string]string{"MESSAGE": "(", "A": "[z-a]"}},
		{Fields: map[string]string{"A": "a"}},
		{Name: "c", Tags: map[string]string{"t": "ip_to_city(a)", "u": "ip_to_geohash()", "v": "f)", "w": "ip_to_geohash(a,99)", "x": "ip_to_geohash(a,1,2)"}},
	}, Options{Geo: places{}})
	for _, want := range []string{
		"search 1: fields.MESSAGE: missing ), unterminated subpattern at position 0",
		"search 1: fields.A: bad character range z-a at position 1",
		"search 2: name: is missing",
		`search 3: tags.t: unknown function "ip_to_city"`,
		`search 3: tags.u: invalid function call "ip_to_geohash()"`,
		`search 3: tags.v: invalid function call "f)"`,
		"search 3: tags.w: ip_to_geohash takes a tag and a precision of 1 to 12",
		"search 3: tags.x: ip_to_geohash takes a tag and a precision of 1 to 12",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	var e *Error
	if !errors.As(err, &e) || e.Index != 0 || e.Key != "fields.A" {
		t.Errorf("as *Error: %+v", e)
	}
	_, err = New([]Config{{Name: "c", Tags: map[string]string{"t": "ip_to_geohash(nosuch)"}}}, Options{Geo: places{}})
	if err == nil || !strings.Contains(err.Error(), `there is neither a named group nor a tag "nosuch"`) {
		t.Errorf("unknown argument: %v", err)
	}
	_, err = New([]Config{{Name: "c", Tags: map[string]string{"t": "ip_to_geohash(a)", "a": "1"}}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "needs a geoip_database") {
		t.Errorf("without a database: %v", err)
	}
}

func TestSlow(t *testing.T) {
	clock := time.Unix(0, 0)
	now := func() time.Time {
		clock = clock.Add(time.Second)
		return clock
	}
	entry := []string{"MESSAGE=user=alice"}
	config := Config{Name: "s", Fields: map[string]string{"MESSAGE": "user=(?P<u>[a-z]+)"}}
	for threshold, want := range map[time.Duration][]pump.SlowSearch{
		time.Second:        nil,
		time.Second - 1:    {{Pattern: "user=(?P<u>[a-z]+)", Took: time.Second}},
		500 * time.Second:  nil,
		time.Duration(0):   {{Pattern: "user=(?P<u>[a-z]+)", Took: time.Second}},
		time.Duration(100): {{Pattern: "user=(?P<u>[a-z]+)", Took: time.Second}},
	} {
		s := mustNew(t, Options{Threshold: threshold, Now: now}, config)
		_, slow := s.Search(newChunker().chunk(noneShared, entry), make([]bool, 1))
		if !reflect.DeepEqual(slow, want) {
			t.Errorf("over %v: %v, want %v", threshold, slow, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	expr := `(?=(?:a|a|aa)+$)(?:(a|aa)+)+\1!`
	s := mustNew(t, Options{}, Config{Name: "s", Fields: map[string]string{"MESSAGE": expr}})
	matched := make([]bool, 1)
	hits, slow := s.Search(newChunker().chunk(noneShared, []string{"MESSAGE=" + strings.Repeat("a", 5000) + "!"}), matched)
	if matched[0] || len(hits) > 0 || len(slow) != 1 || slow[0].Took != pattern.MatchTimeout {
		t.Errorf("matched %v, hits %v, slow %v", matched[0], hits, slow)
	}
}

// reference is what Search does, the simple way.
func reference(t *testing.T, configs []Config, patterns map[string]*pattern.Pattern, entry []string) []string {
	t.Helper()
	var hits []string
	for _, c := range configs {
		tags := map[string]string{}
		all := true
		for _, name := range fieldOrder(c.Fields) {
			p := patterns[c.Fields[name]]
			found := false
			for _, f := range entry {
				n, v, _ := strings.Cut(f, "=")
				if n != name || v == "" || found {
					continue
				}
				loc, err := p.FindSubmatchIndex(nil, []byte(v))
				if err != nil {
					t.Error(err)
				}
				if loc == nil {
					continue
				}
				found = true
				for g, group := range p.Names() {
					if group == "" {
						continue
					}
					delete(tags, group)
					if loc[2*g] >= 0 {
						tags[group] = v[loc[2*g]:loc[2*g+1]]
					}
				}
			}
			all = all && found
		}
		if all {
			hits = append(hits, hitStrings([]pump.SearchHit{{Search: c.Name, Tags: tags, Count: 1}})...)
		}
	}
	slices.Sort(hits)
	return hits
}

// TestAgainstReference compares many searches on random entries, shared and own fields mixed, several goroutines using
// the same searches.
func TestAgainstReference(t *testing.T) {
	seed := rand.Uint64()
	g := rand.New(rand.NewPCG(seed, 2))
	pick := func(from ...string) string { return from[g.IntN(len(from))] }
	names := []string{"A", "B", "C", "MESSAGE"}
	var configs []Config
	for i := range 150 { // more than two words of conditions
		c := Config{Name: fmt.Sprintf("s%d", i), Fields: map[string]string{}}
		for range 1 + g.IntN(3) {
			c.Fields[pick(names...)] = pick("a", "b", "^a", "c$", "(?P<x>[ab])c", "(?P<y>.)b(?P<x>c)?", "(?i)ABC", "d|e", "[a-c]{3}", "aab", "(?P<x>a+)", "bca|cab") + pick("", "", "[abc]", "d?")
		}
		configs = append(configs, c)
	}
	s := mustNew(t, Options{}, configs...)
	patterns := map[string]*pattern.Pattern{}
	for _, c := range configs {
		for _, expr := range c.Fields {
			p, err := pattern.Compile(expr)
			if err != nil {
				t.Fatal(err)
			}
			patterns[expr] = p
		}
	}
	var wait sync.WaitGroup
	for range 4 {
		var entries [][]string
		for range 60 {
			var e []string
			for range g.IntN(6) {
				value := ""
				for range g.IntN(5) {
					value += pick("a", "b", "c", "d")
				}
				e = append(e, pick(names...)+"="+value)
			}
			entries = append(entries, e)
		}
		b, shareOver := newChunker(), g.IntN(5)
		var chunks []*pump.Chunk
		for part := range slices.Chunk(entries, 20) {
			chunks = append(chunks, b.chunk(func(f string) bool { return len(f) > shareOver }, part...))
		}
		wait.Go(func() {
			for i, c := range chunks {
				matched := make([]bool, len(c.Entries))
				s.Search(c, matched)
				for k := range matched {
					one := &pump.Chunk{Entries: c.Entries[k : k+1], Refs: c.Refs, Own: c.Own, Dict: c.Dict}
					hits, _ := s.Search(one, make([]bool, 1))
					want := reference(t, configs, patterns, entries[20*i+k])
					if got := hitStrings(hits); !slices.Equal(got, want) || matched[k] != (len(want) > 0) {
						t.Errorf("seed %d: %q: matched %v, %q, want %q", seed, entries[20*i+k], matched[k], got, want)
					}
				}
			}
		})
	}
	wait.Wait()
}
