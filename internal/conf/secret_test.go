package conf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decodeSecret(t *testing.T, text string) (Secret, []string) {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	o, r := Parse("f", []byte(`{"s": `+string(quoted)+`}`))
	var c struct {
		S Secret `json:"s"`
	}
	o.Decode(&c)
	return c.S, problemTexts(r)
}

func TestSecretsAreFoundWhereTheyAreKept(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"one": "first\n", "two": "with\nlines\r\n", "plain": "x${NOT_EXPANDED}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("CONF_TEST", "value")
	t.Setenv("CONF_EMPTY", "")
	for text, want := range map[string]string{
		"plain":                               "plain",
		"":                                    "",
		"${CONF_TEST}":                        "value",
		"a${CONF_TEST}b${CONF_TEST}":          "avaluebvalue",
		"${CONF_EMPTY}":                       "",
		"$${CONF_TEST} $$ $x $":               "${CONF_TEST} $$ $x $",
		"file:" + dir + "/one":                "first",
		"file:${CREDENTIALS_DIRECTORY}/plain": "x${NOT_EXPANDED}",
		"credential:two":                      "with\nlines",
	} {
		s, problems := decodeSecret(t, text)
		if problems != nil || s.Reveal() != want {
			t.Errorf("%q gave %q, want %q (%v)", text, s.Reveal(), want, problems)
		}
		if s.IsZero() != (want == "") {
			t.Errorf("%q: IsZero is %t", text, s.IsZero())
		}
	}
}

func TestMissingSecretsNameTheirPlaceButNoValue(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for text, want := range map[string]string{
		"hunter2${CONF_NO}${CONF_NEITHER}": "the environment variable CONF_NO, CONF_NEITHER is not set",
		"hunter2${":                        "${ must be followed by the name of an environment variable and }; write $${ for the characters ${ themselves",
		"hunter2${a-b}":                    "${ must be followed by the name of an environment variable and }; write $${ for the characters ${ themselves",
		"file:" + dir + "/no":              "open " + dir + "/no: no such file or directory",
		"file:relative":                    "file: must be followed by an absolute path",
		"file:" + dir + "/large":           dir + "/large is larger than 1MiB",
		"credential:no":                    "open " + dir + "/no: no such file or directory",
		"credential:../etc/passwd":         "credential: must be followed by the name of a systemd credential",
		"credential:..":                    "credential: must be followed by the name of a systemd credential",
	} {
		s, problems := decodeSecret(t, text)
		if diff := cmp.Diff([]string{"f:1:7: s: " + want}, problems); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
		if !s.IsZero() {
			t.Errorf("%q gave a value", text)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, problems := decodeSecret(t, "credential:x")
	if len(problems) != 1 || !strings.Contains(problems[0], "CREDENTIALS_DIRECTORY is not set") {
		t.Errorf("got %q", problems)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	s := NewSecret("hunter2")
	wrapped := struct{ S Secret }{s}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "secret", s, "wrapped", wrapped, "pointer", &s)
	js, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": wrapped})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprint(s, &s, wrapped, &wrapped) + fmt.Sprintf("%s %q %v %+v %#v %x %d %#v %+v", s, s, s, s, s, s, s, wrapped, &wrapped) +
		log.String() + string(js) + s.String() + s.GoString()
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("shown: %s", shown)
	}
	if !strings.Contains(shown, "***") {
		t.Errorf("no stars: %s", shown)
	}
	if s.Reveal() != "hunter2" {
		t.Error("not revealed")
	}
}
