package recorder_test

import (
	"cmp"
	"strings"
	"testing"

	"journalpump/filters"
	"journalpump/pump"
	"journalpump/test/sample"
)

// sampleChunk returns a chunk as the journal has them: what several entries have is in the Dict.
func sampleChunk(tb testing.TB, entries int) *pump.Chunk {
	tb.Helper()
	times := map[string]int{}
	options := sample.Options{Entries: entries, Seed: 1}
	count := func(e *sample.Entry) error {
		for _, f := range e.Fields {
			times[f]++
		}
		return nil
	}
	if err := sample.Each(options, count); err != nil {
		tb.Fatal(err)
	}
	c, dict, refs := &pump.Chunk{}, pump.NewDict(), map[string]pump.Ref{}
	err := sample.Each(options, func(e *sample.Entry) error {
		first := len(c.Refs)
		for _, text := range e.Fields {
			name, value, _ := strings.Cut(text, "=")
			f := pump.Field{Name: name, Value: []byte(value)}
			ref, ok := refs[text]
			switch {
			case times[text] == 1:
				c.Own = append(c.Own, f)
				ref = pump.OwnRef(len(c.Own) - 1)
			case !ok:
				ref = dict.Add(f)
				refs[text] = ref
			}
			c.Refs = append(c.Refs, ref)
		}
		c.Entries = append(c.Entries, pump.Entry{
			Position: pump.Cursor{Seqnum: uint64(len(c.Entries) + 1), Realtime: uint64(e.Realtime), Monotonic: uint64(e.Monotonic), Parts: pump.HasAll},
			First:    uint32(first), Last: uint32(len(c.Refs)),
		})
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	c.Dict = dict.Snapshot()
	return c
}

// BenchmarkRender shows what a recorder costs while nothing happens: a sender that has warnings, alone and with one.
func BenchmarkRender(b *testing.B) {
	c := sampleChunk(b, 2048)
	for _, config := range []string{
		"",
		`{"criteria": "unit_failed"}`,
		`{"criteria": {"name": "own", "when": {"units": "nothing*", "fields": {"MESSAGE": "giving up"}}}}`,
		`{"criteria": ["failed_login", "untimely_death"]}`,
	} {
		b.Run(config, func(b *testing.B) {
			r := newRig(b, cmp.Or(config, "{}"))
			rec, view := r.recorder()
			record := func(c *pump.Chunk, shown *pump.Rendered) {
				out, err := rec.Record(c, shown, "", nil)
				if err != nil || len(out.Additions) > 0 {
					b.Fatal(out, err)
				}
			}
			if config == "" {
				view = must(filters.NewView(filters.NewStage(filters.StageConfig{}), r.view))
				record = func(*pump.Chunk, *pump.Rendered) {}
			}
			b.ReportAllocs()
			for b.Loop() {
				again := &pump.Chunk{Entries: c.Entries, Refs: c.Refs, Own: c.Own, Dict: c.Dict}
				record(again, view.Render(again))
			}
			b.ReportMetric(float64(b.N*len(c.Entries))/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkRecord is the recorder's part of BenchmarkRender alone, after the rendering.
func BenchmarkRecord(b *testing.B) {
	c := sampleChunk(b, 2048)
	for _, config := range []string{`{"criteria": "unit_failed"}`, `{"criteria": ["failed_login", "untimely_death"]}`} {
		b.Run(config, func(b *testing.B) {
			rec, view := newRig(b, config).recorder()
			again := &pump.Chunk{Entries: c.Entries, Refs: c.Refs, Own: c.Own, Dict: c.Dict}
			shown := view.Render(again)
			b.ReportAllocs()
			for b.Loop() {
				if out, err := rec.Record(again, shown, "", nil); err != nil || len(out.Additions) > 0 {
					b.Fatal(out, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(c.Entries)), "ns/entry")
		})
	}
}
