package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"journalpump/test/program"
)

// What the program logs itself is pumped like everything else, as the original does, unless exclude_self is set. Others who
// only take its name are never left out.
func TestExcludeSelf(t *testing.T) {
	t.Parallel()
	dir := journalOf(t,
		"MESSAGE=before\nSYSLOG_IDENTIFIER=sshd\n_COMM=sshd\n_PID=5\n",
		"MESSAGE=own 1\nSYSLOG_IDENTIFIER=journalpump\n_COMM=journalpump\n_PID=77\n",
		"MESSAGE=impostor\nSYSLOG_IDENTIFIER=journalpump\n_COMM=logger\n_PID=78\n",
		"MESSAGE=own 2\nSYSLOG_IDENTIFIER=journalpump\n_COMM=journalpump\n_PID=79\nPRIORITY=4\n",
		"MESSAGE=about it\nSYSLOG_IDENTIFIER=systemd\n_COMM=systemd\nUNIT=journalpump.service\n",
	)
	all := []string{"before", "own 1", "impostor", "own 2", "about it"}
	for name, tt := range map[string]struct {
		reader object
		want   []string
	}{
		"default":      {object{}, all},
		"false":        {object{"exclude_self": false}, all},
		"true":         {object{"exclude_self": true}, []string{"before", "impostor", "about it"}},
		"libsystemd":   {object{"exclude_self": true, "journal_backend": "libsystemd"}, []string{"before", "impostor", "about it"}},
		"searches too": {object{"exclude_self": true, "searches": []object{{"name": "s", "fields": object{"MESSAGE": "^(own|about)"}}}}, []string{"about it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			reader := maps.Clone(tt.reader)
			reader["journal_path"] = dir
			s.write(t, reader)
			if r := program.Run(t, "--once", s.config()); r.Code != 0 {
				t.Fatalf("exit status %d: %s", r.Code, r.Output)
			}
			if got := messages(t, s.file("out")); !slices.Equal(got, tt.want) {
				t.Errorf("pumped %q, want %q", got, tt.want)
			}
		})
	}
}

// messages returns the MESSAGEs in a file sender's output.
func messages(t *testing.T, file string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var entry struct {
			Message string `json:"MESSAGE"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatalf("%s: %v in %q", file, err, line)
		}
		all = append(all, entry.Message)
	}
	return all
}
