package main

import (
	"os"

	"journalpump/cmd/journalpump/progress"
	"journalpump/pump"
)

// showProgress lets a pump that is to end show how far it is, and returns what ends that.
func showProgress(options *pump.Options) (end func()) {
	if !options.Once {
		return func() {}
	}
	bar := progress.New(os.Stderr, "pumped", isTerminal(os.Stderr))
	began, _ := settledAndLeft(&options.State)
	saved := options.Saved
	options.Saved = func(s pump.Snapshot, err error) {
		done, left := settledAndLeft(&s)
		bar.Set(done-began, done-began+left)
		saved(s, err)
	}
	return bar.End
}

// settledAndLeft returns how many entries all senders together are done with, and how many, about, are to come.
func settledAndLeft(s *pump.Snapshot) (settled, left int64) {
	for _, r := range s.Readers {
		for _, sender := range r.Senders {
			settled += sender.Ledger.Read - sender.Ledger.InFlight
			left += sender.Lag.Entries
		}
	}
	return settled, left
}
