package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

// at returns full() with its sender at another position.
func at(seqnum uint64) pump.Snapshot {
	s := full()
	r := s.Readers["journal"]
	sender := r.Senders["file"]
	sender.Position, sender.Ledger.Accepted = position(seqnum), int64(seqnum)
	r.Senders["file"] = sender
	return s
}

func record(f *File, seqnum uint64) {
	f.Record("journal", "file", at(seqnum).Readers["journal"].Senders["file"])
}

// loaded returns where the sender is after a start.
func loaded(t *testing.T, path string) pump.SenderSnapshot {
	t.Helper()
	s, warnings := load(t, path)
	if len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
	return s.Readers["journal"].Senders["file"]
}

func TestWhatWasRecordedIsKnownAfterAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	record(f, 91) // before anything was saved
	save(t, f, at(91))
	for n := uint64(92); n < 600; n++ { // the log may not become as long
		record(f, n)
		if n%17 == 0 {
			save(t, f, at(n-2)) // others have gone on since the snapshot was taken
		}
		if n%17 > 2 && n%100 != 0 {
			continue
		}
		got := loaded(t, path)
		if want := at(n).Readers["journal"].Senders["file"]; got.Position != want.Position || got.Ledger != want.Ledger || !cmp.Equal(got.Gaps, want.Gaps) {
			t.Fatalf("at %v, want %v", got.Position, want.Position)
		}
		if info, err := os.Stat(path + positionsSuffix); err != nil || info.Size() > positionsLimit+8192 {
			t.Fatalf("the log has %d bytes, %v", info.Size(), err)
		}
		if n%100 == 0 { // the next process
			f = openFile(t, path)
			s, _ := load(t, path)
			save(t, f, s)
		}
	}
}

// While the state file cannot be saved, what is recorded goes with the one that is there, and does not grow for ever.
func TestRecordsGoOnWhileTheStateCannotBeSaved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	f.disk = readOnlyDisk{}
	for n := uint64(92); n < 600; n++ {
		record(f, n)
		if n%3 > 0 {
			continue
		}
		if err := f.Save(at(n)); !errors.Is(err, fs.ErrPermission) {
			t.Fatalf("saving: %v", err)
		}
		if info, err := os.Stat(path + positionsSuffix); err != nil || info.Size() > positionsLimit+8192 {
			t.Fatalf("the log has %d bytes, %v", info.Size(), err)
		}
	}
	if got := loaded(t, path).Position; got != position(599) {
		t.Errorf("at %v", got)
	}
	write(t, path, "{")
	if err := os.Remove(path + previousSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if s, _ := load(t, path); len(s.Readers) != 0 {
		t.Errorf("records without a state file: %v", s)
	}
}

func TestANewSenderIsRecordedToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, empty())
	f.Record("new", "sender", pump.SenderSnapshot{Started: true}) // at the head
	s, _ := load(t, path)
	if got := s.Readers["new"].Senders["sender"]; !got.Started || !got.Position.IsZero() {
		t.Errorf("loaded %+v", got)
	}
}

// What is recorded takes the place of what the state file says, which may be younger: so it has to be complete.
func TestARecordKeepsWhereTheLogBegan(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, empty())
	gaps := pump.GapTotals{Count: 1, Entries: 4, Last: []pump.Gap{{SeqnumID: pump.ID128{7}, First: 1, Last: 4, Count: 4, Reason: "vacuumed"}}}
	begun := pump.SenderSnapshot{Started: true, First: position(5), Gaps: gaps}
	f.Record("r", "s", begun)
	save(t, f, pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{"r": {Senders: map[string]pump.SenderSnapshot{"s": begun}}}})
	s, _ := load(t, path)
	got := s.Readers["r"].Senders["s"]
	if !got.Started || !got.Position.IsZero() || got.First != begun.First || got.Gaps.Entries != 4 {
		t.Errorf("loaded %+v", got)
	}
}

func TestACleanEndLeavesNoRecords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	record(f, 92)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := loaded(t, path).Position; got != position(92) {
		t.Errorf("records that were not saved are lost: at %v", got)
	}
	f = openFile(t, path)
	save(t, f, at(92))
	record(f, 93)
	save(t, f, at(93))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + positionsSuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	record(f, 94) // too late, and harmless
	if got := loaded(t, path).Position; got != position(93) {
		t.Errorf("at %v", got)
	}
}

// A state file that somebody has edited, restored or removed is taken as it is.
func TestRecordsOfAnotherStateFileAreLeftAside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	record(f, 95)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(bytes.Replace(data, []byte(position(91).String()), []byte(position(17).String()), 1)))
	s, warnings := load(t, path)
	if got := s.Readers["journal"].Senders["file"].Position; got != position(17) {
		t.Errorf("at %v", got)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "another state file") {
		t.Errorf("warnings %q", warnings)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s, warnings := load(t, path); len(s.Readers)+len(warnings) != 0 {
		t.Errorf("loaded %v, %q", s, warnings)
	}
}

// A damaged state file is replaced by the copy before it, with what was recorded since.
func TestRecordsGoWithThePreviousCopyToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	record(f, 92)
	save(t, f, at(92))
	record(f, 93)
	write(t, path, "{")
	if s, _ := load(t, path); s.Readers["journal"].Senders["file"].Position != position(93) {
		t.Errorf("at %v", s.Readers["journal"].Senders["file"].Position)
	}
}

// Whatever is cut off or damaged, a sender is where some save or record has put it, and never further than the last.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	for n := uint64(92); n <= 96; n++ {
		record(f, n)
	}
	whole, err := os.ReadFile(path + positionsSuffix)
	if err != nil {
		t.Fatal(err)
	}
	place := func(log []byte) uint64 {
		t.Helper()
		write(t, path+positionsSuffix, string(log))
		s, _ := load(t, path)
		return s.Readers["journal"].Senders["file"].Position.Seqnum
	}
	for cut := len(whole) - 1; cut >= 0; cut -= 13 {
		if n := place(whole[:cut]); n < 91 || n > 96 || cut == len(whole)-1 && n != 95 {
			t.Fatalf("cut after %d of %d bytes: at %d", cut, len(whole), n)
		}
	}
	for i := 0; i < len(whole); i += 17 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x11
		if n := place(damaged); n != 91 && n != 95 {
			t.Fatalf("byte %d damaged: at %d", i, n)
		}
	}
	if n := place(append(bytes.Clone(whole), make([]byte, 4096)...)); n != 96 {
		t.Errorf("followed by zeros: at %d", n)
	}
	if n := place(whole); n != 96 {
		t.Errorf("whole: at %d", n)
	}
}

func TestRecordsSurviveADirectoryThatIsReadOnlyForAWhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	f.disk, f.moved.disk = readOnlyDisk{}, readOnlyDisk{}
	if err := f.Save(at(91)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("saving: %v", err)
	}
	record(f, 92)
	f.disk = osDisk{}
	if err := f.Save(at(92)); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "is saved, but") {
		t.Errorf("saving with only the log refused: %v", err)
	}
	record(f, 93)
	f.moved.disk = osDisk{}
	save(t, f, at(92))
	save(t, f, at(93))
	record(f, 94)
	if got := loaded(t, path).Position; got != position(94) {
		t.Errorf("at %v", got)
	}
}

// brokenFile takes half of what is written, then nothing.
type brokenFile struct{ file }

func (f brokenFile) Write(b []byte) (int, error) {
	n, _ := f.file.Write(b[:len(b)/2])
	return n, errors.New("no space left on device")
}

func TestALogThatCannotBeWrittenTakesNobodyBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	record(f, 92)
	f.moved.out = brokenFile{f.moved.out}
	record(f, 93)
	record(f, 94)
	if got := loaded(t, path).Position; got != position(92) {
		t.Errorf("at %v", got)
	}
	f.moved.disk = readOnlyDisk{}
	if err := f.Save(at(94)); err == nil {
		t.Error("nobody says that the log cannot be written")
	}
	s, _ := load(t, path)
	if got := s.Readers["journal"].Senders["file"].Position; got != position(94) {
		t.Errorf("an old log took the sender back to %v", got)
	}
}

// A log that is too long and cannot be written anew, for want of descriptors, say, goes on.
func TestALongLogThatCannotBeWrittenAnewGoesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, at(91))
	f.moved.disk = readOnlyDisk{}
	for n := uint64(92); n < 300; n++ {
		record(f, n)
	}
	save(t, f, at(250))
	record(f, 300)
	if got := loaded(t, path).Position; got != position(300) {
		t.Errorf("at %v", got)
	}
	if info, err := os.Stat(path + positionsSuffix); err != nil || info.Size() <= positionsLimit {
		t.Errorf("the log is not long: %d bytes, %v", info.Size(), err)
	}
	f.moved.disk = osDisk{}
	save(t, f, at(260))
	if info, err := os.Stat(path + positionsSuffix); err != nil || info.Size() > 8192 {
		t.Errorf("the log stays long: %d bytes, %v", info.Size(), err)
	}
	if got := loaded(t, path).Position; got != position(300) {
		t.Errorf("at %v", got)
	}
}

func TestRecordIsConcurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f := openFile(t, path)
	save(t, f, empty())
	var recording sync.WaitGroup
	for i := range 4 {
		recording.Go(func() {
			for n := uint64(1); n <= 300; n++ {
				f.Record("r", fmt.Sprint(i), pump.SenderSnapshot{Position: position(n), Started: true})
			}
		})
	}
	for i := range 20 {
		s := empty()
		s.StartTime = time.Unix(int64(i), 0)
		save(t, f, s)
	}
	recording.Wait()
	s, warnings := load(t, path)
	for i := range 4 {
		if got := s.Readers["r"].Senders[fmt.Sprint(i)].Position; got != position(300) {
			t.Errorf("%d at %v, warnings %q", i, got, warnings)
		}
	}
}

func FuzzPositions(f *testing.F) {
	state := []byte("{}")
	var log []byte
	log = appendLine(log, "state ", []byte(stateHash(state)))
	log = appendLine(log, "sent ", []byte(`{"reader":"r","sender":"s","cursor":"i=1;s=00000000000000000000000000000001"}`))
	f.Add(log)
	f.Add([]byte("00000000 sent {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		last, own := readPositions(data, state)
		if own && !bytes.Contains(data, []byte(stateHash(state))) {
			t.Error("it is taken for the log of a state file that it does not name")
		}
		s := empty()
		for lane, doc := range last {
			doc.apply(&s, lane)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	f, err := Open(filepath.Join(b.TempDir(), "state.json"))
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Save(empty()); err != nil {
		b.Fatal(err)
	}
	s := at(91).Readers["journal"].Senders["file"]
	s.Gaps = pump.GapTotals{}
	b.ReportAllocs()
	for b.Loop() {
		f.Record("journal", "file", s)
	}
}
