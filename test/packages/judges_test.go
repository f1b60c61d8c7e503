//go:build packages

package packages

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"journalpump/test/program"
)

// exposed is what `systemd-analyze security` may at most say of the unit: from 2 on it isn't "OK" to us.
const exposed = 2.0

func TestExposure(t *testing.T) {
	t.Parallel()
	said := command(t, "", "systemd-analyze", "security", "--offline=true", "--no-pager", filepath.Join(program.Root(t), "packaging", "journalpump.service"))
	found := regexp.MustCompile(`Overall exposure level for journalpump.service: ([0-9.]+)`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("no exposure level in\n%s", said)
	}
	level, err := strconv.ParseFloat(found[1], 64)
	if err != nil || level >= exposed {
		t.Errorf("the exposure level is %s, %v, want less than %v:\n%s", found[1], err, exposed, said)
	}
}

func TestLintian(t *testing.T) {
	t.Parallel()
	args := []string{"--allow-root", "--info", "--display-info", "--fail-on=error,warning,info"}
	if _, err := os.Stat(filepath.Join(program.Root(t), "build", "package", "documents", "man")); err != nil {
		args = append(args, "--suppress-tags=no-manual-page") // where nothing makes them, the packages can't have any
	}
	judge(t, exec.CommandContext(t.Context(), "lintian", append(args, built(t, "*.deb"))...))
}

func TestRpmlint(t *testing.T) {
	t.Parallel()
	judge(t, exec.CommandContext(t.Context(), filepath.Join(program.Root(t), "packaging", "rpm", "rpmlint"), built(t, "*.rpm")))
}

// judge fails the test unless the command finds nothing that we haven't answered.
func judge(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v, %v\n%s", cmd, err, out)
	}
}

// The list of what is in the binary has all modules in it, in their versions and with their licences.
func TestBillOfMaterials(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(built(t, "*.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat, SpecVersion string
		Components             []struct {
			Name, Version, PURL string
			Evidence            struct{ Licenses []any }
		}
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" || bom.SpecVersion != "1.6" {
		t.Errorf("it is %s %s", bom.BOMFormat, bom.SpecVersion)
	}
	info, err := buildinfo.ReadFile(built(t, "cgo/journalpump"))
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, c := range bom.Components {
		if c.Name != "std" && len(c.Evidence.Licenses) == 0 {
			t.Errorf("%s has no licence", c.Name)
		}
		if !strings.HasPrefix(c.PURL, "pkg:golang/") {
			t.Errorf("%s has the address %q", c.Name, c.PURL)
		}
		listed[c.Name+"@"+c.Version] = true
	}
	for _, dep := range info.Deps {
		if !listed[dep.Path+"@"+dep.Version] {
			t.Errorf("%s %s is not listed", dep.Path, dep.Version)
		}
	}
}

// The packing adds nothing of the machine, the clock or the directory; `make reproducible` compiles anew, too.
func TestReproducible(t *testing.T) {
	t.Parallel()
	judge(t, exec.CommandContext(t.Context(), filepath.Join(program.Root(t), "packaging", "reproducible"), "--quick"))
}
