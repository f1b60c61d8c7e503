//go:build packages

package packages

import (
	"path/filepath"
	"testing"
)

// In a root directory that no systemd runs in (an image being built), the packages install and go, too; scripts that were
// interrupted can be run again.
func TestNothingRuns(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	command(t, "", "cp", "-a", "--reflink=auto", debian(t), root)
	in := func(script string) string {
		t.Helper()
		return command(t, "", "chroot", root, "sh", "-euc", script)
	}
	command(t, "", "cp", built(t, "*.deb"), filepath.Join(root, "our.deb"))
	command(t, "", "cp", built(t, "*.rpm"), filepath.Join(root, "our.rpm"))

	in("dpkg --install /our.deb && cp /var/lib/dpkg/info/journalpump.* /tmp")
	in("sh /tmp/journalpump.preinst upgrade 3.0.0 && sh /tmp/journalpump.postinst configure 3.0.0 && sh /tmp/journalpump.postinst abort-upgrade 3.0.0")
	if enabled := in("systemctl is-enabled journalpump"); enabled != "enabled\n" {
		t.Errorf("the service is %s", enabled)
	}
	in("dpkg --purge journalpump && sh /tmp/journalpump.postrm purge && sh /tmp/journalpump.postrm purge && test ! -e /etc/journalpump")

	in("rpm --install --nodeps /our.rpm && rpm --upgrade --force --nodeps /our.rpm && rpm --verify --nodeps journalpump")
	in("rpm --erase journalpump && test ! -e /usr/bin/journalpump")
}
