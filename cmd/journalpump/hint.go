package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"journalpump/cmd/journalpump/config"
	"journalpump/pump"
	"journalpump/state"
)

// advisedError is an error together with what to do next.
type advisedError struct {
	error
	advice string
}

func (e *advisedError) Unwrap() error { return e.error }

// advise adds what to do next to an error.
func advise(err error, format string, args ...any) error {
	return &advisedError{err, fmt.Sprintf(format, args...)}
}

// showError prints an error and, where that is known, what to do next.
func showError(w io.Writer, err error) {
	fmt.Fprintln(w, "journalpump:", err)
	if hint := hintFor(err); hint != "" {
		fmt.Fprintln(w, "hint:", hint)
	}
}

// hintFor returns what to do about an error, "" if nothing comes to mind.
func hintFor(err error) string {
	if advised, ok := errors.AsType[*advisedError](err); ok {
		return advised.advice
	}
	switch {
	case errors.Is(err, state.ErrInUse):
		return "stop the other one first (`systemctl stop journalpump`), or give this one a json_state_file_path of its own"
	case errors.Is(err, pump.ErrNotYet) && errors.Is(err, fs.ErrPermission):
		return "the journal is for root and the group systemd-journal: use sudo, or `usermod -aG systemd-journal USER` and log in again"
	case errors.Is(err, pump.ErrNotYet):
		return "there are no journal files where the reader looks: check journal_path, journal_namespace and journal_flags; " +
			"without a journal_path that is /var/log/journal and /run/log/journal"
	case errors.Is(err, fs.ErrPermission):
		return "run it as root or as the user that the agent runs as; for the journal the group systemd-journal will do"
	case errors.Is(err, unix.ENOSPC):
		return "the disk is full: `df -h` shows which"
	case errors.Is(err, unix.EADDRINUSE):
		return "another program listens there, which `ss -ltnp` shows: stop it, or give another port to \"listen\""
	case errors.Is(err, unix.EMFILE):
		return "too many files are open: raise LimitNOFILE= of the unit, or `ulimit -n`"
	}
	return ""
}

// loadConfig loads a configuration that is fit to be used. What is wrong with one that isn't is shown.
func loadConfig(path string) (*config.Config, error) {
	c, report := config.Load(path)
	if err := showProblems(os.Stderr, report); err != nil {
		if hint := configHint(path); hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", hint)
		}
		return nil, err
	}
	return c, nil
}

// configHint says what to do about a configuration that cannot be used.
func configHint(path string) string {
	f, err := os.Open(path)
	if err == nil {
		defer closeQuietly(f)
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return "give the path of a file in it"
		}
		return "correct these lines; `journalpump check " + path + "` looks again without running anything"
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "give the path of a configuration: packaging/examples has some to begin with, docs/configuration.md describes all of it"
	case errors.Is(err, fs.ErrPermission):
		return "it may hold passwords, so it is not for everybody: run this as root or as the user that the agent runs as"
	}
	return ""
}
