package filters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"unicode/utf8"

	"journalpump/filters/convert"
	"journalpump/pump"
)

// maskRedactor replaces the word "secret".
type maskRedactor struct{}

func (maskRedactor) Redact(dst, src []byte) ([]byte, bool) {
	if !bytes.Contains(src, []byte("secret")) {
		return src, false
	}
	return append(dst, bytes.ReplaceAll(src, []byte("secret"), []byte("[it's \"gone\"]"))...), true
}

// script reads choices from fuzzing's bytes; at their end it always chooses 0.
type script struct{ data []byte }

func (s *script) choose(n int) int {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return int(b) % n
}

func (s *script) bytes(n int) []byte {
	n = min(n, len(s.data))
	b := s.data[:n]
	s.data = s.data[n:]
	return bytes.Clone(b)
}

var (
	scriptNames = []string{"MESSAGE", "MESSAGE", "_MESSAGE", "PRIORITY", "_PRIORITY", "_SYSTEMD_UNIT", "SYSTEMD_UNIT", "_PID", "PID", "__PID", "TAG", "TAG", "_BOOT_ID",
		"MESSAGE_ID", "_SOURCE_REALTIME_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP", "REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP", "timestamp", "_", "", "CODE_LINE", "na\"me", "na\xffme", "HOSTNAME", "_HOSTNAME"}
	scriptValues = []string{"", "0", "1", "5", "7", "-1", " 4 ", "1_0", "00300", "99999999999999999999", "six", "a.service", "b.service", "plain text", "a secret and a secret", "se\xffcret secret",
		"fc2e22bc6ee647b6b90729ab34a250b1", "FC2E22BC-6ee6-47b6-b907-29ab34a250b1", "1700000000123456", "5000000", "-17", "quote\" back\\ slash/\b\f\n\r\t\x00\x1f\x7f", "ünïcödé ☃ 😀 \u2028",
		"\xff'", "\xff'\"", "12345678\x00", "1234567\"", "a long text without anything particular in it, more than one word of 8 bytes"}
)

func (s *script) field() pump.Field {
	f := pump.Field{Name: scriptNames[s.choose(len(scriptNames))]}
	if s.choose(8) == 7 {
		f.Value = s.bytes(s.choose(40))
	} else {
		f.Value = []byte(scriptValues[s.choose(len(scriptValues))])
	}
	return f
}

func (s *script) chunk(b *chunker) *pump.Chunk {
	realtime := 1760000000000000 + uint64(s.choose(3))*500000
	for range 1 + s.choose(6) {
		var refs []pump.Ref
		for range s.choose(10) {
			if f := s.field(); s.choose(2) == 0 {
				refs = append(refs, b.shared(f))
			} else {
				refs = append(refs, b.own(f))
			}
		}
		realtime += uint64(s.choose(4)) * 123450
		b.entry(realtime, refs...)
	}
	return b.take()
}

func (s *script) match() *Match {
	keys := []string{"PRIORITY", "_SYSTEMD_UNIT", "TAG", "MESSAGE", "REALTIME_TIMESTAMP", "PID", "SOURCE_REALTIME_TIMESTAMP", "SOURCE_MONOTONIC_TIMESTAMP"}
	values := []string{``, `null`, `5`, `"5"`, `5.0`, `-1e0`, `"a.service"`, `"plain text"`, `["5","7"]`, `[5,5]`, `1760000000`, `1700000000.123456`, `["a.service"]`}
	return must(NewMatch(keys[s.choose(len(keys))], json.RawMessage(values[s.choose(len(values))])))
}

func (s *script) stage() StageConfig {
	c := StageConfig{BinaryFields: convert.BinaryMode(s.choose(3))}
	if s.choose(2) == 1 {
		c.Secrets = maskRedactor{}
	}
	if s.choose(4) == 3 {
		c.Matches = []*Match{s.match()}
	}
	return c
}

func (s *script) view() ViewConfig {
	var c ViewConfig
	if s.choose(4) == 3 {
		c.Match = s.match()
	}
	if s.choose(3) == 2 {
		c.UnitLogLevels = must(NewUnitLogLevels([]UnitLogLevelConfig{{"a*", "ERROR"}, {"a.service", "DEBUG"}, {"[!b]*", "NOTICE"}}))
	}
	if s.choose(2) == 1 {
		c.ExtraFields = must(ParseExtraFields(json.RawMessage(`{"env":"prod \u00fc", "HOSTNAME": "x", "_PID": 7, "nested": {"a": [1, null]}}`)))
	}
	if s.choose(8) == 7 {
		c.ExtraFields = append(c.ExtraFields, ExtraField{"timestamp", json.RawMessage(`"never"`)}, ExtraField{"REALTIME_TIMESTAMP", json.RawMessage("1")})
	}
	switch s.choose(3) {
	case 1:
		c.FieldFilter = must(NewFieldFilter(FieldFilterConfig{Fields: []string{"message", "_pid", "TIMESTAMP", "env"}}))
	case 2:
		c.FieldFilter = must(NewFieldFilter(FieldFilterConfig{Type: "blacklist", Fields: []string{"message", "__tag", "realtime_timestamp", "HostName"}}))
	}
	return c
}

// checkRender compares what the view renders with the reference.
func checkRender(r *reference, v *View, c *pump.Chunk) error {
	rendered := v.Render(c)
	next, total := 0, 0
	for i := range c.Entries {
		want, ok := r.object(c, i)
		if !ok {
			continue
		}
		if next >= len(rendered.Records) {
			return fmt.Errorf("entry %d is missing, it should be %v", i, want)
		}
		record := &rendered.Records[next]
		next++
		if record.Index != i || record.Chunk != c {
			return fmt.Errorf("record %d is of entry %d, want %d", next-1, record.Index, i)
		}
		if !utf8.Valid(record.Body) {
			return fmt.Errorf("entry %d: not UTF-8: %q", i, record.Body)
		}
		got := decodeStrict(record.Body)
		if !reflect.DeepEqual(got, any(want)) {
			return fmt.Errorf("entry %d:\n got %#v\nwant %#v", i, got, want)
		}
		total += len(record.Body)
		if line := record.Body[:len(record.Body)+1]; line[len(line)-1] != '\n' {
			return fmt.Errorf("entry %d is not followed by a newline", i)
		}
	}
	if next != len(rendered.Records) {
		return fmt.Errorf("%d records, want %d", len(rendered.Records), next)
	}
	if total != rendered.Bytes {
		return fmt.Errorf("Bytes is %d, the bodies have %d", rendered.Bytes, total)
	}
	return nil
}

// checkScript renders two chunks of one Dict through two views of one stage.
func checkScript(data []byte) error {
	s := &script{data: data}
	config := s.stage()
	stage := NewStage(config)
	views, references := make([]*View, 2), make([]*reference, 2)
	for i := range views {
		c := s.view()
		views[i] = must(NewView(stage, c))
		references[i] = &reference{stage: config, view: c}
	}
	b := newChunker()
	for range 2 {
		c := s.chunk(b)
		for i, v := range views {
			if err := checkRender(references[i], v, c); err != nil {
				return fmt.Errorf("view %d: %w", i, err)
			}
		}
		if err := checkInspection(NewInspector(stage, views).Inspect(c), views, c); err != nil {
			return err
		}
	}
	return nil
}

// checkInspection compares with what counting the views' records comes to.
func checkInspection(got pump.Inspection, views []*View, c *pump.Chunk) error {
	largest := make(map[int]int)
	for _, v := range views {
		for _, r := range v.Render(c).Records {
			largest[r.Index] = max(largest[r.Index], len(r.Body))
		}
	}
	bytes := 0
	for _, n := range largest {
		bytes += n
	}
	if got.Lines != int64(len(largest)) || got.Bytes != int64(bytes) {
		return fmt.Errorf("inspected %d lines, %d bytes; want %d, %d", got.Lines, got.Bytes, len(largest), bytes)
	}
	return nil
}

func TestRenderAsReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		data := make([]byte, rng.IntN(400))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if err := checkScript(data); err != nil {
			t.Fatalf("script %x: %v", data, err)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("some choices to begin with, of which there should be a few hundred so that entries have fields"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := checkScript(data); err != nil {
			t.Fatal(err)
		}
	})
}
