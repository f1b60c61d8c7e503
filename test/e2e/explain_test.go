package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
)

// onCall is a journal of which a person on call would ask something, and a configuration that leaves out and changes much.
func onCall(t *testing.T) setup {
	t.Helper()
	dir := journalOf(t,
		"MESSAGE=login with password=hunter2\nPRIORITY=6\n_SYSTEMD_UNIT=web.service\n_HOSTNAME=box\n_CMDLINE=web --password=hunter2\n",
		"MESSAGE=checkpoint starting\nPRIORITY=7\n_SYSTEMD_UNIT=postgresql.service\n_HOSTNAME=box\n",
		"MESSAGE=deadlock detected\nPRIORITY=3\n_SYSTEMD_UNIT=postgresql.service\n_HOSTNAME=box\n",
		"MESSAGE=of no interest\nPRIORITY=6\n_SYSTEMD_UNIT=cron.service\n_HOSTNAME=box\n",
		"MESSAGE=written by us\nPRIORITY=6\n_SYSTEMD_UNIT=web.service\nSYSLOG_IDENTIFIER=journalpump\n_COMM=journalpump\n",
	)
	s := newSetup(t)
	quiet := s.sender("quiet")
	quiet["unit_log_level"], quiet["field_filter"] = "quiet", "no_host"
	quiet["extra_field_values"] = object{"env": "prod"}
	errorsOnly := s.sender("errors")
	errorsOnly["match_key"], errorsOnly["match_value"] = "PRIORITY", 3
	config := s.configWith(object{
		"journal_path":   dir,
		"units_to_match": []string{"web.service", "postgresql*"},
		"exclude_self":   true,
		"secret_filters": []object{{"pattern": "(password=)\\w+", "replacement": "\\1[REDACTED]"}},
		"senders":        object{"quiet": quiet, "errors": errorsOnly},
	})
	config["unit_log_levels"] = object{"quiet": []object{{"service_glob": "cron*", "log_level": "ERROR"}, {"service_glob": "postgresql*", "log_level": "INFO"}}}
	config["field_filters"] = object{"no_host": object{"type": "blacklist", "fields": []string{"hostname"}}}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))
	return s
}

// explained is what explain --json says of an entry.
type explained struct {
	Message string `json:"message"`
	Cursor  string `json:"cursor"`
	Senders []struct {
		Sender  string `json:"sender"`
		Gets    bool   `json:"gets"`
		LeftOut struct {
			Path string `json:"path"`
			Line int    `json:"line"`
			Why  string `json:"why"`
		} `json:"left_out"`
		Delivery struct {
			Status string `json:"status"`
			Why    string `json:"why"`
		} `json:"delivery"`
		Changes []struct {
			Field, Kind, Before, After, Note string
		} `json:"changes"`
	} `json:"senders"`
}

func explainJSON(t *testing.T, args ...string) []explained {
	t.Helper()
	r := program.Run(t, append([]string{"explain", "--json"}, args...)...)
	if r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	if strings.Contains(r.Output, "hunter2") {
		t.Errorf("the secret is given away:\n%s", r.Output)
	}
	var entries []explained
	d := json.NewDecoder(strings.NewReader(r.Output))
	for d.More() {
		var e explained
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%v in %s", err, r.Output)
		}
		entries = append(entries, e)
	}
	return entries
}

// What explain says of each entry is what then happens to it.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := onCall(t)
	before := explainJSON(t, s.config())
	if len(before) != 5 {
		t.Fatalf("%d entries are explained", len(before))
	}
	for i, want := range []struct {
		quiet, errors string // why it is left out
	}{
		{"", "PRIORITY is 6 and must be 3"},
		{"DEBUG is less severe than INFO for glob postgresql*", "PRIORITY is 7 and must be 3"},
		{"", ""},
		{"the reader reads other units than cron.service", "the reader reads other units than cron.service"},
		{"journalpump itself wrote it", "journalpump itself wrote it"},
	} {
		e := before[i]
		errors, quiet := e.Senders[0], e.Senders[1]
		if errors.Sender != "errors" || !strings.HasPrefix(quiet.LeftOut.Why, want.quiet) || quiet.Gets != (want.quiet == "") ||
			!strings.HasPrefix(errors.LeftOut.Why, want.errors) || errors.Gets != (want.errors == "") {
			t.Errorf("%s: %+v", e.Message, e.Senders)
		}
		if !strings.Contains(quiet.Delivery.Why, "no state file") && !strings.Contains(quiet.Delivery.Why, "there is no state file") {
			t.Errorf("%s: %+v", e.Message, quiet.Delivery)
		}
	}
	if p := before[1].Senders[1].LeftOut; p.Path != "unit_log_levels.quiet[1]" || p.Line == 0 {
		t.Errorf("it is said to be at %+v", p)
	}

	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	for _, name := range []string{"quiet", "errors"} {
		text, err := os.ReadFile(s.file(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range before {
			sent := strings.Contains(string(text), strings.ReplaceAll(e.Message, "********", "[REDACTED]"))
			for _, x := range e.Senders {
				if x.Sender == name && x.Gets != sent {
					t.Errorf("%s got %q: %t", name, e.Message, sent)
				}
			}
		}
	}
	after := explainJSON(t, s.config(), "--sender", "quiet", "--grep", "login", "--all")
	if len(after) != 1 || len(after[0].Senders) != 1 {
		t.Fatalf("explained %+v", after)
	}
	quiet := after[0].Senders[0]
	if quiet.Delivery.Status != "delivered" {
		t.Errorf("%+v", quiet.Delivery)
	}
	kinds := map[string]string{}
	for _, c := range quiet.Changes {
		kinds[c.Field] = c.Kind + " " + c.Before + " " + c.After
		if c.Field == "CMDLINE" && !strings.Contains(c.Note, "secret_filters apply to MESSAGE only") {
			t.Errorf("nothing is said of the secret in another field: %+v", c)
		}
	}
	for field, want := range map[string]string{
		"MESSAGE":  `redacted "login with password=********" "login with password=[REDACTED]"`,
		"HOSTNAME": `left out "box" `,
		"env":      `added  "prod"`,
		"CMDLINE":  `same "web --password=********" "web --password=********"`,
	} {
		if kinds[field] != want {
			t.Errorf("%s: %s, want %s", field, kinds[field], want)
		}
	}
}

func TestExplainChooses(t *testing.T) {
	t.Parallel()
	s := onCall(t)
	all := explainJSON(t, s.config())
	for _, c := range []struct {
		name string
		args []string
		want string // messages
	}{
		{"the newest", []string{"-n", "1"}, "written by us"},
		{"a unit", []string{"-u", "postgresql"}, "checkpoint starting,deadlock detected"},
		{"a glob, the newest", []string{"-u", "post*", "-n1"}, "deadlock detected"},
		{"a cursor", []string{"--cursor", all[2].Cursor}, "deadlock detected"},
		{"a part of a cursor", []string{"-c", strings.Join(strings.Split(all[1].Cursor, ";")[:2], ";")}, "checkpoint starting"},
		{"since", []string{"--since", "@1760000000.004"}, "of no interest,written by us"},
		{"until", []string{"--until", "@1760000000.001"}, "login with password=********"},
		{"both, with a pattern", []string{"-S", "@1760000000", "-U", "@1760000001", "-g", "D.*t"}, ""},
		{"all of them", []string{"-n", "0", "--reader", "r"}, "login with password=********,checkpoint starting,deadlock detected,of no interest,written by us"},
	} {
		args := append([]string{s.config()}, c.args...)
		if c.want == "" {
			if r := program.Run(t, append([]string{"explain"}, args...)...); r.Code != 1 || !strings.Contains(r.Output, "hint: ") {
				t.Errorf("%s: exit status %d, %s", c.name, r.Code, r.Output)
			}
			continue
		}
		var messages []string
		for _, e := range explainJSON(t, args...) {
			messages = append(messages, e.Message)
		}
		if got := strings.Join(messages, ","); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// For people: a diff, plain where it does not go to a terminal, and nothing is touched.
func TestExplainForPeople(t *testing.T) {
	t.Parallel()
	s := onCall(t)
	r := program.Run(t, "explain", s.config())
	if r.Code != 0 || strings.Contains(r.Output, "hunter2") || strings.Contains(r.Output, "\x1b") {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	for _, want := range []string{
		"      - MESSAGE: \"login with password=********\"\n      + MESSAGE: \"login with password=[REDACTED]\"   # redacted by readers.r.secret_filters[0] (line ",
		"  r/quiet does not get it\n      unit_log_levels.quiet[1] (line ",
		"      + env: \"prod\"   # added by readers.r.senders.quiet.extra_field_values.env (line ",
		"      - HOSTNAME: \"box\"   # left out by field_filters.no_host (line ",
		"web.service  info\n  login with password=********\n  s=",
	} {
		if !strings.Contains(r.Output, want) {
			t.Errorf("it does not say %q:\n%s", want, r.Output)
		}
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("there are files now: %v, %v", files, err)
	}
}

// A sender that lags, and one whose destination refuses for good.
func TestExplainSaysWhatIsNotDelivered(t *testing.T) {
	t.Parallel()
	s := onCall(t)
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	all := explainJSON(t, s.config())
	text, err := os.ReadFile(s.state())
	if err != nil {
		t.Fatal(err)
	}
	// Back to the second entry, as the documentation says how to.
	var state map[string]any
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	sender, ok := state["readers"].(object)["r"].(object)["senders"].(object)["quiet"].(object)
	if !ok {
		t.Fatalf("no such sender in %s", text)
	}
	sender["sent"].(object)["cursor"] = all[1].Cursor
	if text, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.state(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var statuses []string
	for _, e := range explainJSON(t, s.config(), "--sender", "r/quiet") {
		statuses = append(statuses, e.Senders[0].Delivery.Status)
	}
	if got := strings.Join(statuses, ","); got != "delivered,passed,to come,to come,to come" {
		t.Errorf("they are %s", got)
	}
}

func TestExplainSaysWhatWasBeforeTheSender(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.write(t, object{"journal_path": numberedJournal(t, 3), "initial_position": "tail"})
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	for _, e := range explainJSON(t, s.config()) {
		if d := e.Senders[0].Delivery; d.Status != "before" {
			t.Errorf("%s: %+v", e.Message, d)
		}
	}
}
