package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
)

// audited is what audit --json says of a sender.
type audited struct {
	Sender  string
	Verdict string
	Why     string
	From    string
	Ledger  struct {
		Read, Filtered, Accepted int64
		DeadLettered             int64 `json:"dead_lettered"`
	}
	Journal struct{ Read, Filtered, Sent, Missing int64 }
}

func auditJSON(t *testing.T, code int, args ...string) map[string]audited {
	t.Helper()
	r := program.Run(t, append([]string{"audit", "--json"}, args...)...)
	var list []audited
	if err := json.Unmarshal([]byte(r.Output), &list); err != nil || r.Code != code {
		t.Fatalf("exit status %d, want %d; %v:\n%s", r.Code, code, err, r.Output)
	}
	bySender := map[string]audited{}
	for _, a := range list {
		bySender[a.Sender] = a
	}
	return bySender
}

// edit changes what the state file says of a sender.
func (s setup) edit(t *testing.T, sender string, change func(sender object)) {
	t.Helper()
	text, err := os.ReadFile(s.state())
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Readers map[string]map[string]any `json:"readers"`
	}
	var all object
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	senders, ok := state.Readers["r"]["senders"].(object)
	if !ok {
		t.Fatalf("no senders in %s", text)
	}
	which, ok := senders[sender].(object)
	if !ok {
		t.Fatalf("no sender %s in %s", sender, text)
	}
	change(which)
	all["readers"] = state.Readers
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.state(), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	const entries = 5000
	dir := numberedJournal(t, entries)
	s := newSetup(t)
	errorsOnly := s.sender("errors")
	errorsOnly["unit_log_level"] = "errors"
	reader := object{
		"journal_path":    dir,
		"unit_log_levels": object{"errors": []object{{"service_glob": "*", "log_level": "ERROR"}}},
		"senders":         object{"out": s.sender("out"), "errors": errorsOnly},
	}
	s.write(t, reader)
	if r := program.Run(t, "audit", s.config()); r.Code != 1 || !strings.Contains(r.Output, "hint: ") {
		t.Errorf("without a state: exit status %d, %s", r.Code, r.Output)
	}
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	got := auditJSON(t, 0, s.config())
	if a := got["out"]; a.Verdict != "adds up" || a.Ledger.Read != entries || a.Journal.Read != entries || a.Journal.Sent != entries || a.Ledger.Accepted != entries {
		t.Errorf("out: %+v", a)
	}
	if a := got["errors"]; a.Verdict != "adds up" || a.Journal.Sent != entries/2 || a.Ledger.Accepted != entries/2 || a.Ledger.Filtered != entries/2 {
		t.Errorf("errors: %+v", a)
	}
	if r := program.Run(t, "audit", s.config(), "--sender", "out"); r.Code != 0 || !strings.Contains(r.Output, "adds up") || strings.Contains(r.Output, "errors") {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}

	// A ledger that lacks entries, and one that has too many.
	count := func(name string, by float64) {
		s.edit(t, name, func(sender object) {
			ledger, ok := sender["ledger"].(object)
			if !ok {
				t.Fatal("there is no ledger")
			}
			for _, key := range []string{"read", "accepted"} {
				if n, ok := ledger[key].(float64); ok {
					ledger[key] = n + by
				}
			}
		})
	}
	count("out", -3)
	count("errors", 2)
	got = auditJSON(t, 1, s.config())
	if a := got["out"]; a.Verdict != "does not add up" || !strings.Contains(a.Why, "the ledger has 3 fewer than the journal") {
		t.Errorf("out: %+v", a)
	}
	if a := got["errors"]; a.Verdict != "does not add up" || !strings.Contains(a.Why, "the journal does not have 2") {
		t.Errorf("errors: %+v", a)
	}
	count("out", 3)
	count("errors", -2)
	auditJSON(t, 0, s.config())

	// What cannot be known is said.
	errorsOnly["unit_log_level"] = nil
	s.write(t, reader)
	got = auditJSON(t, 0, s.config())
	if a := got["errors"]; a.Verdict != "unknown" || !strings.Contains(a.Why, "the configuration is another one") {
		t.Errorf("errors: %+v", a)
	}
	s.edit(t, "out", func(sender object) { sender["marks"] = nil })
	if a := auditJSON(t, 0, s.config())["out"]; a.Verdict != "unknown" {
		t.Errorf("without marks: %+v", a)
	}
}

// What was vacuumed since cannot be counted, and that is said; what came after a later mark can.
func TestAuditAfterVacuum(t *testing.T) {
	t.Parallel()
	dir := numberedJournal(t, 3000)
	files, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	s := newSetup(t)
	s.write(t, object{"journal_path": dir})
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	if a := auditJSON(t, 0, s.config())["out"]; a.Verdict != "adds up" || a.From != "" {
		t.Fatalf("before: %+v", a)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	other := numberedJournal(t, 10) // another sequence, that nobody has read
	newer, err := filepath.Glob(filepath.Join(other, "*.journal"))
	if err != nil || len(newer) != 1 {
		t.Fatalf("%v, %v", newer, err)
	}
	if err := os.Rename(newer[0], files[0]); err != nil {
		t.Fatal(err)
	}
	a := auditJSON(t, 0, s.config())["out"]
	if a.Verdict != "adds up" || a.From == "" || !strings.HasPrefix(a.Why, "3,000 entries that were read before ") {
		t.Errorf("after: %+v", a)
	}
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	if a := auditJSON(t, 0, s.config())["out"]; a.Verdict != "adds up" || a.Journal.Read != 10 || a.Ledger.Read != 10 {
		t.Errorf("with the new ones: %+v", a)
	}
	s.edit(t, "out", func(sender object) {
		if marks, ok := sender["marks"].([]any); ok {
			sender["marks"] = marks[:1]
		}
	})
	if a := auditJSON(t, 0, s.config())["out"]; a.Verdict != "adds up so far" || a.Journal.Read != 10 || a.Ledger.Read != 3010 ||
		!strings.Contains(a.Why, "3,000 entries that were counted are not in the journal any more") {
		t.Errorf("with the first mark alone: %+v", a)
	}
}
