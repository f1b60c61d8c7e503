package libsystemd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"journalpump/pump"
)

// journalctl reads the same entries from the same files.

// exported is an entry as text: its cursor, its times, and its fields in alphabetical order.
type exported []string

// journalctl exports a directory.
func journalctl(tb testing.TB, dir string) (all []exported) {
	tb.Helper()
	if _, err := exec.LookPath("journalctl"); err != nil {
		tb.Skip("no journalctl to compare with")
	}
	out, err := exec.CommandContext(tb.Context(), "journalctl", "-D", dir, "-o", "export", "--all").Output()
	if err != nil {
		tb.Fatalf("journalctl: %v", err)
	}
	r := bufio.NewReader(bytes.NewReader(out))
	var e exported
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return all
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			slices.Sort(e)
			all = append(all, e)
			e = nil
			continue
		case !strings.Contains(line, "="): // binary: length and value follow
			size := make([]byte, 8)
			if _, err := io.ReadFull(r, size); err != nil {
				tb.Fatal(err)
			}
			value := make([]byte, binary.LittleEndian.Uint64(size)+1)
			if _, err := io.ReadFull(r, value); err != nil {
				tb.Fatal(err)
			}
			line += "=" + string(value[:len(value)-1])
		}
		if !strings.HasPrefix(line, "__SEQNUM") { // printed by systemd 254 and later: the cursor's
			e = append(e, line)
		}
	}
}

func ours(tb testing.TB, dir string) (all []exported) {
	tb.Helper()
	it := iterate(tb, openLog(tb, inDir(dir)), pump.Position{})
	for {
		c, err := it.Next(tb.Context())
		if errors.Is(err, pump.ErrNoMore) {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		for i := range c.Entries {
			p := c.Entries[i].Position
			e := exported{
				"__CURSOR=" + p.String(),
				"__REALTIME_TIMESTAMP=" + strconv.FormatUint(p.Realtime, 10),
				"__MONOTONIC_TIMESTAMP=" + strconv.FormatUint(p.Monotonic, 10),
			}
			boot := false
			for _, r := range c.Fields(i) {
				f := c.Field(r)
				e = append(e, f.Name+"="+string(f.Value))
				boot = boot || f.Name == "_BOOT_ID"
			}
			if !boot { // journalctl writes it all the same
				e = append(e, "_BOOT_ID="+p.BootID.String())
			}
			slices.Sort(e)
			all = append(all, e)
		}
	}
}

func compare(t *testing.T, dir string) {
	t.Helper()
	want, got := journalctl(t, dir), ours(t, dir)
	if len(want) != len(got) {
		t.Errorf("%d entries, journalctl has %d", len(got), len(want))
	}
	for i := range min(len(want), len(got)) {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Fatalf("entry %d: %s", i, diff)
		}
	}
	t.Logf("%d entries", len(got))
}

func TestLikeJournalctl(t *testing.T) {
	exports, err := filepath.Glob("../../../test/compat/testdata/journals/*.export.gz")
	if err != nil || len(exports) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, path := range exports {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			export, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			remote(t, filepath.Join(dir, "system.journal"), export)
			compare(t, dir)
		})
	}
}

// TestForeign reads journals that others wrote: bad clocks, several boots, and two that a fuzzer broke.
func TestForeign(t *testing.T) {
	shared := os.Getenv("JOURNALPUMP_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	foreign := filepath.Join(shared, "journal", "foreign")
	for _, name := range []string{"no-rtc", "rotated", "corrupted"} {
		t.Run(name, func(t *testing.T) {
			packed, err := filepath.Glob(filepath.Join(foreign, name, "*.zst"))
			if err != nil || len(packed) == 0 {
				t.Skipf("no journals in %s", foreign)
			}
			dir := t.TempDir()
			for _, path := range packed {
				unpack(t, path, filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".zst")))
			}
			if name != "corrupted" {
				compare(t, dir)
				return
			}
			it, err := openLog(t, inDir(dir)).Open(t.Context(), pump.Position{})
			if err != nil {
				t.Logf("refused: %v", err)
				return
			}
			defer func() { _ = it.Close() }()
			f := found{}
			for {
				c, err := it.Next(t.Context())
				if err != nil {
					t.Logf("%d entries, %d unreadable, %d gaps, then: %v", len(f.numbers), f.corrupted, len(f.gaps), err)
					return
				}
				f.numbers = append(f.numbers, make([]int, len(c.Entries))...)
				f.corrupted += c.Corrupted
				f.gaps = append(f.gaps, c.Gaps...)
			}
		})
	}
}

func unpack(tb testing.TB, from, to string) {
	tb.Helper()
	packed, err := os.ReadFile(from)
	if err != nil {
		tb.Fatal(err)
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	content, err := z.DecodeAll(packed, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}
