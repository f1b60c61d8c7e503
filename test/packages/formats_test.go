//go:build packages

package packages

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The static binary of the archive runs in a root directory with nothing else in it, with the configuration that comes along.
func TestTarball(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	command(t, root, "tar", "-xzf", built(t, "*.tar.gz"), "--strip-components=1")
	for _, file := range []string{
		"usr/lib/systemd/system/journalpump.service", "usr/lib/sysusers.d/journalpump.conf", "usr/lib/tmpfiles.d/journalpump.conf",
		"etc/logrotate.d/journalpump", "usr/share/doc/journalpump/LICENSE", "usr/share/doc/journalpump/third-party-notices.gz",
	} {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Error(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "var/lib/journalpump"), 0o755); err != nil {
		t.Fatal(err)
	}
	runIn(t, root, 0, "/usr/bin/journalpump", "check", "/etc/journalpump/journalpump.json")
}

// An apk is two archives one after the other: the first says what the second must be.
func TestAPK(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(built(t, "*.apk"))
	if err != nil {
		t.Fatal(err)
	}
	rest := bytes.NewReader(data)
	buffered := bufio.NewReader(rest)
	z, err := gzip.NewReader(buffered)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	control := untar(t, z)
	segment := data[len(data)-rest.Len()-buffered.Buffered():]

	info := string(control[".PKGINFO"])
	sum := sha256.Sum256(segment)
	for _, line := range []string{
		`pkgname = journalpump`, `pkgver = \d+\.\d+\.\d+(_pre\d+)?-r1`, `arch = x86_64`, `license = Apache-2.0`,
		`datahash = ` + hex.EncodeToString(sum[:]),
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(info) {
			t.Errorf("no line %q in .PKGINFO:\n%s", line, info)
		}
	}
	if script := control[".post-install"]; !bytes.HasPrefix(script, []byte("#!/bin/sh\n")) {
		t.Errorf("this is no shell script: %.60q", script)
	}
	if z, err = gzip.NewReader(bytes.NewReader(segment)); err != nil {
		t.Fatal(err)
	}
	files := untar(t, z)
	root := t.TempDir()
	write(t, filepath.Join(root, "journalpump"), string(files["usr/bin/journalpump"]), 0o755)
	write(t, filepath.Join(root, "journalpump.json"), string(files["etc/journalpump/journalpump.json"]), 0o644)
	runIn(t, root, 0, "/journalpump", "check", "/journalpump.json")
}

// The image is one in docker's format and in OCI's, and its program runs as nobody in particular in nothing but its layer.
func TestContainer(t *testing.T) {
	t.Parallel()
	image := built(t, "*.tar")
	for _, transport := range []string{"oci-archive:", "docker-archive:"} {
		dir := t.TempDir()
		command(t, "", "skopeo", "copy", transport+image, "dir:"+dir) // looks at all sums
		var config struct {
			Config struct {
				User            string
				Entrypoint, Cmd []string
			} `json:"config"`
		}
		if err := json.Unmarshal([]byte(command(t, "", "skopeo", "inspect", "--config", transport+image)), &config); err != nil {
			t.Fatal(err)
		}
		if c := config.Config; c.User != "65532:65532" || strings.Join(append(c.Entrypoint, c.Cmd...), " ") != "/usr/bin/journalpump run /etc/journalpump/journalpump.json" {
			t.Errorf("%s it runs %+v", transport, c)
		}
	}

	dir, root := t.TempDir(), t.TempDir()
	command(t, dir, "tar", "-xf", image)
	var manifest []struct{ Layers []string }
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil || json.Unmarshal(text, &manifest) != nil {
		t.Fatalf("the manifest is %s, %v", text, err)
	}
	if len(manifest) != 1 || len(manifest[0].Layers) != 1 {
		t.Fatalf("want one image of one layer, got %+v", manifest)
	}
	command(t, root, "tar", "-xzpf", filepath.Join(dir, manifest[0].Layers[0]))
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	runIn(t, root, 65532, "/usr/bin/journalpump", "check", "/etc/journalpump/journalpump.json")
	runIn(t, root, 65532, "/usr/bin/journalpump", "--once", "/etc/journalpump/journalpump.json") // which writes its state

	authorities, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(authorities) || bytes.Count(authorities, []byte("BEGIN CERTIFICATE")) < 50 {
		t.Errorf("these are no authorities that Go reads: %.200q", authorities)
	}
}

// untar returns the files of an archive by their names. Those of apk end without the blocks that end an archive.
func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatalf("reading an archive: %v", err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatalf("reading an archive: %v", err)
		}
		files[header.Name] = data
	}
}

// runIn runs a program in a root directory as the user.
func runIn(t *testing.T, root string, user uint32, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Path, cmd.Err, cmd.Dir, cmd.Env = args[0], nil, "/", []string{} // it was looked for outside the new root
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: user}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%q in %s: %v\n%s", args, root, err, out)
	}
}
