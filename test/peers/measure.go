package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// measurement is one run of a subject.
type measurement struct {
	wall, cpu time.Duration
	rss       int64 // bytes, the most it had in memory at a time
	output    int64 // bytes
	err       error
}

// result is all runs of a subject.
type result struct {
	subject subject
	runs    []measurement
	err     error // of the last run that failed
}

func (r *result) add(m measurement) {
	if m.err != nil {
		r.err = m.err
		fmt.Fprintf(os.Stderr, "  failed: %v\n", m.err)
		return
	}
	fmt.Fprintf(os.Stderr, "  %.2f s, %.2f s of CPU, %d MiB resident\n", m.wall.Seconds(), m.cpu.Seconds(), m.rss>>20)
	r.runs = append(r.runs, m)
}

// median returns the median of a property of the runs, of which there must be one.
func (r *result) median(property func(measurement) float64) float64 {
	values := make([]float64, 0, len(r.runs))
	for _, m := range r.runs {
		values = append(values, property(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// limit is the longest that a run may take.
const limit = 5 * time.Minute

// measure runs the subject once, with the journal in the page cache and nothing of it in the output's directory before.
func (b *bench) measure(ctx context.Context, s subject) (m measurement) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	scratch, err := os.MkdirTemp(s.out, "peers-")
	if err == nil {
		scratch, err = filepath.Abs(scratch)
	}
	if err != nil {
		return measurement{err: err}
	}
	defer os.RemoveAll(scratch)
	if err := b.warm(); err != nil {
		return measurement{err: err}
	}
	file := filepath.Join(scratch, "out")
	cmd, err := s.command(ctx, file, scratch)
	if err != nil {
		return measurement{err: err}
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	} else if f, ok := cmd.Stdout.(*os.File); ok {
		defer f.Close()
	}

	start := time.Now()
	if err := cmd.Start(); err != nil {
		return measurement{err: err}
	}
	if s.follows {
		err = b.stopWhenComplete(ctx, cmd, file)
		m.wall = time.Since(start)
	}
	if waitErr := cmd.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("%w: %.500s", waitErr, said.String()))
	}
	if !s.follows {
		m.wall = time.Since(start)
	}
	m.err = err
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // with those of the children it waited for
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.rss = int64(usage.Maxrss) << 10 //nolint:unconvert // 32 bits on some machines
	}
	if m.err == nil {
		m.output, m.err = b.checkOutput(s, file)
	}
	return m
}

// warm reads the journal into the page cache.
func (b *bench) warm() error {
	files, err := filepath.Glob(filepath.Join(b.journal, "*.journal"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, err := count(file, 0); err != nil {
			return err
		}
	}
	return nil
}

// stopWhenComplete waits until the file has a line for every entry and asks the command to stop.
func (b *bench) stopWhenComplete(ctx context.Context, cmd *exec.Cmd, file string) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	var lines int
	var offset int64
	for lines < b.entries {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d entries after %v", lines, b.entries, limit)
		case <-poll.C:
		}
		c, err := count(file, offset)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		lines += c.lines
		offset += c.bytes
	}
	return cmd.Process.Signal(syscall.SIGTERM)
}

func (b *bench) checkOutput(s subject, file string) (size int64, err error) {
	c, err := count(file, 0)
	if err != nil {
		return 0, err
	}
	if s.lines && c.lines != b.entries {
		return 0, fmt.Errorf("it wrote %d lines for %d entries", c.lines, b.entries)
	}
	return c.bytes, nil
}

type counted struct {
	lines int
	bytes int64
}

// count reads a file from the offset on.
func count(file string, offset int64) (c counted, err error) {
	f, err := os.Open(file)
	if err != nil {
		return c, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return c, err
	}
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		c.lines += bytes.Count(buf[:n], []byte("\n"))
		c.bytes += int64(n)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
}
