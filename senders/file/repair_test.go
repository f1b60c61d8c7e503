package file

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/senders/sendertest"
)

func TestTornLine(t *testing.T) {
	whole := linesOf(0, 3)
	for name, test := range map[string]struct{ content, want string }{
		"whole":                   {whole, whole},
		"empty":                   {"", ""},
		"torn":                    {whole + `{"n": 3, "MESSAGE": "abc`, whole},
		"brace":                   {whole + `{`, whole},
		"torn first line":         {`{"n"`, ""},
		"newline missing":         {whole + `{"n": 3}`, linesOf(0, 4)},
		"zeros":                   {whole + strings.Repeat("\x00", 5000), whole},
		"long torn line":          {whole + `{"n": "` + strings.Repeat("x", 100_000), whole},
		"newline after zeros":     {whole + "\x00\x00\n", whole},
		"hole in a line":          {whole + "{\"n\":\x00\x00\x00}\n" + linesOf(4, 3), whole},
		"hole over some lines":    {whole + "{\"n" + strings.Repeat("\x00", 5000) + "}\n" + linesOf(9, 3), whole},
		"hole and a torn line":    {whole + strings.Repeat("\x00", 50) + "\n{\"n\"", whole},
		"hole at the beginning":   {strings.Repeat("\x00", 5000) + "\n" + whole, ""},
		"zeros that are not ours": {"ELF\x00\x00\n" + whole, "ELF\x00\x00\n" + whole},
		"not ours":                {whole + "a note without an end", whole + "a note without an end\n"},
		"nothing of it is ours":   {"root:x:0:0:root:/root:/bin/bash", "root:x:0:0:root:/root:/bin/bash\n"},
		"too long to be a line":   {`{` + strings.Repeat("x", maxTail), `{` + strings.Repeat("x", maxTail) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.json")
			write(t, path, test.content)
			s := openPath(t, path)
			send(t, s, batch(7, 1))
			commit(t, s)
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := test.want + linesOf(7, 1); string(got) != want {
				t.Errorf("%d bytes %.100q, want %d bytes %.100q", len(got), got, len(want), want)
			}
		})
	}
}

// packed returns a file of three pieces and where they end.
func packed(t *testing.T, p packing) (data []byte, ends []int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{100, 100_000, 5000} {
		plain := make([]byte, size)
		plain[size-1] = '\n'
		for i := range plain[:size-1] {
			plain[i] = byte(rnd.IntN(4) * rnd.IntN(60))
		}
		var err error
		if data, err = p.pack(data, plain); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(data))
	}
	return data, ends
}

// Wherever a crash has cut a compressed file, the whole pieces before stay.
func TestTornPiece(t *testing.T) {
	for _, p := range packings() {
		t.Run(string(p.kind()), func(t *testing.T) {
			data, ends := packed(t, p)
			for _, size := range cuts(len(data), ends) {
				want := 0
				for _, end := range ends {
					if end <= size {
						want = end
					}
				}
				_, got, err := lastWhole(bytes.NewReader(data[:size]), int64(size), p)
				if err != nil || got != int64(want) {
					t.Fatalf("of %d bytes %d are whole, want %d (%v)", size, got, want, err)
				}
			}
			for name, rest := range map[string]string{"zeros": strings.Repeat("\x00", 5000), "magic": string(p.magic())} {
				b := append(bytes.Clone(data), rest...)
				if _, got, err := lastWhole(bytes.NewReader(b), int64(len(b)), p); err != nil || got != int64(len(data)) {
					t.Errorf("with %s after it %d of %d bytes are whole (%v)", name, got, len(data), err)
				}
			}
		})
	}
}

// Where a power failure has left a hole in a compressed file, the pieces before stay, and no others.
func TestHoleInAPiece(t *testing.T) {
	for _, p := range packings() {
		t.Run(string(p.kind()), func(t *testing.T) {
			data, ends := packed(t, p)
			for i, end := range ends {
				start := 0
				if i > 0 {
					start = ends[i-1]
				}
				b := bytes.Clone(data)
				clear(b[start : start+(end-start)/2])
				if got, err := wholePieces(bytes.NewReader(b), int64(len(b)), p); err != nil || got != int64(start) {
					t.Errorf("with a hole from %d on, %d of %d bytes are whole (%v)", start, got, len(b), err)
				}
			}
			if got, err := wholePieces(bytes.NewReader(data), int64(len(data)), p); err != nil || got != int64(len(data)) {
				t.Errorf("without a hole %d of %d bytes are whole (%v)", got, len(data), err)
			}
		})
	}
}

// cuts returns sizes from 1 to size: some of all, and all that are next to an end.
func cuts(size int, ends []int) []int {
	var sizes []int
	for n := 1; n < size; n += 1 + size/50 {
		sizes = append(sizes, n)
	}
	for _, end := range append(ends, 0) {
		for n := max(1, end-10); n <= min(size, end+10); n++ {
			sizes = append(sizes, n)
		}
	}
	return sizes
}

func TestTornPieceIsCutOff(t *testing.T) {
	for _, c := range []Compression{Gzip, Zstd} {
		t.Run(string(c), func(t *testing.T) {
			d := newDisk(t, c)
			d.synced = 1 << 40
			p, err := d.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := p.(*sender)
			send(t, s, batch(0, 100))
			commit(t, s)
			size := s.outputs[s.path].size
			send(t, s, batch(100, 100))
			commit(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(s.path, size+20); err != nil {
				t.Fatal(err)
			}
			s = open(t, d.config)
			send(t, s, batch(100, 1))
			commit(t, s)
			data, err := os.ReadFile(s.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(unpack(t, data, c)); got != linesOf(0, 101) {
				t.Errorf("%d bytes of lines, want %d", len(got), len(linesOf(0, 101)))
			}
		})
	}
}

// Whatever a file holds, repairing it neither fails badly nor cuts what is whole.
func FuzzRepair(f *testing.F) {
	for _, p := range packings() {
		b, err := p.pack(nil, []byte(linesOf(0, 20)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(append(bytes.Clone(b), b[:len(b)/2]...))
	}
	f.Add([]byte(linesOf(0, 3) + `{"n`))
	f.Fuzz(func(t *testing.T, data []byte) {
		size := int64(len(data))
		end, complete, err := lastLine(bytes.NewReader(data), size)
		if err != nil || end < 0 || end > size {
			t.Fatalf("the last line ends at %d of %d, %v", end, size, err)
		}
		if !complete && bytes.IndexByte(data[end:], '\n') >= 0 {
			t.Fatalf("%q would be cut", data[end:])
		}
		if end, err := wholeLines(bytes.NewReader(data), size); err != nil || end != size && bytes.IndexByte(data[end:], 0) < 0 {
			t.Fatalf("%q would be cut, %v", data[end:], err)
		}
		for _, p := range packings() {
			_, end, err := lastWhole(bytes.NewReader(data), size, p)
			if err == nil && (end < 0 || end > size) {
				t.Fatalf("%s: whole up to %d of %d", p.kind(), end, size)
			}
			if end, err := wholePieces(bytes.NewReader(data), size, p); err == nil && (end < 0 || end > size) {
				t.Fatalf("%s: without holes up to %d of %d", p.kind(), end, size)
			}
		}
	})
}

func BenchmarkSend(b *testing.B) {
	for _, place := range []string{"/dev/shm", os.TempDir()} { //nolint:usetesting // two file systems are compared
		for _, c := range []Compression{None, Gzip, Zstd} {
			for _, fsync := range []bool{false, true} {
				name := strings.TrimPrefix(strings.ReplaceAll(place, "/", "_"), "_") + "/" + string(c)
				if fsync {
					name += "/commit-each-batch"
				}
				b.Run(name, func(b *testing.B) { benchmarkSend(b, place, "out.json", c, fsync) })
			}
		}
	}
	b.Run("dev_shm/by-unit", func(b *testing.B) { benchmarkSend(b, "/dev/shm", "{_SYSTEMD_UNIT}-%Y.json", None, false) })
}

func benchmarkSend(b *testing.B, place, name string, c Compression, fsync bool) {
	b.Helper()
	dir, err := os.MkdirTemp(place, "journalpump-bench") //nolint:usetesting // not below the other temporary files
	if err != nil {
		b.Skip(err)
	}
	defer os.RemoveAll(dir)
	cfg := DefaultConfig()
	cfg.FileOutput, cfg.Compression = filepath.Join(dir, name), c
	p, err := cfg.Open(b.Context(), "bench", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	s := p.(*sender)
	records := sendertest.Batch(0, 4000, sendertest.Size(1000))
	written := 0
	sendertest.Measure(b, records, func() error {
		if err := s.Send(b.Context(), records); err != nil {
			return err
		}
		if written += records.Bytes; written > 256<<20 { // not to fill the machine
			written = 0
			b.StopTimer()
			empty(b, s)
			b.StartTimer()
		}
		if fsync {
			return s.Commit(b.Context())
		}
		return nil
	})
}

func empty(b *testing.B, s *sender) {
	b.Helper()
	if err := s.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
	for path := range s.outputs {
		if err := os.Truncate(path, 0); err != nil {
			b.Fatal(err)
		}
	}
}
