package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// object is a part of a configuration.
type object = map[string]any

// setup is a directory with a configuration of one reader and one file sender, called r and out.
type setup struct {
	dir string
}

func newSetup(t *testing.T) setup { t.Helper(); return setup{t.TempDir()} }

func (s setup) config() string { return filepath.Join(s.dir, "config.json") }
func (s setup) state() string  { return filepath.Join(s.dir, "state.json") }

// file is the path of a sender's output.
func (s setup) file(sender string) string { return filepath.Join(s.dir, sender+".ndjson") }

// sender returns the settings of a file sender.
func (s setup) sender(name string) object {
	return object{"output_type": "file", "file_output": s.file(name)}
}

// configWith returns a whole configuration with one reader.
func (s setup) configWith(reader object) object {
	return object{"json_state_file_path": s.state(), "readers": object{"r": reader}}
}

// write writes the configuration of a reader with the given settings and the sender out, unless it names senders.
func (s setup) write(t *testing.T, reader object) {
	t.Helper()
	if reader["senders"] == nil {
		reader["senders"] = object{"out": s.sender("out")}
	}
	b, err := json.MarshalIndent(s.configWith(reader), "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(b))
}

// writeText writes a configuration as it is.
func (s setup) writeText(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
