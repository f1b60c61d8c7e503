package program

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"testing"
)

// Accepted returns how many entries a sender had accepted when its state file was saved, which is up to a second ago; 0 while
// there is none.
func Accepted(t *testing.T, path, reader, sender string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	var state struct {
		Readers map[string]struct {
			Senders map[string]struct {
				Sent struct {
					Count int `json:"count"`
				} `json:"sent"`
			} `json:"senders"`
		} `json:"readers"`
	}
	if err != nil || json.Unmarshal(text, &state) != nil {
		t.Fatalf("state file: %v: %.200q", err, text)
	}
	return state.Readers[reader].Senders[sender].Sent.Count
}
