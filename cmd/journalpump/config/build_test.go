package config

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

func newBuilder() *Builder {
	return &Builder{
		Open: func(r *Reader) func(context.Context) (pump.Log, error) {
			return func(context.Context) (pump.Log, error) { return nil, errors.New("log of " + r.Name) }
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

func build(t *testing.T, b *Builder, src string) []pump.ReaderSpec {
	t.Helper()
	specs, err := b.Build(parseGood(t, src), nil)
	if err != nil {
		t.Fatal(err)
	}
	return specs
}

const built = `{
	"tags": {"cluster": "c1", "reader": "lost"},
	"field_filters": {"f": {"fields": ["MESSAGE"]}, "g": {"fields": ["PRIORITY"]}},
	"readers": {
		"b": {
			"initial_position": "tail", "tags": {"type": "x"}, "secret_filter_metrics": true,
			"searches": [{"name": "one", "fields": {"MESSAGE": "a"}}, {"name": "two", "fields": {"MESSAGE": "b"}}],
			"senders": {
				"s1": {"output_type": "file", "file_output": "/tmp/1", "field_filter": "f", "extra_field_values": {"a": 1, "b": 2}},
				"s2": {"output_type": "file", "file_output": "/tmp/2", "field_filter": "f", "extra_field_values": {"b": 2, "a": 1}},
				"s3": {"output_type": "stdout", "field_filter": "g"}
			}
		},
		"a": {"senders": {"s": {"output_type": "stdout"}}}
	}
}`

func TestBuild(t *testing.T) {
	specs := build(t, newBuilder(), built)
	if len(specs) != 2 || specs[0].Name != "b" || specs[1].Name != "a" {
		t.Fatalf("readers are not those of the file, in its order: %+v", specs)
	}
	b := specs[0]
	if diff := cmp.Diff(map[string]string{"cluster": "c1", "type": "x", "reader": "b"}, b.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one", "two"}, b.Searches); diff != "" {
		t.Errorf("searches (-want +got):\n%s", diff)
	}
	if b.Initial.Kind != pump.StartTail || !b.CountSecret || b.Inspector == nil {
		t.Errorf("reader: %+v", b)
	}
	if _, err := b.Open(t.Context()); err == nil || err.Error() != "log of b" {
		t.Errorf("opened %v", err)
	}
	s := b.Senders[0]
	if s.Name != "s1" || s.Type != "FileSender" || s.CommitEvery <= 0 || s.Limits.Records <= 0 {
		t.Errorf("sender: %+v", s)
	}
}

func TestSendersThatSeeTheSameShareAView(t *testing.T) {
	s := build(t, newBuilder(), built)[0].Senders
	if s[0].View != s[1].View {
		t.Error("s1 and s2 have views of their own")
	}
	if s[0].View == s[2].View {
		t.Error("s1 and s3 share a view")
	}
}

func TestWhatDidNotChangeIsTheSameAfterAReload(t *testing.T) {
	b := newBuilder()
	before := build(t, b, built)
	after := build(t, b, built)
	for i := range before {
		for k := range before[i].Senders {
			if before[i].Senders[k].View != after[i].Senders[k].View {
				t.Errorf("%s has another view", before[i].Senders[k].Name)
			}
		}
	}
}

// A reader goes on as it is when one of its senders gets a flight recorder; that has to see what it watches for all the same.
func TestAReloadChangesWhatFlightRecordersWatchFor(t *testing.T) {
	b := newBuilder()
	reader := func(criteria string) pump.ReaderSpec {
		return build(t, b, `{"readers": {"r": {"senders": {"plain": {"output_type": "stdout"},
			"s": {"output_type": "stdout", "flight_recorder": {"criteria": "`+criteria+`", "only": true}}}}}}`)[0]
	}
	c := &pump.Chunk{
		Entries: []pump.Entry{{Position: pump.Cursor{Seqnum: 1, Parts: pump.HasSeqnum}, Last: 2}},
		Own:     []pump.Field{{Name: "PRIORITY", Value: []byte("3")}, {Name: "_SYSTEMD_UNIT", Value: []byte("x.service")}},
		Refs:    []pump.Ref{pump.OwnRef(0), pump.OwnRef(1)},
	}
	dumps := func(r pump.ReaderSpec) int64 {
		s := r.Senders[1]
		nothing := func(pump.Recall) ([]pump.EntryRef, error) { return nil, nil }
		out, err := s.Recorder.Record(c, s.View.Render(c), "", nothing)
		if err != nil {
			t.Fatal(err)
		}
		return out.Dumps
	}
	unitFailed, severe := reader("unit_failed"), reader("priority_at_least(err)")
	if unitFailed.Fingerprint != severe.Fingerprint {
		t.Error("the reader has changed")
	}
	if n := dumps(unitFailed); n != 0 {
		t.Errorf("%d dumps of the first", n)
	}
	if n := dumps(severe); n != 1 {
		t.Errorf("%d dumps of the second, want 1", n)
	}
	if again := reader("priority_at_least(err)"); again.Senders[0].View != severe.Senders[0].View {
		t.Error("nothing has changed, but the views have")
	}
}

func TestFingerprintsChangeWithWhatMatters(t *testing.T) {
	const base = `{"log_level": "INFO", "field_filters": {"f": {"fields": ["A"]}, "other": {"fields": ["A"]}},
		"unit_log_levels": {"u": [{"service_glob": "*", "log_level": "INFO"}]},
		"readers": {"r": {"journal_path": "/a", "senders": {
			"s": {"output_type": "stdout", "field_filter": "f", "unit_log_level": "u"},
			"z": {"output_type": "stdout"}}}}}`
	was := build(t, newBuilder(), base)[0]
	for name, tc := range map[string]struct {
		src          string
		reader, s, z bool // whether they change
	}{
		"comment and order": {`{"readers": {"r": {"senders": {"z": {"output_type": "stdout"}, // same
			"s": {"unit_log_level": "u", "field_filter": "f", "output_type": "stdout"}}, "journal_path": "/a"}},
			"field_filters": {"other": {"fields": ["A"]}, "f": {"fields": ["A"]}}, "log_level": "DEBUG",
			"unit_log_levels": {"u": [{"log_level": "INFO", "service_glob": "*"}]}}`, false, false, false},
		"its filter": {`{"field_filters": {"f": {"fields": ["B"]}}, "unit_log_levels": {"u": [{"service_glob": "*", "log_level": "INFO"}]},
			"readers": {"r": {"journal_path": "/a", "senders": {
			"s": {"output_type": "stdout", "field_filter": "f", "unit_log_level": "u"}, "z": {"output_type": "stdout"}}}}}`, false, true, false},
		"its levels": {`{"field_filters": {"f": {"fields": ["A"]}}, "unit_log_levels": {"u": [{"service_glob": "*", "log_level": "DEBUG"}]},
			"readers": {"r": {"journal_path": "/a", "senders": {
			"s": {"output_type": "stdout", "field_filter": "f", "unit_log_level": "u"}, "z": {"output_type": "stdout"}}}}}`, false, true, false},
		"itself": {`{"field_filters": {"f": {"fields": ["A"]}}, "unit_log_levels": {"u": [{"service_glob": "*", "log_level": "INFO"}]},
			"readers": {"r": {"journal_path": "/a", "senders": {
			"s": {"output_type": "stdout", "field_filter": "f", "unit_log_level": "u"}, "z": {"output_type": "stdout", "max_send_interval": 1}}}}}`, false, false, true},
		"the reader": {`{"field_filters": {"f": {"fields": ["A"]}}, "unit_log_levels": {"u": [{"service_glob": "*", "log_level": "INFO"}]},
			"readers": {"r": {"journal_path": "/b", "senders": {
			"s": {"output_type": "stdout", "field_filter": "f", "unit_log_level": "u"}, "z": {"output_type": "stdout"}}}}}`, true, true, true},
		"the top level": {`{"tags": {"a": "b"}, "field_filters": {"f": {"fields": ["A"]}}, "unit_log_levels": {"u": [{"service_glob": "*", "log_level": "INFO"}]},
			"readers": {"r": {"journal_path": "/a", "senders": {
			"s": {"output_type": "stdout", "field_filter": "f", "unit_log_level": "u"}, "z": {"output_type": "stdout"}}}}}`, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			is := build(t, newBuilder(), tc.src)[0]
			senders := map[string]string{}
			for _, s := range is.Senders {
				senders[s.Name] = s.Fingerprint
			}
			if changed := is.Fingerprint != was.Fingerprint; changed != tc.reader {
				t.Errorf("the reader's changed: %t", changed)
			}
			if changed := senders["s"] != was.Senders[0].Fingerprint; changed != tc.s {
				t.Errorf("s's changed: %t", changed)
			}
			if changed := senders["z"] != was.Senders[1].Fingerprint; changed != tc.z {
				t.Errorf("z's changed: %t", changed)
			}
		})
	}
}
