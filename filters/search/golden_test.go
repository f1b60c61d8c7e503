package search

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestRecorded compares with what the original counted and sent: see testdata.
func TestRecorded(t *testing.T) {
	entries := readExport(t, filepath.Join("testdata", "edge-clean.export.gz"))
	for _, name := range []string{"searches", "searches-secrets"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name)
			raw, err := os.ReadFile(filepath.Join(dir, "config.json.in"))
			if err != nil {
				t.Fatal(err)
			}
			var config struct {
				Tags   map[string]string
				Statsd struct {
					Prefix string
					Tags   map[string]string
				}
				Readers map[string]struct{ Searches []Config }
			}
			if err := json.Unmarshal(bytes.ReplaceAll(raw, []byte("@STATSD_PORT@"), []byte("0")), &config); err != nil {
				t.Fatal(err)
			}
			s := mustNew(t, Options{}, config.Readers["r"].Searches...)
			matched := make([]bool, len(entries))
			hits, _ := s.Search(newChunker().chunk(notMessage, entries...), matched)

			got := map[string]int64{}
			for _, h := range hits {
				tags := maps.Clone(config.Statsd.Tags)
				maps.Copy(tags, config.Tags)
				tags["reader"] = "r"
				maps.Copy(tags, h.Tags)
				metric := config.Statsd.Prefix + h.Search
				for _, k := range slices.Sorted(maps.Keys(tags)) {
					metric += "," + k + "=" + tags[k]
				}
				got[metric+"|c"] += h.Count
			}
			var want map[string]int64
			raw, err = os.ReadFile(filepath.Join(dir, "statsd.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("counted %v, want %v", got, want)
			}
			sent := bytes.Count(gunzip(t, filepath.Join(dir, "out.ndjson.gz")), []byte("\n"))
			if n := len(slices.DeleteFunc(matched, func(m bool) bool { return !m })); n != sent {
				t.Errorf("%d entries matched, the original sent %d", n, sent)
			}
		})
	}
}

func gunzip(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readExport reads systemd's Journal Export Format (https://systemd.io/JOURNAL_EXPORT_FORMATS).
func readExport(t *testing.T, path string) [][]string {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(gunzip(t, path)))
	var entries [][]string
	var entry []string
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" && len(entry) > 0:
			entries = append(entries, entry)
			entry = nil
		case line == "" || strings.HasPrefix(line, "__"):
		case strings.Contains(line, "="):
			entry = append(entry, line)
		default:
			entry = append(entry, line+"="+readBinary(t, r))
		}
	}
}

func readBinary(t *testing.T, r io.Reader) string {
	t.Helper()
	var n uint64
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, n+1)
	if _, err := io.ReadFull(r, value); err != nil {
		t.Fatal(err)
	}
	return string(value[:n])
}
