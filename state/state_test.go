package state

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"journalpump/pump"
)

func position(seqnum uint64) pump.Position {
	return pump.Position{Cursor: pump.Cursor{
		SeqnumID: pump.ID128{0xaa, 1}, Seqnum: seqnum, BootID: pump.ID128{0xbb, 2}, Monotonic: 1000 * seqnum,
		Realtime: 1763700000000000 + seqnum, XorHash: ^seqnum, Parts: pump.HasAll,
	}}
}

// full returns a snapshot in which nothing is zero that can be something else.
func full() pump.Snapshot {
	at := time.Date(2026, 11, 20, 6, 25, 1, 482913000, time.UTC)
	gaps := pump.GapTotals{Count: 2, Entries: 40, Last: []pump.Gap{
		{SeqnumID: pump.ID128{7}, First: 3, Last: 42, Count: 40, From: 17, To: 1 << 63, Reason: "vacuumed"},
		{Reason: "corrupted"},
	}}
	sent := position(90)
	sent.SetOthers([]pump.Reached{{SeqnumID: pump.ID128{0xcc, 3}, Seqnum: 1 << 63}, {SeqnumID: pump.ID128{0xdd, 4}}})
	sender := pump.SenderSnapshot{
		Type: "FileSender", Position: sent, Started: true, First: position(1), Gaps: gaps,
		Ledger:   pump.Ledger{Read: 100, Recalled: 7, Filtered: 50, Accepted: 46, DeadLettered: 1, InFlight: 10},
		Recorder: pump.RecorderState{State: `{"keys":[]}`, Of: "cafe", Left: 3},
		Sees:     "0123",
		Marks: []pump.Mark{
			{Time: time.Date(2026, 11, 20, 6, 25, 1, 0, time.UTC), First: pump.Position{Cursor: pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: 5, Parts: pump.HasSeqnum}}},
			{Time: time.Date(2026, 11, 20, 7, 25, 1, 0, time.UTC), Position: pump.Position{Cursor: pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: 9, Parts: pump.HasSeqnum}}, Ledger: pump.Ledger{Read: 4, Accepted: 4}, Gaps: 7},
		},
		Read: position(100), ReadEntries: 50, ReadBytes: 5000, Queued: 10, SentRecords: 39, SentBytes: 3900,
		Health: pump.Disconnected, HealthSince: at.Add(time.Second), LastSent: at.Add(time.Minute),
		LastError: `connection <refused> "quoted" ünïcode`, LastErrorTime: at.Add(time.Hour), Errors: []string{"a", "b & c"},
		Stalls: 3, Lag: pump.Lag{Entries: 12, Age: 1234567891 * time.Microsecond, Tail: position(112)},
	}
	return pump.Snapshot{
		StartTime: at,
		Readers: map[string]pump.ReaderSnapshot{
			"journal": {
				Position: position(100), Searches: map[string]int64{"hits": 3}, Lines: 100, Bytes: 9999, Gaps: gaps,
				Corrupted: 2, Stalls: 4, Waiting: "no journal yet",
				Senders: map[string]pump.SenderSnapshot{"file": sender},
			},
		},
	}
}

func openFile(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func save(t *testing.T, f *File, s pump.Snapshot) {
	t.Helper()
	if err := f.Save(s); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, path string) (pump.Snapshot, []string) {
	t.Helper()
	s, warnings, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s, warnings
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	fresh := pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{"r": {
		Searches: map[string]int64{},
		Senders:  map[string]pump.SenderSnapshot{"s": {Type: "FileSender", Health: pump.Stopped, Errors: []string{}}},
	}}}
	startedAtHead := pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{"r": {
		Searches: map[string]int64{},
		Senders:  map[string]pump.SenderSnapshot{"s": {Started: true, Health: pump.Connected, Errors: []string{}}},
	}}}
	for name, s := range map[string]pump.Snapshot{
		"full": full(), "fresh": fresh, "started at the head": startedAtHead, "empty": empty(),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			save(t, openFile(t, path), s)
			got, warnings := load(t, path)
			if diff := cmp.Diff(s, got); diff != "" {
				t.Errorf("saved - loaded +:\n%s", diff)
			}
			if len(warnings) != 0 {
				t.Errorf("warnings: %q", warnings)
			}
		})
	}
}

func TestUnchangedIsNotRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	clock := time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC)
	f.now = func() time.Time { return clock }
	identity := func() os.FileInfo {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	s := full()
	save(t, f, s)
	first := identity()
	clock = clock.Add(time.Minute)
	save(t, f, s)
	if !os.SameFile(first, identity()) {
		t.Error("written again although only time had passed")
	}
	r := s.Readers["journal"]
	r.Lines++
	s.Readers["journal"] = r
	save(t, f, s)
	if os.SameFile(first, identity()) {
		t.Error("a change was not written")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	save(t, f, s)
	identity() // someone had removed it: it is back
}

func TestPreviousCopyIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	older, newer := full(), full()
	newer.StartTime = newer.StartTime.Add(time.Hour)
	save(t, f, older)
	save(t, f, newer)
	for name, want := range map[string]pump.Snapshot{path: newer, path + previousSuffix: older} {
		if got, _ := load(t, name); !got.StartTime.Equal(want.StartTime) {
			t.Errorf("%s is of %v, want %v", filepath.Base(name), got.StartTime, want.StartTime)
		}
	}
}

func TestMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	check := func(want os.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode %o, want %o", got, want)
		}
	}
	save(t, f, empty())
	check(defaultMode)
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	save(t, f, full())
	check(0o604)
}

func TestSymbolicLinkStaysOne(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "real.json"), filepath.Join(dir, "link.json")
	save(t, openFile(t, target), empty())
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	save(t, openFile(t, link), full())
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info.Mode(), err)
	}
	if s, _ := load(t, target); len(s.Readers) != 1 {
		t.Error("the file that the link names was not written")
	}
}

func TestOpenWantsADirectory(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none", "s.json"), "/dev/null/s.json"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("Open(%q) = %v, want an error that names the directory", path, err)
		}
	}
}

func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../docs/state-file.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(t.TempDir(), "state.json")
	save(t, openFile(t, ours), full())
	fresh := filepath.Join(t.TempDir(), "fresh.json")
	save(t, openFile(t, fresh), pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{
		"r": {Senders: map[string]pump.SenderSnapshot{"s": {}}},
	}})
	originals, err := filepath.Glob("testdata/original*.json")
	if err != nil || len(originals) == 0 {
		t.Fatalf("no files of the original: %v", err)
	}
	for _, name := range append(originals, ours, fresh) {
		if err := schema.Validate(readJSON(t, name)); err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
	broken, _ := readJSON(t, ours).(map[string]any)
	broken["readers"].(map[string]any)["journal"].(map[string]any)["cursor"] = "nonsense"
	if schema.Validate(broken) == nil {
		t.Error("the schema takes any cursor")
	}
}

func readJSON(t *testing.T, name string) any {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What the original wrote, it must find under the same keys with the same kind of value.
func TestOriginalsKeysAreAllThere(t *testing.T) {
	var original map[string]any
	data, err := os.ReadFile("testdata/original.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &original); err != nil {
		t.Fatal(err)
	}
	s, _, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := newDocument(s, time.Now()).encode()
	if err != nil {
		t.Fatal(err)
	}
	var ours map[string]any
	if err := json.Unmarshal(encoded, &ours); err != nil {
		t.Fatal(err)
	}
	contains(t, "", original, ours)
}

// contains checks that every key of want is in got, with the same value; only elapsed passes with time.
func contains(t *testing.T, path string, want, got any) {
	t.Helper()
	w, ok := want.(map[string]any)
	if !ok {
		if !strings.HasSuffix(path, ".elapsed") && !cmp.Equal(want, got) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
		return
	}
	g, ok := got.(map[string]any)
	if !ok {
		t.Errorf("%s: %T, want an object", path, got)
		return
	}
	for key, v := range w {
		contains(t, path+"."+key, v, g[key])
	}
}

// TestSequencesBelongToTheirCursor puts in another cursor by hand: what the file says of other sequences is then of no use.
func TestSequencesBelongToTheirCursor(t *testing.T) {
	t.Parallel()
	data, err := newDocument(full(), time.Now()).encode()
	if err != nil {
		t.Fatal(err)
	}
	sent := full().Readers["journal"].Senders["file"].Position
	read := func(text string) pump.Position {
		t.Helper()
		s, _, err := Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Readers["journal"].Senders["file"].Position
	}
	if got := read(string(data)); got != sent || len(got.Reached()) != 1 {
		t.Errorf("got %+v, want %+v", got, sent)
	}
	other := position(91)
	if got := read(strings.ReplaceAll(string(data), sent.String(), other.String())); got != other {
		t.Errorf("with another cursor: %+v, want %+v", got, other)
	}
	broken := strings.Replace(string(data), `"cc03`, `"no03`, 1)
	if got := read(broken); got != position(90) || broken == string(data) {
		t.Errorf("with a sequence that is none: %+v", got)
	}
}
