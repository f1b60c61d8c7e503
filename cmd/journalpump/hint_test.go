package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/cmd/journalpump/config"
	"journalpump/pump"
	"journalpump/state"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string // part of the hint; "" if there is none
	}{
		{errors.New("something"), ""},
		{fmt.Errorf("reader r: %w", advise(errors.New("x"), "do %s", "this")), "do this"},
		{fmt.Errorf("x: %w: %w", pump.ErrNotYet, fs.ErrPermission), "systemd-journal"},
		{fmt.Errorf("x: %w", pump.ErrNotYet), "journal_path"},
		{&fs.PathError{Op: "open", Path: "x", Err: unix.EACCES}, "as root"},
		{fmt.Errorf("the state file x %w", state.ErrInUse), "stop the other one"},
		{&fs.PathError{Op: "write", Path: "x", Err: unix.ENOSPC}, "disk is full"},
		{&fs.PathError{Op: "open", Path: "x", Err: unix.EMFILE}, "LimitNOFILE"},
		{fmt.Errorf("listen: %w", unix.EADDRINUSE), "another port"},
	} {
		hint := hintFor(c.err)
		if !strings.Contains(hint, c.want) || (c.want == "") != (hint == "") {
			t.Errorf("%v: %q", c.err, hint)
		}
		var out bytes.Buffer
		showError(&out, c.err)
		if lines := strings.Count(out.String(), "\n"); lines != 1 && c.want == "" || lines != 2 && c.want != "" {
			t.Errorf("shown as %q", out.String())
		}
	}
}

// What is on the command line is answered with what is right.
func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "c.json")
	if err := os.WriteFile(path, []byte(`{"readers": {"sys": {"senders": {"kafka": {"output_type": "stdout"}}}, "app": {"senders": {"kafka": {"output_type": "stdout"}}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string // the error or its hint
	}{
		{[]string{"statis"}, "did you mean `journalpump status`?"},
		{[]string{}, "the path of a configuration is missing"},
		{[]string{"run", "--onse", path}, "did you mean --once?"},
		{[]string{"run", "--nothing", path}, "`journalpump run --help` lists the flags"},
		{[]string{"--once", "--timeout", "10", path}, "a number with its unit"},
		{[]string{"statis", path}, "did you mean `journalpump status`?"},
		{[]string{"explain", path, "--sender", "kafla"}, "did you mean kafka?"},
		{[]string{"explain", path, "--reader", "sy"}, "the configuration has sys, app"},
		{[]string{"explain", path, "--since", "soon"}, `"soon" is no time`},
		{[]string{"explain", path, "--cursor", "x"}, "put it in quotes"},
		{[]string{"explain", path, "--grep", "("}, "--grep: "},
		{[]string{"explain", path, "-n", "-1"}, "must not be negative"},
		{[]string{"tail", path, "--sender", "nobody"}, "the configuration has sys/kafka, app/kafka"},
		{[]string{"audit", path, "--sender", "app/kafka"}, "there is no state file"},
		{[]string{"replay", "dead", path, "--sender", "kafka"}, "may be sys/kafka or app/kafka"},
		{[]string{"replay", filepath.Join(dir, "dead"), path, "--sender", "app/kafka"}, "dead_letter_file"},
	} {
		root := newRootCommand()
		root.SetArgs(c.args)
		root.SetOut(new(bytes.Buffer))
		err := root.ExecuteContext(t.Context())
		if err == nil {
			t.Errorf("%q: no error", c.args)
			continue
		}
		if said := err.Error() + " " + hintFor(err); !strings.Contains(said, c.want) {
			t.Errorf("%q: %s", c.args, said)
		}
	}
}

func TestConfigHint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "there.json")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{there: "journalpump check", filepath.Join(dir, "missing"): "packaging/examples"} {
		if hint := configHint(path); !strings.Contains(hint, want) {
			t.Errorf("%s: %q", path, hint)
		}
	}
}

func TestWhatIsChosen(t *testing.T) {
	t.Parallel()
	c, report := config.Parse("c.json", []byte(`{"readers": {
		"a": {"senders": {"x": {"output_type": "stdout"}, "y": {"output_type": "stdout"}}},
		"b": {"senders": {"x": {"output_type": "stdout"}}}, "c": {}
	}}`))
	if report.HasErrors() {
		t.Fatal(report.Err())
	}
	for _, tc := range []struct {
		choice choice
		want   string
	}{
		{choice{}, "a/x a/y b/x c"},
		{choice{reader: "a"}, "a/x a/y"},
		{choice{sender: "x"}, "a/x b/x"},
		{choice{sender: "b/x"}, "b/x"},
		{choice{reader: "a", sender: "x"}, "a/x"},
		{choice{reader: "c"}, "c"},
		{choice{reader: "b", sender: "y"}, `there is no sender "y"; the configuration has a/x, a/y, b/x`},
	} {
		var got []string
		chosen, err := tc.choice.of(c)
		for _, r := range chosen {
			for _, s := range r.senders {
				got = append(got, r.Name+"/"+s.Name)
			}
			if len(r.senders) == 0 {
				got = append(got, r.Name)
			}
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%+v: %v", tc.choice, got)
		}
	}
}
