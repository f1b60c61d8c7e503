package deadletter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/internal/smalldisk"
	"journalpump/pump"
)

func position(n int) pump.Position {
	return pump.Position{Cursor: pump.Cursor{SeqnumID: pump.ID128{7}, Seqnum: uint64(n), Realtime: uint64(n) * 1e6, Parts: pump.HasSeqnum | pump.HasRealtime}}
}

// refused returns the dead letters numbered from first to last.
func refused(first, last int) []pump.DeadLetter {
	var letters []pump.DeadLetter
	for n := first; n <= last; n++ {
		letters = append(letters, letterOf(n, fmt.Appendf(nil, `{"MESSAGE":"message %d","PRIORITY":3,"LIST":["a","b"],"html":"<&>"}`, n)))
	}
	return letters
}

func letterOf(n int, body []byte) pump.DeadLetter {
	c := &pump.Chunk{Entries: []pump.Entry{{Position: position(n).Cursor}}}
	return pump.DeadLetter{
		Record: pump.Record{Body: body, Chunk: c},
		Reason: fmt.Errorf("no. %d: \"mapper_parsing_exception\"\n<html>", n),
		Time:   time.Date(2026, 11, 20, 6, 25, n%60, 0, time.UTC),
	}
}

func bury(t *testing.T, f *File, reader, sender string, letters []pump.DeadLetter) {
	t.Helper()
	if err := f.For(reader, sender).Bury(letters); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path, sender string) *Letters {
	t.Helper()
	l, err := Open(path, sender)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// bodies reads all letters after a position as the engine does.
func bodies(t *testing.T, l *Letters, after pump.Position) (texts []string, positions []pump.Position) {
	t.Helper()
	it, err := l.Open(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := it.Next(t.Context())
		if errors.Is(err, pump.ErrNoMore) {
			return texts, positions
		}
		if err != nil {
			t.Fatal(err)
		}
		r := (&View{}).Render(c)
		for i := range r.Records {
			body := r.Records[i].Body
			if body[:len(body)+1][len(body)] != '\n' {
				t.Error("no newline follows the body")
			}
			texts = append(texts, string(body))
			positions = append(positions, r.Records[i].Position())
		}
	}
}

func TestWhatIsBuriedComesBackByteForByte(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dead")
	f := NewFile(path)
	letters := append(refused(1, 1200), letterOf(1201, []byte("no JSON\n\xff")), letterOf(1202, []byte(`{"MESSAGE":"`+strings.Repeat("x", 300<<10)+`"}`)))
	bury(t, f, "r", "s", letters[:1000])
	bury(t, f, "r", "other", refused(1, 3))
	bury(t, f, "r", "s", letters[1000:])
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, name := range []string{"s", "r/s"} {
		l := open(t, path, name)
		if l.Len() != len(letters) || l.Others["r/other"] != 3 || l.Unreadable+l.Repeated != 0 {
			t.Fatalf("%s: found %d, %v others, %d unreadable, %d repeated", name, l.Len(), l.Others, l.Unreadable, l.Repeated)
		}
		got, at := bodies(t, l, pump.Position{})
		for i := range letters {
			want := strings.ToValidUTF8(string(letters[i].Record.Body), "\uFFFD")
			if got[i] != want || at[i] != position(i+1) {
				t.Fatalf("letter %d came back as %.100q at %v", i, got[i], at[i])
			}
		}
		if rest, _ := bodies(t, l, position(1100)); len(rest) != 102 {
			t.Errorf("after the 1100th come %d", len(rest))
		}
		if lag, err := l.Lag(t.Context(), position(1200)); err != nil || lag.Entries != 2 {
			t.Errorf("lag %v, %v", lag, err)
		}
	}
}

// An entry that goes several ways may be refused on each: there are as many letters, with the IDs that they had.
func TestLettersOfRoutes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dead")
	routes := map[string]*pump.Route{"a": {Name: "a", Mark: "a"}, "b": {Name: "b", To: "elsewhere", Mark: "b"}}
	var letters []pump.DeadLetter
	var want []string
	for n := 1; n <= 2; n++ {
		for _, name := range []string{"a", "b", "gone"} {
			l := letterOf(n, fmt.Appendf(nil, `{"MESSAGE":"%s %d"}`, name, n))
			if l.Record.Route = routes[name]; l.Record.Route == nil {
				l.Record.Route = &pump.Route{Name: name}
			}
			letters = append(letters, l)
			want = append(want, string(l.Record.AppendID(nil))+" "+string(l.Record.Body)+" "+l.Record.To())
		}
	}
	f := NewFile(path)
	bury(t, f, "r", "s", letters)
	bury(t, f, "r", "s", letters[3:]) // again, as after a crash
	l := open(t, path, "s")
	if l.Len() != len(letters) || l.Repeated != 3 {
		t.Errorf("found %d, %d repeated", l.Len(), l.Repeated)
	}
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := it.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	rendered := (&View{Routes: routes}).Render(c)
	for i := range rendered.Records {
		r := &rendered.Records[i]
		got = append(got, string(r.AppendID(nil))+" "+string(r.Body)+" "+r.To())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestALineIsJSONThatSaysWhatItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dead")
	bury(t, NewFile(path), "the reader", `"s"`, refused(7, 7))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	entry, _ := got["entry"].(map[string]any)
	if got["time"] != "2026-11-20T06:25:07.000000Z" || got["reader"] != "the reader" || got["sender"] != `"s"` ||
		got["cursor"] != position(7).String() || got["reason"] != "no. 7: \"mapper_parsing_exception\"\n<html>" || entry["MESSAGE"] != "message 7" {
		t.Errorf("the line is %s", text)
	}
	if bytes.Count(text, []byte{'\n'}) != 1 {
		t.Errorf("more than one line: %q", text)
	}
}

func TestPlaceholdersFindTheFieldsOfTheEntry(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dead")
	bury(t, NewFile(path), "r", "s", refused(1, 1))
	it, err := open(t, path, "s").Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := it.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"MESSAGE": "message 1", "PRIORITY": "3", "LIST": "b", "html": "<&>"} {
		if got, ok := c.Lookup(0, name); !ok || string(got) != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestTornAndForeignLinesAreCountedAndHurtNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dead")
	f := NewFile(path)
	bury(t, f, "r", "s", refused(1, 2))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tail := "{\"sender\":\"s\"}\n[]\n\n{\"sender\":\"s\",\"entry\":5}\n{\"sender\":\"s\",\"entry\":{\"n\":1}}\n" + strings.Repeat("x", maxLine+5) + "\n"
	if err := os.WriteFile(path, append(append(whole, tail...), whole[:40]...), 0o600); err != nil {
		t.Fatal(err)
	}
	bury(t, f, "r", "s", refused(2, 3)) // the second again, as after a crash
	l := open(t, path, "s")
	if l.Len() != 4 || l.Unreadable != 5 || l.FirstBad != 3 || l.Repeated != 1 {
		t.Errorf("found %d, %d unreadable from line %d on, %d repeated", l.Len(), l.Unreadable, l.FirstBad, l.Repeated)
	}
	if got, _ := bodies(t, l, pump.Position{}); len(got) != 4 || got[2] != `{"n":1}` || !strings.Contains(got[3], "message 3") {
		t.Errorf("read %q", got)
	}
}

func TestAFullFileIsRenamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dead")
	f := NewFile(path)
	f.Limit(2000)
	for n := 1; n <= 40; n++ {
		bury(t, f, "r", "s", refused(n, n))
		info, err := os.Stat(path)
		if err != nil || info.Size() > 2000 {
			t.Fatalf("%d bytes, %v", info.Size(), err)
		}
	}
	older, newer := open(t, path+".1", "s"), open(t, path, "s")
	_, first := bodies(t, older, pump.Position{})
	_, second := bodies(t, newer, pump.Position{})
	all := slices.Concat(first, second)
	last := slices.IndexFunc(all, func(p pump.Position) bool { return p == position(40) })
	if last != len(all)-1 || len(first) < 3 {
		t.Errorf("%d in the one before, %d in the file", len(first), len(second))
	}
	for i := range all {
		if want := position(40 - len(all) + 1 + i); all[i] != want {
			t.Errorf("at %d: %v, want %v", i, all[i], want)
		}
	}
	bury(t, f, "r", "s", []pump.DeadLetter{letterOf(1, bytes.Repeat([]byte("x"), 5000))})
	if open(t, path, "s").Len() != 1 {
		t.Error("a letter larger than the limit was not kept")
	}
}

func TestAFullDiskKeepsNothingAndThenAll(t *testing.T) {
	t.Parallel()
	dir := smalldisk.New(t, 64)
	path := filepath.Join(dir, "dead")
	f := NewFile(path)
	bury(t, f, "r", "s", refused(1, 2))
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	if err := f.For("r", "s").Bury(refused(3, 500)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("burying on a full disk: %v", err)
	}
	if n := open(t, path, "s").Len(); n != 2 {
		t.Errorf("%d letters after the failure, want the 2 from before", n)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	bury(t, f, "r", "s", refused(3, 50))
	if l := open(t, path, "s"); l.Len() != 50 || l.Unreadable != 0 {
		t.Errorf("%d letters, %d unreadable lines", l.Len(), l.Unreadable)
	}
}

func FuzzOpen(f *testing.F) {
	var lines []byte
	for _, l := range refused(1, 3) {
		lines = appendLine(lines, "r", "s", &l)
	}
	f.Add(lines)
	f.Add([]byte(`{"sender":"s","cursor":"x","entry":"text"}`))
	f.Add([]byte("{\"sender\":\"s\",\"entry\":[1,{}]}\n\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "dead")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path, "s")
		if got, _ := bodies(t, l, pump.Position{}); len(got) != l.Len() {
			t.Errorf("found %d, read %d", l.Len(), len(got))
		}
	})
}
