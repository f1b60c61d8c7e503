//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"journalpump/test/program"
)

// Python's websockets and snappy, which servers of the original use. The server dies when it has stored some of the entries, after
// more than the second that the sender waits before it takes any for accepted, and some that its library has read and answered the
// ping behind are in no file then.
func TestWebsocket(t *testing.T) {
	python := filepath.Join(venv(t, "websocket", "websockets==15.0.1", "python-snappy==0.7.3"), "python3")
	for name, set := range map[string]map[string]any{
		"default":             {},
		"deflate, no batches": {"compression": "none", "websocket_compression": "deflate", "max_batch_size": 0},
	} {
		t.Run(name, func(t *testing.T) {
			port, file := freePort(t), filepath.Join(t.TempDir(), "entries")
			server := start(t, python, "testdata/websocket.py", port, file, strconv.Itoa(entries/2))
			sender := map[string]any{"output_type": "websocket", "websocket_uri": "ws://127.0.0.1:" + port}
			maps.Copy(sender, set)
			config := configureBatches(t, numberedJournal(t), 20, sender)
			p := program.Start(t, nil, config)
			server.wait(t)
			if n := len(lineNumbers(t, file)); n < entries/2 || n >= entries {
				t.Errorf("%d were there when the server died, which was to be at %d", n, entries/2)
			}
			until(t, "the state file says that some entries were accepted", func() bool { return sent(t, config) > 0 })
			accepted := sent(t, config)
			start(t, python, "testdata/websocket.py", port, file)
			until(t, "all entries are there", func() bool { return distinct(lineNumbers(t, file)) == entries })
			p.Stop(t)
			// What was sent in the last second before the death comes again.
			allOnce(t, lineNumbers(t, file), entries-accepted)
			onceBefore(t, lineNumbers(t, file), accepted, 0)
		})
	}
}

func distinct(numbers []int) int {
	seen := map[int]bool{}
	for _, n := range numbers {
		seen[n] = true
	}
	return len(seen)
}

// lineNumbers returns the numbers of the entries in a file, one a line; a last line that is not whole is left out.
func lineNumbers(t *testing.T, file string) (numbers []int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		var entry struct {
			Message string `json:"MESSAGE"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatalf("%v: %.200q", err, line)
		}
		numbers = append(numbers, number(t, entry.Message))
	}
	return numbers
}
