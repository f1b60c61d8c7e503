//go:build packages

package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
)

// Where the Python package had everything; its program ran as root.
const (
	pythonConfig = "/var/lib/journalpump/journalpump.json"
	pythonState  = "/var/lib/journalpump/journalpump_state.json"
	pythonOutput = "/srv/private/python.log" // in a directory that only root may enter
	dropin       = "/etc/systemd/system/journalpump.service.d/from-python.conf"
)

func TestDebUpgradesPython(t *testing.T) {
	t.Parallel()
	m := boot(t)
	fromPython(t, m, deb, "deb", "/lib/systemd/system")

	// Purged, all is gone, the drop-in and the configuration beside the state too.
	m.run(t, "dpkg --purge journalpump && test ! -e /var/lib/journalpump && test ! -e "+filepath.Dir(dropin))
	m.run(t, "test -e "+pythonOutput) // which is not ours to delete
}

func TestRPMUpgradesPython(t *testing.T) {
	t.Parallel()
	m := boot(t)
	fromPython(t, m, rpm, "rpm", "/usr/lib/systemd/system")
	m.run(t, rpm.remove+" && test -e "+pythonConfig+" && test ! -e "+filepath.Dir(dropin))
}

// fromPython installs our package over the Python one, whose service runs: it goes on where that was, with its configuration.
func fromPython(t *testing.T, m *machine, k kind, format, units string) {
	t.Helper()
	m.run(t, k.install+m.copy(t, pythonPackage(t, format, units)))
	m.run(t, "install -d -m 0700 /srv/private")
	config := pumpTo(pythonOutput, "journalpump_state.json", "auto") // relative to the working directory, as it was
	write(t, m.path(pythonConfig), config, 0o600)
	m.run(t, "systemctl enable journalpump && systemctl restart journalpump")
	python := m.pid(t)
	m.numbers(t, 1, 20)
	var cursor string
	program.Until(t, "number 10 is in the journal", func() bool {
		cursor, _ = m.try(t, `journalctl --identifier=numbers --output=json | grep 'number 10\.' | grep -o 's=[^"]*'`) // not there yet
		return cursor != ""
	})
	write(t, m.path(pythonState), fmt.Sprintf(`{"readers": {"host": {"cursor": %q, "searches": {}, "total_bytes": 1, "total_lines": 10, "senders": {"file":
		{"type": "FileSender", "buffer": {"cursor": %[1]q, "total_size": 1, "entry_num": 10, "current_queue": 0},
		"sent": {"cursor": %[1]q, "count": 10, "bytes": 4000}, "health": {"status": "connected", "elapsed": 1.5, "errors": []}}}}},
		"start_time": "2026-11-20T10:11:12.131415"}`, cursor), 0o600)

	ours := m.copy(t, built(t, "*."+format))
	m.run(t, k.install+ours)
	if m.pid(t) == python {
		t.Error("the Python program still runs")
	}
	m.says(t, "systemctl is-enabled journalpump", "enabled")
	m.numbers(t, 21, 30)
	m.arrived(t, pythonOutput, 11, 30)
	if text, err := os.ReadFile(m.path(pythonConfig)); err != nil || string(text) != config {
		t.Errorf("the configuration is now %q, %v", text, err)
	}
	if user := m.run(t, fmt.Sprintf("stat -c %%U /proc/%d", m.pid(t))); user != "journalpump" {
		t.Errorf("it runs as %s", user)
	}

	m.run(t, k.install+ours) // the next upgrade changes nothing of that
	m.numbers(t, 31, 40)
	m.arrived(t, pythonOutput, 11, 40)

	// What docs/packaging.md says about leaving the old paths.
	m.run(t, "rm "+dropin+" && systemctl daemon-reload")
	write(t, m.path(configFile), pumpTo(outputFile, pythonState, "auto"), 0o644)
	m.run(t, "systemctl restart journalpump")
	m.numbers(t, 41, 50)
	m.arrived(t, outputFile, 41, 50)
}

// pythonPackage makes a package that installs what the Python one does: the same paths, unit and, for deb, the stop in
// prerm that debhelper put there. Its program says that it is ready and does nothing more.
func pythonPackage(t *testing.T, format, units string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "journalpump"), `#!/usr/bin/perl
use Socket;
socket(my $manager, AF_UNIX, SOCK_DGRAM, 0) or die;
send($manager, "READY=1", 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die;
sleep;
`, 0o755)
	write(t, filepath.Join(dir, "unit"), `[Service]
User=root
Type=notify
Restart=always
ExecStart=/usr/bin/journalpump /var/lib/journalpump/journalpump.json
WorkingDirectory=/var/lib/journalpump
[Install]
WantedBy=multi-user.target
`, 0o644)
	write(t, filepath.Join(dir, "postinst"), "#!/bin/sh\nsystemctl daemon-reload\n[ -z \"$2\" ] || deb-systemd-invoke start journalpump.service\n", 0o755)
	write(t, filepath.Join(dir, "prerm"), "#!/bin/sh\ndeb-systemd-invoke stop journalpump.service\n", 0o755)
	write(t, filepath.Join(dir, "nfpm.yaml"), strings.NewReplacer("DIR", dir, "UNITS", units).Replace(`
name: journalpump
arch: all
version: 2.5.0
maintainer: nobody <nobody@localhost>
description: what the Python package installed
contents:
  - {src: DIR/journalpump, dst: /usr/bin/journalpump}
  - {src: DIR/unit, dst: UNITS/journalpump.service}
  - {dst: /var/lib/journalpump, type: dir}
overrides:
  deb:
    scripts: {postinstall: DIR/postinst, preremove: DIR/prerm}
`), 0o644)
	file := filepath.Join(dir, "python."+format)
	command(t, dir, filepath.Join(program.Root(t), "bin", "tools", "nfpm"), "package", "--config", "nfpm.yaml", "--packager", format, "--target", file)
	return file
}
