package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/test/journalwriter"
	"journalpump/test/program"
)

// overlappingJournal makes a journal of files that must all be open to be read, and to be looked back in: each has two lines of a.service,
// and one has the entry that says that it failed. What comes then in each is more than is read at a time.
func overlappingJournal(t *testing.T, files int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	seqnumID := journalwriter.ID{1}
	for i := range files {
		w, err := journalwriter.New(journalwriter.Options{
			FileID: journalwriter.ID{2, byte(i)}, MachineID: journalwriter.ID{3}, SeqnumID: seqnumID, State: journalwriter.Archived,
		})
		if err != nil {
			t.Fatal(err)
		}
		add := func(n int, entry string) {
			e := journalwriter.Entry{Seqnum: uint64(n), Realtime: uint64(1_760_000_000_000_000 + n), Monotonic: uint64(n), Boot: journalwriter.ID{15: 1}}
			for field := range strings.SplitSeq(strings.TrimSpace(entry), "\n") {
				e.Fields = append(e.Fields, []byte(field))
			}
			if err := w.Append(e); err != nil {
				t.Fatal(err)
			}
		}
		add(1+i, line("a.service", 7, "line "+strconv.Itoa(1+i)))
		add(1001+i, line("a.service", 7, "line "+strconv.Itoa(1+files+i)))
		if i == 0 {
			add(2000, failure("a.service"))
		}
		for k := range 4096 / files {
			add(3000+k*files+i, line("b.service", 7, "later"))
		}
		if err := w.WriteFile(filepath.Join(dir, journalwriter.ArchivedName("system", seqnumID, uint64(1+i), uint64(i)))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A process that has too few descriptors to look back does not send a dump without its past: it sends the whole when it has enough.
func TestFlightRecorderWithoutDescriptors(t *testing.T) {
	t.Parallel()
	const files = 100
	s := newSetup(t)
	reader := warnings(s.sender("out"), object{"cooldown": 0})
	journal := filepath.Join(s.dir, "journal")
	reader["journal_path"] = journal
	reader["initial_position"] = "head"
	s.write(t, reader)
	pump := program.Start(t, nil, s.config())
	program.Until(t, "it waits for the journal", func() bool { return strings.Contains(pump.Output(), "waiting for it") })
	was := limitDescriptors(t, pump, descriptors(t, pump)+files+files/2) // enough to read, not enough to look back besides
	if err := os.Rename(overlappingJournal(t, files), journal); err != nil {
		t.Fatal(err)
	}
	sent := func() string {
		text, err := os.ReadFile(s.file("out"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text)
	}
	program.Until(t, "it wants to look back and cannot", func() bool {
		return strings.Contains(pump.Output(), "looking back for the flight recorder: ") || sent() != ""
	})
	if !strings.Contains(pump.Output(), "too many open files") || sent() != "" {
		t.Fatalf("it does not want for descriptors, or does not care; sent was\n%s", sent())
	}
	limitDescriptors(t, pump, was)
	program.Until(t, "the dump is there", func() bool {
		return strings.Contains(sent(), "-----END ")
	})
	pump.Stop(t)
	want := []string{fmt.Sprint("begin _SYSTEMD_UNIT=a.service ", 2*files)}
	for i := range 2 * files {
		want = append(want, fmt.Sprintf("%d line %d", 1+i, 1+i))
	}
	want = append(want, fmt.Sprint(1+2*files, " a.service: Failed with result 'exit-code'."), fmt.Sprint("end _SYSTEMD_UNIT=a.service ", 2*files))
	if texts := brief(readRecorded(t, s.file("out"))); !slices.Equal(texts, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(texts, "\n"), strings.Join(want, "\n"))
	}
}

// descriptors returns how many files a process has open.
func descriptors(t *testing.T, p *program.Process) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// limitDescriptors sets how many files a process may have open, and returns how many it was allowed before.
func limitDescriptors(t *testing.T, p *program.Process, most int) (before int) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, nil, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: min(uint64(most), was.Max), Max: was.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return int(min(was.Cur, 1<<20))
}
