package filters

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"journalpump/pump"
)

const benchEntries = 5000

// benchChunk returns a chunk of entries like journald's own: 22 fields, of which the message, the source's time and the PID
// of now and then a process are the entry's own.
func benchChunk() (*chunker, *pump.Chunk) {
	const processes = 40
	rng := rand.New(rand.NewPCG(1, 2))
	b := newChunker()
	perProcess := make([][]pump.Ref, processes)
	for p := range perProcess {
		unit := fmt.Sprintf("service-%d.service", p%25)
		for _, f := range []pump.Field{
			fieldOf("_BOOT_ID", "cd613e30d8f16adf91b7584a2265b1f5"),
			fieldOf("_MACHINE_ID", "1e2feb89414c343c1027c4d1c386bbc4"),
			fieldOf("_HOSTNAME", "host-17.example.org"),
			fieldOf("_RUNTIME_SCOPE", "system"),
			fieldOf("_TRANSPORT", "journal"),
			fieldOf("_CAP_EFFECTIVE", "1ffffffffff"),
			fieldOf("_SELINUX_CONTEXT", "unconfined\n"),
			fieldOf("_SYSTEMD_SLICE", "system.slice"),
			fieldOf("_UID", "0"),
			fieldOf("_GID", "0"),
			fieldOf("SYSLOG_FACILITY", "3"),
			fieldOf("_PID", fmt.Sprint(1000+p)),
			fieldOf("_COMM", fmt.Sprintf("service-%d", p%25)),
			fieldOf("_EXE", fmt.Sprintf("/usr/lib/service-%d/bin/service-%d", p%25, p%25)),
			fieldOf("_CMDLINE", fmt.Sprintf("/usr/lib/service-%d/bin/service-%d --worker %d --config /etc/service.conf", p%25, p%25, p)),
			fieldOf("_SYSTEMD_CGROUP", "/system.slice/"+unit),
			fieldOf("_SYSTEMD_UNIT", unit),
			fieldOf("_SYSTEMD_INVOCATION_ID", fmt.Sprintf("%032x", p)),
			fieldOf("SYSLOG_IDENTIFIER", fmt.Sprintf("service-%d", p%25)),
		} {
			perProcess[p] = append(perProcess[p], b.shared(f))
		}
	}
	realtime := uint64(1760000000000000)
	for i := range benchEntries {
		realtime += rng.Uint64N(20000)
		refs := append([]pump.Ref(nil), perProcess[rng.IntN(processes)]...)
		refs = append(refs,
			b.shared(fieldOf("PRIORITY", fmt.Sprint(3+rng.IntN(5)))),
			b.own(fieldOf("MESSAGE", fmt.Sprintf("request %d from 10.%d.%d.7 took %d ms: GET \"/api/v1/items/%d\" 200", i, i%256, i/256, rng.IntN(500), rng.Uint32()))),
			b.own(fieldOf("_SOURCE_REALTIME_TIMESTAMP", fmt.Sprint(realtime-17))))
		b.entry(realtime, refs...)
	}
	c := b.take()
	return b, c
}

// again returns the chunk as an iterator would return the next one like it: without memos.
func again(c *pump.Chunk) *pump.Chunk {
	return &pump.Chunk{Entries: c.Entries, Refs: c.Refs, Own: c.Own, Dict: c.Dict}
}

func benchViews(b *testing.B, stage StageConfig, configs ...ViewConfig) {
	b.Helper()
	_, c := benchChunk()
	s := NewStage(stage)
	views := make([]*View, len(configs))
	for i := range configs {
		configs[i].MaxBytes = DefaultMaxBytes
		var err error
		if views[i], err = NewView(s, configs[i]); err != nil {
			b.Fatal(err)
		}
	}
	bytes := 0
	for b.Loop() {
		chunk := again(c)
		bytes = 0
		for _, v := range views {
			bytes += v.Render(chunk).Bytes
		}
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	b.ReportMetric(float64(b.N)*benchEntries/b.Elapsed().Seconds(), "entries/s")
}

// While a log is followed its chunks are small.
func BenchmarkRenderOneEntry(b *testing.B) {
	_, c := benchChunk()
	c.Entries, c.Own = c.Entries[:1], c.Own[:2]
	few := must(NewFieldFilter(FieldFilterConfig{Fields: []string{"message", "systemd_unit", "priority", "timestamp"}}))
	v := must(NewView(NewStage(StageConfig{}), ViewConfig{FieldFilter: few, MaxBytes: DefaultMaxBytes}))
	for b.Loop() {
		v.Render(again(c))
	}
	b.ReportAllocs()
}

// Entries in which names collide take the slow path.
func BenchmarkRenderCollisions(b *testing.B) {
	c, _ := benchChunk()
	tags := []pump.Ref{c.shared(fieldOf("TAG", "one")), c.shared(fieldOf("TAG", "two"))}
	_, plain := benchChunk()
	chunk := again(plain)
	chunk.Refs, chunk.Entries, chunk.Dict = nil, nil, c.dict.Snapshot()
	for i, e := range plain.Entries {
		e.First = uint32(len(chunk.Refs))
		chunk.Refs = append(append(chunk.Refs, plain.Fields(i)...), tags...)
		e.Last = uint32(len(chunk.Refs))
		chunk.Entries = append(chunk.Entries, e)
	}
	v := must(NewView(NewStage(StageConfig{}), ViewConfig{MaxBytes: DefaultMaxBytes}))
	for b.Loop() {
		v.Render(again(chunk))
	}
	b.ReportAllocs()
	b.ReportMetric(float64(b.N)*benchEntries/b.Elapsed().Seconds(), "entries/s")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkRender(b *testing.B) {
	few := must(NewFieldFilter(FieldFilterConfig{Fields: []string{"message", "systemd_unit", "priority", "timestamp"}}))
	most := must(NewFieldFilter(FieldFilterConfig{Type: "blacklist", Fields: []string{"boot_id", "machine_id"}}))
	levels := must(NewUnitLogLevels([]UnitLogLevelConfig{{"service-1*", "WARNING"}, {"*", "INFO"}}))
	extra := []ExtraField{{"env", json.RawMessage(`"prod"`)}, {"HOSTNAME", json.RawMessage(`"other"`)}}
	match := must(NewMatch("SYSTEMD_UNIT", json.RawMessage(`"service-7.service"`)))

	b.Run("plain", func(b *testing.B) { benchViews(b, StageConfig{}, ViewConfig{}) })
	b.Run("whitelist", func(b *testing.B) { benchViews(b, StageConfig{}, ViewConfig{FieldFilter: few}) })
	b.Run("blacklist", func(b *testing.B) { benchViews(b, StageConfig{}, ViewConfig{FieldFilter: most}) })
	b.Run("levels", func(b *testing.B) { benchViews(b, StageConfig{}, ViewConfig{UnitLogLevels: levels}) })
	b.Run("match", func(b *testing.B) { benchViews(b, StageConfig{Matches: []*Match{match}}, ViewConfig{}) })
	b.Run("4views", func(b *testing.B) {
		benchViews(b, StageConfig{}, ViewConfig{}, ViewConfig{FieldFilter: few}, ViewConfig{FieldFilter: most},
			ViewConfig{UnitLogLevels: levels, ExtraFields: extra})
	})
}
