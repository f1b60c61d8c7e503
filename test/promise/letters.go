package promise

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"journalpump/test/program"
)

// buried returns the numbers of a sender's dead letters, and how many lines of the file were torn, whose letters are there once more.
func (a *agent) buried(t *testing.T, sender string) (dead map[int]bool, torn int) {
	t.Helper()
	dead = map[int]bool{}
	if a.letters == "" {
		return dead, 0
	}
	text, err := os.ReadFile(a.letters)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for line := range bytes.Lines(text) {
		var letter struct {
			Sender string          `json:"sender"`
			Entry  json.RawMessage `json:"entry"`
		}
		switch err := json.Unmarshal(line, &letter); {
		case err != nil:
			torn++
		case letter.Sender == sender:
			for _, n := range appendNumbers(nil, letter.Entry) {
				dead[n] = true
			}
		}
	}
	return dead, torn
}

// replay sends a destination the dead letters again, now that it is not picky any more, and looks whether it has them.
func (r *run) replay(i int) error {
	a, d := r.agent, r.agent.destinations[i]
	dead, torn := a.buried(r.t, sender(i))
	p, ok := d.(picky)
	if len(dead) == 0 {
		return nil
	}
	if !ok {
		return fmt.Errorf("%d dead letters of a destination that refuses nothing", len(dead))
	}
	p.setPicky(false)
	result := program.Start(r.t, a.env, "replay", a.letters, "--sender", sender(i), a.config).Wait(r.t)
	// A process that is killed may have written half a line, most easily on a full disk; replay says that it cannot be read.
	if result.Code != 0 && (result.Code != 1 || torn == 0 || torn > a.kills) {
		return fmt.Errorf("exit status %d, it said:\n%s", result.Code, result.Output)
	}
	for _, n := range d.accepted(r.t) {
		delete(dead, n)
	}
	if len(dead) > 0 {
		return fmt.Errorf("%d are missing", len(dead))
	}
	return nil
}
