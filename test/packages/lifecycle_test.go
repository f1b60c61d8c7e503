//go:build packages

package packages

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"journalpump/test/program"
)

const (
	configFile = "/etc/journalpump/journalpump.json"
	outputFile = "/var/log/journalpump/journal.ndjson"
)

// pumpTo is a configuration that writes what is logged by "numbers" to a file.
func pumpTo(file, state, backend string) string {
	return fmt.Sprintf(`{"json_state_file_path": %q, "readers": {"host": {"match_key": "SYSLOG_IDENTIFIER", "match_value": "numbers", "journal_backend": %q,
		"senders": {"file": {"output_type": "file", "file_output": %q}}}}}`, state, backend, file)
}

// kind is a kind of package: how it is installed (upgraded) and removed.
type kind struct{ install, remove string }

var (
	deb = kind{"dpkg --install ", "dpkg --remove journalpump"}
	rpm = kind{"rpm --upgrade --force --nodeps ", "rpm --erase journalpump"} // in a Debian, whose rpm knows no dependencies
)

func TestDebInstalled(t *testing.T) {
	t.Parallel()
	m := boot(t)
	file := m.copy(t, built(t, "*.deb"))
	live(t, m, deb, file)

	m.run(t, deb.remove)
	m.says(t, "systemctl is-active journalpump", "inactive")
	m.says(t, "systemctl is-enabled journalpump", "masked")
	m.run(t, "test -e "+configFile+" && test -e "+outputFile+" && test ! -e /usr/bin/journalpump")
	m.run(t, deb.install+file)
	m.says(t, "systemctl is-enabled journalpump", "enabled")
	m.run(t, "dpkg --purge journalpump")
	m.run(t, "dpkg --purge journalpump") // nothing is left to do, which is all right
	left := m.run(t, "find / -xdev -name '*journalpump*' ! -path '/root/*' ! -path '/var/cache/*' ! -path '/proc/*'; systemctl list-unit-files --no-legend 'journalpump*' || true")
	if left != "" {
		t.Errorf("purged, it leaves\n%s", left)
	}
	m.run(t, "getent passwd journalpump") // so that its number isn't given to somebody else
}

func TestRPMInstalled(t *testing.T) {
	t.Parallel()
	m := boot(t)
	file := m.copy(t, built(t, "*.rpm"))
	live(t, m, rpm, file)

	m.run(t, rpm.remove)
	m.says(t, "systemctl is-active journalpump", "inactive")
	m.run(t, "test -e /var/lib/journalpump/journalpump_state.json && test -e "+outputFile+" && test ! -e /usr/bin/journalpump && test -e "+configFile+".rpmsave")
	m.says(t, "find /etc/systemd/system -name '*journalpump*'", "")
}

// live is the life of an installed package: installed, configured, pumping, upgraded.
func live(t *testing.T, m *machine, k kind, file string) {
	t.Helper()
	m.run(t, k.install+file)
	m.says(t, "systemctl is-enabled journalpump", "enabled") // by the rules of Debian's dpkg, and of its presets for rpm
	m.says(t, "systemctl is-active journalpump", "inactive") // nothing is configured
	m.says(t, "id -nG journalpump", "journalpump systemd-journal")
	m.says(t, "stat -c '%A %U:%G' /etc/journalpump /var/lib/journalpump", "drwxr-x--- root:journalpump\ndrwxr-x--- journalpump:journalpump")
	m.run(t, "systemd-analyze verify --man=no journalpump.service")

	m.run(t, "systemctl start journalpump") // as at the next boot: it waits, and says why
	m.pid(t)
	if said := m.log(t); strings.Count(said, "\n") > 10 || !strings.Contains(said, "nothing is read") {
		t.Errorf("with nothing configured it says\n%s", said)
	}
	m.numbers(t, 1, 10)
	write(t, m.path(configFile), pumpTo(outputFile, "/var/lib/journalpump/journalpump_state.json", "auto"), 0o644)
	m.run(t, "systemctl reload journalpump")
	m.arrived(t, outputFile, 1, 10)
	sandboxed(t, m)
	watched(t, m)
	rotated(t, m)

	before := m.pid(t)
	m.run(t, k.install+file)
	if m.pid(t) == before {
		t.Error("it was not restarted on upgrade")
	}
	m.numbers(t, 21, 30)
	m.arrived(t, outputFile, 11, 30)
	libsystemd(t, m)
	if text, err := os.ReadFile(m.path(configFile)); err != nil || !strings.Contains(string(text), "numbers") {
		t.Errorf("the configuration was replaced on upgrade: %s, %v", text, err)
	}

	m.run(t, "systemctl disable --now journalpump && "+k.install+file)
	m.says(t, "systemctl is-active journalpump", "inactive") // who has stopped and disabled it wants it so
	m.says(t, "systemctl is-enabled journalpump", "disabled")
	m.run(t, "systemctl enable --now journalpump")
	m.pid(t)
}

// sandboxed checks that the process has none of the rights that the unit takes away.
func sandboxed(t *testing.T, m *machine) {
	t.Helper()
	status := m.run(t, fmt.Sprintf("cat /proc/%d/status", m.pid(t)))
	for _, line := range []string{"CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, line+"\n") {
			t.Errorf("no %q in the status of the process:\n%s", line, status)
		}
	}
	m.says(t, fmt.Sprintf("stat -c %%U /proc/%d; nsenter --target %[1]d --mount touch /etc/x 2>&1 | grep -o 'Read-only file system'", m.pid(t)),
		"journalpump\nRead-only file system")
	if denied := m.run(t, "journalctl --sync; journalctl --no-pager --output=cat --unit=journalpump | grep -i 'not permitted\\|denied\\|bad system call' || true"); denied != "" {
		t.Errorf("the sandbox keeps it from what it wants to do:\n%s", denied)
	}
}

// watched checks that a service that stops feeding the watchdog would be found out: it says that it is ready, and pings.
func watched(t *testing.T, m *machine) {
	t.Helper()
	m.says(t, "systemctl show --value --property WatchdogUSec journalpump", "1min")
	if m.run(t, "systemctl show --value --property WatchdogTimestampMonotonic journalpump") == "0" {
		t.Error("the watchdog is not fed")
	}
}

// rotated checks that logrotate's rules take the file away, and that a new one is written, with nothing lost between them.
func rotated(t *testing.T, m *machine) {
	t.Helper()
	m.run(t, "logrotate --force /etc/logrotate.d/journalpump")
	m.numbers(t, 11, 20)
	m.arrived(t, outputFile, 11, 20)
	m.arrived(t, outputFile+".1", 1, 10)
}

// libsystemd checks that the other journal backend, libsystemd in a child process, runs in the same sandbox.
func libsystemd(t *testing.T, m *machine) {
	t.Helper()
	write(t, m.path(configFile), pumpTo(outputFile, "/var/lib/journalpump/journalpump_state.json", "libsystemd"), 0o644)
	m.run(t, "systemctl reload journalpump")
	m.numbers(t, 31, 40)
	m.arrived(t, outputFile, 11, 40)
	program.Until(t, "libsystemd runs in a child", func() bool {
		children, err := m.try(t, fmt.Sprintf("cat /proc/%d/task/*/children", m.pid(t)))
		return err == nil && children != ""
	})
}
