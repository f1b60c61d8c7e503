package guard

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "0": 0, "123": 123, "1K": 1024, "1.5M": 1536 << 10, "2G": 2 << 30, "1T": 1 << 40, "8 M": 8 << 20, "64MB": 64 << 20,
		"lots": 0, "-1": 0, "M": 0, "1e300": 0, "8E": 0, "NaN": 0, "infM": 0,
	} {
		if got := parseSize(text); got != want {
			t.Errorf("%q is %d bytes, want %d", text, got, want)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, "2h 30min": 150 * time.Minute, "1h30": time.Hour + 30*time.Second, "1month": 2629800 * time.Second,
		"1week": 7 * 24 * time.Hour, "0.5 d": 12 * time.Hour, "soon": 0, "1 fortnight": 0, "1.2.3s": 0, "10000 years 1e": 0, "9999999years": 0,
	} {
		if got := parseSpan(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"etc/systemd/journald.conf":                   "# SystemMaxFiles=1\n[Journal]\n#SystemMaxUse=1\nSystemMaxUse = 1G\nSystemKeepFree=7\n[Other]\nSystemMaxUse=2\n",
		"run/systemd/journald.conf":                   "[Journal]\nSystemMaxUse=3\nRuntimeMaxUse=3\n",
		"usr/lib/systemd/journald.conf.d/10-use.conf": "[Journal]\nSystemMaxUse=4\nSystemMaxFiles=4\n",
		"etc/systemd/journald.conf.d/10-use.conf":     "[Journal]\nSystemMaxUse=5\n",
		"run/systemd/journald.conf.d/20-use.conf":     "[Journal]\nMaxRetentionSec=1day\n",
		"run/systemd/journald@app.conf.d/x.conf":      "[Journal]\nSystemMaxUse=6\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for namespace, want := range map[string]map[string]string{
		"":     {"SystemMaxUse": "5", "SystemKeepFree": "7", "MaxRetentionSec": "1day"},
		"app":  {"SystemMaxUse": "6"},
		"none": {},
	} {
		got := settings(root, namespace)
		for key, value := range want {
			if got[key] != value {
				t.Errorf("namespace %q: %s is %q, want %q", namespace, key, got[key], value)
			}
		}
		if len(got) != len(want) {
			t.Errorf("namespace %q: %v, want %v", namespace, got, want)
		}
	}
}

func TestDefaultsAreJournalds(t *testing.T) {
	for _, c := range []struct {
		given limits
		disk  int64
		want  limits
	}{
		{limits{}, 100 * gib, limits{use: 4 * gib, keepFree: 4 * gib, files: 100, fileSize: 128 * mib, known: true}},
		{limits{}, 10 * gib, limits{use: 1 * gib, keepFree: 1536 * mib, files: 100, fileSize: 128 * mib, known: true}},
		{limits{use: 16 * mib}, 100 * gib, limits{use: 16 * mib, keepFree: 4 * gib, files: 100, fileSize: 2 * mib, known: true}},
		{limits{use: mib, keepFree: mib, files: 3, fileSize: mib}, gib, limits{use: mib, keepFree: mib, files: 3, fileSize: mib, known: true}},
	} {
		got := c.given
		got.setDefaults(c.disk)
		if got != c.want {
			t.Errorf("%+v on a disk of %d: %+v, want %+v", c.given, c.disk, got, c.want)
		}
	}
}

func TestWhoseDirectories(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	for dir, want := range map[string][2]string{
		"/var/log/journal/" + id:          {"System", ""},
		"/var/log/journal/" + id + ".app": {"System", "app"},
		"/run/log/journal/" + id:          {"Runtime", ""},
		"/var/log/journal/remote":         {},
		"/srv/journal/" + id:              {},
	} {
		storage, namespace, _ := journaldOwns(dir)
		if got := [2]string{storage, namespace}; got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
}
