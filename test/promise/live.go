package promise

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/journald"
)

// live is a journal that a systemd-journald writes.
type live struct {
	*journald.Instance
	conn *journald.Native
	n    int
	at   places
	lost map[int]bool
	gone int              // entries of deleted files, journald's own as well
	done map[string][]int // what is in archived files, which do not change, by path
}

func newLive(t *testing.T) *live {
	t.Helper()
	j := journald.Start(t, "SystemMaxFiles=10000") // it would delete the oldest of more than a hundred, when nobody notes what was in them
	return &live{Instance: j, conn: j.Native(t), lost: map[int]bool{}, done: map[string][]int{}}
}

func (l *live) losses() losses { return losses{which: l.lost, most: l.gone} }

func (l *live) write(t *testing.T, n int) (last int) {
	t.Helper()
	for range n {
		l.n++
		if err := l.conn.Message(message(l.n)); err != nil {
			t.Fatal(err)
		}
	}
	l.Sync(t)
	return l.n
}

func (l *live) mistreat(t *testing.T, a Act) {
	t.Helper()
	switch a {
	case Vacuum:
		l.vacuum(t)
	case Rotate:
		l.Rotate(t)
	case Restart:
		l.Sync(t)
		l.Stop(t)
		l.Instance.Restart(t)
		l.conn = l.Native(t)
	default:
	}
}

// vacuum deletes archived files, the oldest first, and notes what was in them.
func (l *live) vacuum(t *testing.T) {
	t.Helper()
	had := map[string][]int{}
	for _, file := range l.files(t, "*@*.journal") {
		had[file] = l.list(t, file)
	}
	l.Vacuum(t, 3)
	for file, numbers := range had {
		if _, err := os.Stat(file); err == nil {
			continue
		}
		l.gone += len(numbers)
		for _, n := range numbers {
			l.lost[n] = n > 0
		}
	}
}

// places asks journalctl where the entries are that are there, and remembers it of the others.
func (l *live) places(t *testing.T) (at places, end place) {
	t.Helper()
	for _, file := range l.files(t, "*.journal") {
		l.list(t, file)
	}
	if len(l.at) > 0 {
		end = l.at[len(l.at)-1]
	}
	return l.at, end
}

func (l *live) files(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.Dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// list returns the numbers of all entries that journalctl finds in a file, 0 for those of journald itself, and notes where they are.
func (l *live) list(t *testing.T, file string) (numbers []int) {
	t.Helper()
	if known, ok := l.done[file]; ok {
		return known
	}
	cmd := exec.CommandContext(t.Context(), "journalctl", "--output=export", "--output-fields=MESSAGE", "--quiet", "--no-pager", "--file="+file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", cmd.Args, err)
	}
	for entry := range bytes.SplitSeq(out, []byte("\n\n")) {
		_, cursor, ok := bytes.Cut(entry, []byte("__CURSOR="))
		at, _ := parsePlace(string(bytes.SplitN(cursor, []byte{'\n'}, 2)[0]))
		if !ok {
			continue
		}
		number := 0
		if of := appendNumbers(nil, entry); len(of) == 1 {
			number = of[0]
			l.note(number, at)
		}
		numbers = append(numbers, number)
	}
	if strings.Contains(filepath.Base(file), "@") {
		l.done[file] = numbers
	}
	return numbers
}

func (l *live) note(number int, at place) {
	if more := number - len(l.at); more > 0 {
		l.at = append(l.at, make(places, more)...)
	}
	l.at[number-1] = at
}
