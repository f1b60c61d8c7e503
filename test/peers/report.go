package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	beginMarker = "<!-- peers: begin -->"
	endMarker   = "<!-- peers: end -->"
)

func wallSeconds(m measurement) float64 { return m.wall.Seconds() }
func cpuSeconds(m measurement) float64  { return m.cpu.Seconds() }

// report returns the table and under which circumstances it came about.
func (b *bench) report(ctx context.Context, results []result, args []string) string {
	var base float64 // journalctl -o json, entries a CPU second
	for _, r := range results {
		if r.subject.name == "journalctl -o json" && len(r.runs) > 0 {
			base = float64(b.entries) / r.median(cpuSeconds)
		}
	}
	var w strings.Builder
	w.WriteString("| | entries/s | entries per CPU second | times `journalctl -o json`, per CPU second | resident, MiB | output, MB |\n")
	w.WriteString("|---|---:|---:|---:|---:|---:|\n")
	for _, r := range results {
		if len(r.runs) == 0 {
			fmt.Fprintf(&w, "| %s | failed: %s | | | | |\n", r.subject.name, firstLine(r.err))
			continue
		}
		perCPU := float64(b.entries) / r.median(cpuSeconds)
		times := "–"
		if base > 0 {
			times = fmt.Sprintf("%.1f", perCPU/base)
		}
		rss := r.median(func(m measurement) float64 { return float64(m.rss >> 20) })
		size := r.median(func(m measurement) float64 { return float64(m.output) / 1e6 })
		fmt.Fprintf(&w, "| %s | %s | %s | %s | %.0f | %.0f |\n", r.subject.name,
			thousands(float64(b.entries)/r.median(wallSeconds)), thousands(perCPU), times, rss, size)
	}
	journal, err := b.journalSize()
	if err != nil {
		journal = err.Error()
	}
	fmt.Fprintf(&w, "\nMeasured %s with `peers %s`: medians; %d entries, %s, in the page cache.\n",
		time.Now().UTC().Format(time.DateOnly), strings.Join(args, " "), b.entries, journal)
	fmt.Fprintf(&w, "%d cores (%s), %s; %s; %s; %s; %s.\n", runtime.NumCPU(), processor(), kernel(), runtime.Version(),
		version(ctx, b.binary, "version"), version(ctx, "journalctl", "--version"), version(ctx, "/usr/sbin/rsyslogd", "-v"))
	return w.String()
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.ReplaceAll(line, "|", "/")
}

// thousands formats a number with three significant digits and separators.
func thousands(x float64) string {
	n := int64(x + 0.5)
	unit := int64(1)
	for n/unit >= 1000 {
		unit *= 10
	}
	n = (n + unit/2) / unit * unit
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (b *bench) journalSize() (string, error) {
	files, err := filepath.Glob(filepath.Join(b.journal, "*.journal"))
	if err != nil {
		return "", err
	}
	var size int64
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		size += info.Size()
	}
	return fmt.Sprintf("%d files of %d MB in all", len(files), size/1e6), nil
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err.Error()
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// version returns the first line that the program says of itself.
func version(ctx context.Context, program, arg string) string {
	out, err := exec.CommandContext(ctx, program, arg).Output()
	if err != nil {
		return filepath.Base(program) + " not there"
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	line, _, _ = bytes.Cut(line, []byte(" (aka")) // rsyslog's nickname for the release
	return strings.TrimSpace(string(line))
}

// replaceBetweenMarkers puts the text between the markers of a Markdown file.
func replaceBetweenMarkers(file, text string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(data), beginMarker)
	_, after, foundEnd := strings.Cut(rest, endMarker)
	if !found || !foundEnd {
		return errors.New(file + " lacks the markers " + beginMarker + " and " + endMarker)
	}
	return os.WriteFile(file, []byte(before+beginMarker+"\n"+text+endMarker+after), 0o644)
}
