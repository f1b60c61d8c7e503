package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"journalpump/cmd/journalpump/status"
	"journalpump/pump"
)

// saved tells of an attempt to save the state.
func (d *daemon) saved(s pump.Snapshot, err error) {
	d.web.Saved(err)
	d.showStatus(s, err)
}

// showStatus gives systemd the line that `systemctl status` shows.
func (d *daemon) showStatus(s pump.Snapshot, saveError error) {
	if d.notify.Enabled() {
		d.tell(d.notify.Status(statusLine(s, saveError)))
	}
}

// statusLine says in one line how the pump is doing: trouble first, else how much was sent.
func statusLine(s pump.Snapshot, saveError error) string {
	var trouble []string
	if saveError != nil {
		trouble = append(trouble, "the state cannot be saved: "+saveError.Error())
	}
	var sent, behind int64
	var lag time.Duration
	senders := 0
	for _, reader := range slices.Sorted(maps.Keys(s.Readers)) {
		r := s.Readers[reader]
		if r.Waiting != "" {
			trouble = append(trouble, fmt.Sprintf("%s is waiting: %s", reader, r.Waiting))
		}
		for _, name := range slices.Sorted(maps.Keys(r.Senders)) {
			sender := r.Senders[name]
			senders++
			sent += sender.SentRecords
			behind += sender.Lag.Entries
			lag = max(lag, sender.Lag.Age)
			if sender.Health == pump.Disconnected && sender.LastError != "" {
				trouble = append(trouble, fmt.Sprintf("%s/%s: %s", reader, name, sender.LastError))
			}
		}
	}
	line := fmt.Sprintf("%s entries sent by %d sender%s", status.Grouped(sent), senders, plural(senders))
	if behind > 0 && lag >= 10*time.Second {
		line += fmt.Sprintf(", up to %v behind", lag.Round(time.Second))
	} else {
		line += ", up to date"
	}
	if len(trouble) > 0 {
		line = strings.Join(trouble, "; ") + " (" + line + ")"
	}
	return line
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
