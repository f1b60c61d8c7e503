package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// bench is what all subjects have in common.
type bench struct {
	binary  string
	journal string // directory
	entries int
}

// subject is a program to measure.
type subject struct {
	name string
	out  string // the directory for its output
	ours bool
	// command makes the command that writes the whole journal to the file.
	command func(ctx context.Context, file, scratch string) (*exec.Cmd, error)
	// follows is true for a program that goes on when it has written all; it is then stopped.
	follows bool
	// lines is true where the output has one line an entry, so that it can be checked.
	lines bool
}

func (b *bench) subjects(memory, disk string) []subject {
	secrets := []map[string]string{
		{"pattern": `password=[0-9a-zA-Z]+`, "replacement": "password=[REDACTED]"},
		{"pattern": `Bearer [0-9a-f]{8,}`, "replacement": "Bearer [REDACTED]"},
	}
	native := map[string]any{"journal_backend": "native"}
	return []subject{
		{name: "journalpump, native", out: memory, ours: true, lines: true, command: b.ours(native)},
		{name: "journalpump, native, to disk with fsync", out: disk, ours: true, lines: true, command: b.ours(native)},
		{name: "journalpump, native, 2 secret filters", out: memory, ours: true, lines: true, command: b.ours(map[string]any{"journal_backend": "native", "secret_filters": secrets})},
		{name: "journalpump, libsystemd", out: memory, ours: true, lines: true, command: b.ours(map[string]any{"journal_backend": "libsystemd"})},
		{name: "journalctl -o json", out: memory, lines: true, command: b.journalctl("json")},
		{name: "journalctl -o json, to disk", out: disk, lines: true, command: b.journalctl("json")},
		{name: "journalctl -o export", out: memory, command: b.journalctl("export")},
		{name: "rsyslog, imjournal to omfile", out: memory, lines: true, follows: true, command: b.rsyslog},
		{name: "cat of the files", out: memory, command: b.cat},
		{name: "cat of the files, to disk", out: disk, command: b.cat},
	}
}

// ours makes a command that pumps the journal with a reader of these settings.
func (b *bench) ours(reader map[string]any) func(context.Context, string, string) (*exec.Cmd, error) {
	return func(ctx context.Context, file, scratch string) (*exec.Cmd, error) {
		settings := map[string]any{
			"journal_path": b.journal,
			"senders":      map[string]any{"out": map[string]any{"output_type": "file", "file_output": file}},
		}
		maps.Copy(settings, reader)
		config, err := json.Marshal(map[string]any{
			"json_state_file_path": filepath.Join(scratch, "state.json"),
			"readers":              map[string]any{"r": settings},
		})
		if err != nil {
			return nil, err
		}
		path := filepath.Join(scratch, "config.json")
		if err := os.WriteFile(path, config, 0o600); err != nil {
			return nil, err
		}
		return exec.CommandContext(ctx, b.binary, "--once", path), nil
	}
}

func (b *bench) journalctl(format string) func(context.Context, string, string) (*exec.Cmd, error) {
	return func(ctx context.Context, file, _ string) (*exec.Cmd, error) {
		return toFile(exec.CommandContext(ctx, "journalctl", "--directory="+b.journal, "--output="+format, "--all", "--no-pager", "--quiet"), file)
	}
}

func (b *bench) cat(ctx context.Context, file, _ string) (*exec.Cmd, error) {
	files, err := filepath.Glob(filepath.Join(b.journal, "*.journal"))
	if err != nil {
		return nil, err
	}
	return toFile(exec.CommandContext(ctx, "cat", files...), file)
}

func toFile(cmd *exec.Cmd, file string) (*exec.Cmd, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	cmd.Stdout = f
	return cmd, nil
}

const rsyslogConfig = `global(workDirectory="%[1]s" maxMessageSize="1m")
module(load="imjournal" StateFile="%[1]s/imjournal.state" PersistStateInterval="10000" Ratelimit.Interval="0" IgnorePreviousMessages="off")
template(name="json" type="list") { property(name="jsonmesg") constant(value="\n") }
action(type="omfile" file="%[2]s" template="json" ioBufferSize="256k" flushOnTXEnd="off" asyncWriting="on")
`

// rsyslog reads /var/log/journal and nothing else, so it gets a mount namespace in which that is the sample.
func (b *bench) rsyslog(ctx context.Context, file, scratch string) (*exec.Cmd, error) {
	daemon, err := exec.LookPath("rsyslogd")
	if err != nil {
		if daemon, err = exec.LookPath("/usr/sbin/rsyslogd"); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(scratch, "rsyslog.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, rsyslogConfig, scratch, file), 0o600); err != nil {
		return nil, err
	}
	const script = `mount --make-rprivate / && mount --bind "$1" /var/log/journal && exec "$2" -n -f "$3" -i "$4"`
	cmd := exec.CommandContext(ctx, "sh", "-c", script, "sh", filepath.Dir(b.journal), daemon, config, filepath.Join(scratch, "rsyslog.pid"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return cmd, nil
}
