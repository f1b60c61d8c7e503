package conf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxSecret is how large a file with a secret may be: enough for any key, and no mistake for a log file.
const maxSecret = 1 << 20

const hidden = "***"

// Secret is a string that must not be shown: it prints as ***. In the file it is the value itself, with ${NAME} in it
// replaced by that environment variable ($${ stands for ${ itself), or
//
//	file:/path        the contents of a file, without the line break at its end
//	credential:NAME   the same of the systemd credential, see systemd.exec(5), LoadCredential=
//
// It is resolved when it is decoded. What is missing is an error that names the variable or file, never the value.
type Secret struct{ value string } //nolint:recvcheck // a value that decodes itself

// NewSecret returns a Secret of a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns "***".
func (Secret) String() string { return hidden }

// GoString returns "***".
func (Secret) GoString() string { return hidden }

// Format prints "***" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON returns "***" in quotes.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue returns "***".
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// DecodeConf implements Decoder.
func (s *Secret) DecodeConf(v Value) error {
	text, ok := v.Text()
	if !ok {
		return fmt.Errorf("must be a string, not %s", v.Kind())
	}
	value, err := resolve(text)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(value))
	v.n.secret = "sha256:" + hex.EncodeToString(sum[:])
	s.value = value
	return nil
}

func resolve(text string) (string, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		path, err := expand(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(path) {
			return "", errors.New("file: must be followed by an absolute path")
		}
		return readSecret(path)
	}
	if name, ok := strings.CutPrefix(text, "credential:"); ok {
		return readCredential(name)
	}
	return expand(text)
}

func readCredential(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return "", errors.New("credential: must be followed by the name of a systemd credential")
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", fmt.Errorf("there is no credential %q: systemd passed none (CREDENTIALS_DIRECTORY is not set; see LoadCredential= in systemd.exec(5))", name)
	}
	return readSecret(filepath.Join(dir, name))
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err // names the path
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("%s is larger than %s", path, Size(maxSecret))
	}
	b = bytes.TrimSuffix(b, []byte("\n"))
	return string(bytes.TrimSuffix(b, []byte("\r"))), nil
}

var variable = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// expand replaces ${NAME} by environment variables and $${ by ${.
func expand(text string) (string, error) {
	var missing []string
	malformed := false
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		switch m {
		case "$${":
			return "${"
		case "${":
			malformed = true
			return m
		}
		name := m[2 : len(m)-1]
		value, ok := os.LookupEnv(name)
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	switch {
	case malformed:
		return "", errors.New("${ must be followed by the name of an environment variable and }; write $${ for the characters ${ themselves")
	case len(missing) > 0:
		return "", fmt.Errorf("the environment variable %s is not set", strings.Join(missing, ", "))
	}
	return out, nil
}
