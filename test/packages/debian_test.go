//go:build packages

package packages

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
)

func TestMain(m *testing.M) {
	if err := makeDebian(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// debianDirectory is the root directory of a Debian that nobody has used yet, seen from here.
const debianDirectory = "../../build/debian"

// debian returns that directory.
func debian(t *testing.T) string {
	t.Helper()
	return filepath.Join(program.Root(t), "build", "debian")
}

// makeDebian makes it, from the mirror that this machine's apt uses, unless it is there.
func makeDebian(ctx context.Context) error {
	complete := filepath.Join(debianDirectory, "complete")
	if _, err := os.Stat(complete); err == nil {
		return nil
	}
	if err := os.RemoveAll(debianDirectory); err != nil {
		return fmt.Errorf("making a Debian: %w", err)
	}
	args := []string{"--variant=minbase", "--include=systemd,systemd-sysv,dbus,logrotate,procps,rpm,busybox-static", "bookworm", debianDirectory}
	sites, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm", "Component: main").Output()
	if err == nil && len(sites) > 0 {
		args = append(args, strings.Fields(string(sites))[0])
	}
	if said, err := exec.CommandContext(ctx, "debootstrap", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("making a Debian: %w\n%s", err, said)
	}
	return os.WriteFile(complete, nil, 0o600)
}
