package filters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"journalpump/pump"
)

func TestTooLong(t *testing.T) {
	b := newChunker()
	b.entry(1, b.own(fieldOf("MESSAGE", "short")))
	b.entry(2, b.own(fieldOf("MESSAGE", strings.Repeat("ü", 1000))), b.own(fieldOf("TAG", "x")))
	b.entry(3, b.own(fieldOf("TAG", strings.Repeat("y", 900))))
	c := b.take()
	stage := NewStage(StageConfig{})
	unlimited := must(NewView(stage, ViewConfig{})).Render(c)
	size := len(unlimited.Records[1].Body)

	limited := must(NewView(stage, ViewConfig{MaxBytes: size - 1}))
	got := limited.Render(c)
	for i, want := range []bool{false, true, false} {
		if cut := !bytes.Equal(got.Records[i].Body, unlimited.Records[i].Body); cut != want {
			t.Errorf("entry %d: cut %t, want %t", i, cut, want)
		}
	}
	var object struct {
		Error       string
		PartialData string `json:"partial_data"`
	}
	if err := json.Unmarshal(got.Records[1].Body, &object); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("too large message %d bytes vs maximum %d bytes", size, size-1); object.Error != want {
		t.Errorf("error %q, want %q", object.Error, want)
	}
	if want := strings.ToValidUTF8(string(unlimited.Records[1].Body[:partialBytes]), ""); object.PartialData != want || !utf8.ValidString(want) {
		t.Errorf("partial data %q, want %q", object.PartialData, want)
	}
	exact := must(NewView(stage, ViewConfig{MaxBytes: size})).Render(c)
	if !bytes.Equal(exact.Records[1].Body, unlimited.Records[1].Body) {
		t.Error("an entry of just the size of the limit was cut")
	}
	// A filter may bring it below the limit.
	filter := must(NewFieldFilter(FieldFilterConfig{Fields: []string{"tag"}}))
	tags := must(NewView(stage, ViewConfig{FieldFilter: filter, MaxBytes: 500}))
	if got := string(tags.Render(c).Records[1].Body); got != `{"TAG":"x"}` {
		t.Errorf("filtered: %s", got)
	}
	if got := NewInspector(stage, []*View{limited}).Inspect(c).TooLong; got != 1 {
		t.Errorf("%d too long, want 1", got)
	}
	if got := NewInspector(stage, []*View{limited, tags}).Inspect(c).TooLong; got != 2 {
		t.Errorf("%d too long, want 2", got) // one in both views' eyes, one in the second's
	}
}

// A value that is too long to be encoded whole makes its entry too long, whatever the limit; filtered out it does not.
func TestHugeValue(t *testing.T) {
	huge := strings.Repeat("\x01", maxValue+1)
	b := newChunker()
	b.entry(1, b.own(fieldOf("COREDUMP", huge)), b.own(fieldOf("MESSAGE", "m")))
	b.entry(2, b.shared(fieldOf("COREDUMP", huge)), b.shared(fieldOf("COREDUMP", "second")))
	c := b.take()
	stage := NewStage(StageConfig{})
	for i, r := range must(NewView(stage, ViewConfig{})).Render(c).Records {
		if !bytes.HasPrefix(r.Body, []byte(`{"error":"too large message `)) || len(r.Body) > 10*partialBytes || !json.Valid(r.Body) {
			t.Errorf("entry %d: %.200q", i, r.Body)
		}
	}
	filter := must(NewFieldFilter(FieldFilterConfig{Fields: []string{"message"}}))
	got := must(NewView(stage, ViewConfig{FieldFilter: filter})).Render(c).Records
	if string(got[0].Body) != `{"MESSAGE":"m"}` || string(got[1].Body) != `{}` {
		t.Errorf("filtered: %.200q, %.200q", got[0].Body, got[1].Body)
	}
	match := must(NewMatch("COREDUMP", json.RawMessage(`"x"`)))
	if got := must(NewView(stage, ViewConfig{Match: match})).Render(c).Records; len(got) != 0 {
		t.Errorf("%d records match", len(got))
	}
}

// Fields of a Dict for which the table has no room are encoded wherever they occur.
func TestTableIsBounded(t *testing.T) {
	stage, view := StageConfig{}, ViewConfig{UnitLogLevels: must(NewUnitLogLevels([]UnitLogLevelConfig{{"a*", "INFO"}, {"b*", "ERROR"}}))}
	s := NewStage(stage)
	v := must(NewView(s, view))
	b := newChunker()
	const fields = 20
	for i := range fields {
		f := fieldOf(fmt.Sprintf("FIELD_%d", i), strings.Repeat("x", maxTableBytes/fields*2))
		b.entry(uint64(i), b.shared(fieldOf("_PID", "7")), b.shared(f), b.own(fieldOf("MESSAGE", "m")))
	}
	for i, unit := range []string{"a.service", "b.service"} {
		b.entry(uint64(100+i), b.shared(fieldOf("_SYSTEMD_UNIT", unit)), b.shared(fieldOf("PRIORITY", "5")), b.shared(fieldOf("TAG", "1")), b.shared(fieldOf("TAG", "2")))
	}
	c := b.take()
	if err := checkRender(&reference{stage, view}, v, c); err != nil {
		t.Fatalf("%.500s", err)
	}
	if n := len(v.Render(c).Records); n != fields+1 {
		t.Errorf("%d records, want %d", n, fields+1)
	}
	if n := len(s.tables[0].text); n > maxTableBytes+maxTableBytes/fields*3 {
		t.Errorf("the table has %d bytes", n)
	}
	if n := len(s.tables[0].fields); n >= fields {
		t.Errorf("all %d fields are in the table; the test shows nothing", n)
	}
}

func TestTablesAreBounded(t *testing.T) {
	s := NewStage(StageConfig{})
	v := must(NewView(s, ViewConfig{}))
	var first *chunker
	for i := range maxTables + 2 {
		b := newChunker()
		b.entry(1, b.shared(fieldOf("NAME", fmt.Sprint(i))))
		v.Render(b.take())
		if first == nil {
			first = b
		}
		// The first one stays in use, and so in memory.
		first.entry(1, first.shared(fieldOf("MORE", fmt.Sprint(i))))
		v.Render(first.take())
	}
	if len(s.tables) != maxTables {
		t.Errorf("%d tables, want %d", len(s.tables), maxTables)
	}
	if s.tables[0].dict != first.take().Dict.ID || len(s.tables[0].fields) != maxTables+3 {
		t.Errorf("the table used all the time was dropped: it has %d fields", len(s.tables[0].fields))
	}
}

func TestOwnNamesAreBounded(t *testing.T) {
	stage, view := StageConfig{}, ViewConfig{}
	s := NewStage(stage)
	v := must(NewView(s, view))
	b := newChunker()
	shared := b.shared(fieldOf("_SYSTEMD_UNIT", "a.service"))
	names := 0
	for range 30 {
		for range 1000 {
			names++
			b.entry(1, shared, b.own(fieldOf(fmt.Sprintf("NAME_%064d", names), "x")))
		}
		if err := checkRender(&reference{stage, view}, v, b.take()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.tables[0].names); n > names*2/3 {
		t.Errorf("%d of %d names are kept", n, names)
	}
}

// After 2^32 entries the stamps begin again.
func TestStampsWrap(t *testing.T) {
	stage, view := StageConfig{}, ViewConfig{}
	s := NewStage(stage)
	v := must(NewView(s, view))
	b := newChunker()
	for range 2 {
		for i := range 6 {
			b.entry(uint64(i), b.shared(fieldOf("A", "1")), b.own(fieldOf("B", "2")))
		}
		if err := checkRender(&reference{stage, view}, v, b.take()); err != nil {
			t.Fatal(err)
		}
		s.tables[0].stamp = math.MaxUint32 - 3
	}
}

// A chunk that was read earlier has fewer fields in its Dict than the table already holds.
func TestOlderSnapshot(t *testing.T) {
	v := must(NewView(NewStage(StageConfig{}), ViewConfig{}))
	b := newChunker()
	b.entry(1, b.shared(fieldOf("A", "1")))
	older := b.take()
	b.entry(2, b.shared(fieldOf("B", "2")), b.shared(fieldOf("A", "1")))
	newer := b.take()
	for _, c := range []*pump.Chunk{newer, older} {
		if err := checkRender(&reference{}, v, c); err != nil {
			t.Error(err)
		}
	}
}

// Lanes render chunks of the same Dict at the same time.
func TestConcurrentUse(t *testing.T) {
	stage := StageConfig{Secrets: maskRedactor{}}
	s := NewStage(stage)
	configs := []ViewConfig{
		{},
		{FieldFilter: must(NewFieldFilter(FieldFilterConfig{Fields: []string{"message"}}))},
		{UnitLogLevels: must(NewUnitLogLevels([]UnitLogLevelConfig{{"a*", "ERROR"}}))},
	}
	views := make([]*View, len(configs))
	for i := range configs {
		views[i] = must(NewView(s, configs[i]))
	}
	b := newChunker()
	var chunks []*pump.Chunk
	for i := range 20 {
		for k := range 50 {
			b.entry(uint64(i*50+k), b.shared(fieldOf("N", fmt.Sprint(i))), b.shared(fieldOf("_SYSTEMD_UNIT", "a.service")), b.shared(fieldOf("PRIORITY", fmt.Sprint(k%8))),
				b.own(fieldOf("MESSAGE", fmt.Sprintf("\xffsecret %d", k))))
		}
		chunks = append(chunks, b.take())
	}
	inspector := NewInspector(s, views)
	errs := make([]error, 2*len(views))
	var wg sync.WaitGroup
	for lane := range errs {
		wg.Go(func() {
			i := lane % len(views)
			for _, c := range chunks {
				inspector.Inspect(c)
				if err := checkRender(&reference{stage, configs[i]}, views[i], c); err != nil {
					errs[lane] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// Memory is taken once a chunk, not once an entry.
func TestAllocations(t *testing.T) {
	_, c := benchChunk()
	v := must(NewView(NewStage(StageConfig{Secrets: maskRedactor{}}), ViewConfig{
		FieldFilter:   must(NewFieldFilter(FieldFilterConfig{Type: "blacklist", Fields: []string{"uid"}})),
		UnitLogLevels: must(NewUnitLogLevels([]UnitLogLevelConfig{{"service-1*", "WARNING"}})),
		Match:         must(NewMatch("HOSTNAME", json.RawMessage(`"host-17.example.org"`))),
		MaxBytes:      DefaultMaxBytes,
	}))
	v.Render(again(c))
	if n := testing.AllocsPerRun(5, func() { v.Render(again(c)) }); n > 60 {
		t.Errorf("%v allocations for a chunk of %d entries", n, len(c.Entries))
	}
}
