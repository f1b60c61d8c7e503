package journalfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const journalRemote = "/lib/systemd/systemd-journal-remote"

// exported is an entry as `journalctl -o export` prints it.
type exported struct {
	cursor, realtime, monotonic, boot string
	fields                            [][]byte // NAME=value
}

// exportReader parses the Journal Export Format.
type exportReader struct{ r *bufio.Reader }

func (x *exportReader) next() (e exported, err error) {
	seen := false
	for {
		line, err := x.r.ReadBytes('\n')
		if err != nil {
			if err == io.EOF && len(line) == 0 && !seen {
				return e, io.EOF
			}
			return e, fmt.Errorf("reading export: %w", err)
		}
		line = line[:len(line)-1]
		if len(line) == 0 {
			if seen {
				return e, nil
			}
			continue
		}
		seen = true
		if !bytes.ContainsRune(line, '=') {
			if line, err = x.binary(line); err != nil {
				return e, err
			}
		}
		e.take(line)
	}
}

func (x *exportReader) binary(name []byte) ([]byte, error) {
	var size [8]byte
	if _, err := io.ReadFull(x.r, size[:]); err != nil {
		return nil, err
	}
	value := make([]byte, binary.LittleEndian.Uint64(size[:])+1)
	if _, err := io.ReadFull(x.r, value); err != nil {
		return nil, err
	}
	return append(append(bytes.Clone(name), '='), value[:len(value)-1]...), nil
}

func (e *exported) take(field []byte) {
	name, value, _ := strings.Cut(string(field), "=")
	switch name {
	case "__CURSOR":
		e.cursor = value
	case "__REALTIME_TIMESTAMP":
		e.realtime = value
	case "__MONOTONIC_TIMESTAMP":
		e.monotonic = value
	case "__SEQNUM", "__SEQNUM_ID": // newer versions
	case "_BOOT_ID":
		e.boot = value
	default:
		e.fields = append(e.fields, field)
	}
}

// need skips the test if there is no such program.
func need(tb testing.TB, program string) {
	tb.Helper()
	if _, err := exec.LookPath(program); err != nil {
		tb.Skipf("needs %s: %v", program, err)
	}
}

// journalctl starts `journalctl --file path -o export --all`; next returns its entries, in the end io.EOF.
func journalctl(tb testing.TB, path string) (next func() (exported, error)) {
	tb.Helper()
	need(tb, "journalctl")
	cmd := exec.CommandContext(tb.Context(), "journalctl", "--file", path, "-o", "export", "--all", "--quiet")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	x := &exportReader{bufio.NewReaderSize(out, 1<<20)}
	return func() (exported, error) {
		e, err := x.next()
		if err == io.EOF {
			if err := cmd.Wait(); err != nil && stderr.Len() > 0 {
				tb.Errorf("journalctl: %v: %s", err, &stderr)
			}
		}
		return e, err
	}
}

// asExported reads the next readable entry as journalctl would print it. ok is false at the end.
func asExported(tb testing.TB, h *Header, x *Entries, e *Entry) (out exported, ok bool) {
	tb.Helper()
	for {
		off, ok, err := x.Next()
		if err == nil && !ok {
			return exported{}, false
		}
		if err == nil {
			err = x.f.ReadEntry(off, e)
		}
		if errors.Is(err, ErrCorrupt) {
			continue
		}
		if err != nil {
			tb.Fatal(err)
		}
		break
	}
	out = exported{
		cursor: fmt.Sprintf("s=%x;i=%x;b=%x;m=%x;t=%x;x=%x",
			h.SeqnumID, e.Seqnum, e.BootID, e.Monotonic, e.Realtime, e.XorHash),
		realtime:  fmt.Sprint(e.Realtime),
		monotonic: fmt.Sprint(e.Monotonic),
		boot:      hex.EncodeToString(e.BootID[:]),
	}
	for _, item := range e.Items {
		b, info, err := x.f.AppendData(nil, item, 0)
		if errors.Is(err, ErrCorrupt) {
			continue // journalctl leaves out the field, not the entry
		}
		if err != nil {
			tb.Fatalf("entry %d: data at %d: %v", e.Seqnum, item, err)
		}
		if info.Hash != x.f.hash(b) {
			tb.Errorf("data at %d: hash %x, calculated %x", item, info.Hash, x.f.hash(b))
		}
		if !bytes.HasPrefix(b, []byte("_BOOT_ID=")) {
			out.fields = append(out.fields, b)
		}
	}
	return out, true
}

// compare checks that we read what journalctl reads, and returns how many entries that is.
func compare(t *testing.T, path string) (n int) {
	t.Helper()
	f := openFile(t, path)
	h, err := f.Header()
	if err != nil {
		t.Fatal(err)
	}
	next := journalctl(t, path)
	var e Entry
	for x := f.Entries(); ; n++ {
		want, err := next()
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		got, ok := asExported(t, &h, x, &e)
		if err == io.EOF || !ok {
			if ok || err != io.EOF {
				t.Fatalf("after %d entries: we have another one: %v, journalctl: %v", n, ok, err != io.EOF)
			}
			return n
		}
		if got.cursor != want.cursor || got.realtime != want.realtime || got.monotonic != want.monotonic || got.boot != want.boot {
			t.Fatalf("entry %d:\n got %+v\nwant %+v", n, got.cursor, want.cursor)
		}
		if len(got.fields) != len(want.fields) {
			t.Fatalf("entry %d: %d fields, journalctl has %d", n, len(got.fields), len(want.fields))
		}
		for i := range got.fields {
			if !bytes.Equal(got.fields[i], want.fields[i]) {
				t.Fatalf("entry %d, field %d: %.200q, journalctl has %.200q", n, i, got.fields[i], want.fields[i])
			}
		}
	}
}

func TestWriter(t *testing.T) {
	for name, l := range layouts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 400
			if got := compare(t, sample(l, n).write(t)); got != n {
				t.Errorf("%d entries, wrote %d", got, n)
			}
		})
	}
}

// stream writes n entries in the Journal Export Format, always the same for a seed.
func stream(out io.Writer, n int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	w := bufio.NewWriter(out)
	defer w.Flush()
	field := func(name string, value string) {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' }) {
			fmt.Fprintf(w, "%s\n%s%s\n", name, binary.LittleEndian.AppendUint64(nil, uint64(len(value))), value)
		} else {
			fmt.Fprintf(w, "%s=%s\n", name, value)
		}
	}
	now := uint64(testStart)
	for i := range n {
		now += r.Uint64N(1000)
		fmt.Fprintf(w, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%x\n", now, now-testStart+5_000_000, testBoot)
		unit := fmt.Sprintf("unit-%d", r.IntN(40))
		field("_SYSTEMD_UNIT", unit+".service")
		field("SYSLOG_IDENTIFIER", unit)
		field("PRIORITY", fmt.Sprint(r.IntN(8)))
		for _, name := range []string{"_TRANSPORT", "_HOSTNAME", "_MACHINE_ID", "_COMM", "_EXE", "_CMDLINE", "_CAP_EFFECTIVE",
			"_SYSTEMD_CGROUP", "_SYSTEMD_SLICE", "_RUNTIME_SCOPE", "_GID", "_UID"} {
			field(name, strings.ToLower(name)+" of "+unit)
		}
		field("_PID", fmt.Sprint(r.IntN(200)))
		field("_SOURCE_REALTIME_TIMESTAMP", fmt.Sprint(now-40))
		field("MESSAGE", fmt.Sprintf("request %d took %d ms from 10.%d.%d.1", i, r.IntN(900), r.IntN(256), r.IntN(256)))
		switch r.IntN(200) {
		case 0:
			field("MULTI", "one")
			field("MULTI", "two")
		case 1:
			field("BINARY", "a\x00\xff\xfe\n"+unit)
		case 2:
			field("TEXT", "several\nlines\n\n")
		case 3:
			field("LARGE", strings.Repeat(unit+" compresses well. ", r.IntN(8000)))
		case 4:
			noise := make([]byte, r.IntN(20000)) // does not compress
			for k := range noise {
				noise[k] = byte(r.Uint32())
			}
			field("NOISE", "\n"+string(noise))
		case 5:
			field("EMPTY", "")
		}
		fmt.Fprintln(w)
	}
}

// remote has systemd-journal-remote write the stream to a journal in dir, with env in its environment.
func remote(tb testing.TB, dir string, n int, env ...string) (path string) {
	tb.Helper()
	need(tb, journalRemote)
	path = filepath.Join(dir, "system.journal")
	cmd := exec.CommandContext(tb.Context(), journalRemote, "--output="+path, "--split-mode=none", "-")
	cmd.Env = append(os.Environ(), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	stream(in, n, 1)
	_ = in.Close() // an error shows as too few entries
	if err := cmd.Wait(); err != nil {
		tb.Fatalf("systemd-journal-remote: %v: %s", err, &output)
	}
	return path
}

func TestJournalRemote(t *testing.T) {
	const n = 5000
	for _, compact := range []string{"0", "1"} {
		for _, keyed := range []string{"0", "1"} {
			t.Run("compact "+compact+" keyed "+keyed, func(t *testing.T) {
				t.Parallel()
				path := remote(t, t.TempDir(), n, "SYSTEMD_JOURNAL_COMPACT="+compact, "SYSTEMD_JOURNAL_KEYED_HASH="+keyed)
				h, err := openFile(t, path).Header()
				if err != nil || h.Compact() != (compact == "1") || h.KeyedHash() != (keyed == "1") {
					t.Fatalf("not the layout asked for: %+v, %v", h, err)
				}
				if got := compare(t, path); got != n {
					t.Errorf("%d entries, wrote %d", got, n)
				}
			})
		}
	}
}

// sharedJournals returns where large journals to test with may be, and skips the test if they are not there.
func sharedJournals(tb testing.TB) string {
	tb.Helper()
	shared := os.Getenv("JOURNALPUMP_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared") // beside the repository
	}
	dir := filepath.Join(shared, "journal")
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("journals of others are not here (JOURNALPUMP_SHARED): %v", err)
	}
	return dir
}

// unpack decompresses a .zst file into a temporary one.
func unpack(tb testing.TB, path string) string {
	tb.Helper()
	need(tb, "zstd")
	out := filepath.Join(tb.TempDir(), strings.TrimSuffix(filepath.Base(path), ".zst"))
	if b, err := exec.CommandContext(tb.Context(), "zstd", "-q", "-d", path, "-o", out).CombinedOutput(); err != nil {
		tb.Fatalf("zstd: %v: %s", err, b)
	}
	return out
}

func TestForeign(t *testing.T) {
	dir := sharedJournals(t)
	for _, kind := range []string{"no-rtc", "rotated"} {
		paths, _ := filepath.Glob(filepath.Join(dir, "foreign", kind, "*.zst"))
		if len(paths) == 0 {
			t.Errorf("no journals in %s", kind)
		}
		for _, path := range paths {
			t.Run(kind+"/"+filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				out := unpack(t, path)
				if filepath.Ext(out) == ".journal~" { // journalctl --file takes any name
					t.Logf("left behind by a crash")
				}
				t.Logf("%d entries", compare(t, out))
			})
		}
	}
}
