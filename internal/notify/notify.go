// Package notify tells the service manager how the program is doing: sd_notify(3).
package notify

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Notifier sends to the socket in NOTIFY_SOCKET. Without one, as when started by hand, its methods do nothing and
// return nil. They may be called concurrently.
type Notifier struct{}

// Enabled reports whether somebody listens.
func (Notifier) Enabled() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// Ready says that start-up, or a reload, has finished. status is shown by `systemctl status`; "" leaves it as it is.
func (n Notifier) Ready(status string) error { return n.send(daemon.SdNotifyReady, status) }

// Reloading says that the configuration is being read again. Ready must follow. The time with it lets the manager
// (Type=notify-reload) tell this reload from an earlier one.
func (n Notifier) Reloading() error {
	if !n.Enabled() {
		return nil
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("reading the monotonic clock: %w", err)
	}
	usec := now.Nano() / int64(time.Microsecond)
	return n.send(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, usec), "")
}

// Stopping says that shutdown has begun. status is as with Ready.
func (n Notifier) Stopping(status string) error { return n.send(daemon.SdNotifyStopping, status) }

// Status sets the line that `systemctl status` shows.
func (n Notifier) Status(status string) error { return n.send("", status) }

// Watchdog says that the program still does its work.
func (n Notifier) Watchdog() error { return n.send(daemon.SdNotifyWatchdog, "") }

// WatchdogInterval returns how often Watchdog is to be called: half the time after which the manager gives the
// program up. 0 means that nobody watches this process.
func (Notifier) WatchdogInterval() (time.Duration, error) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("reading the watchdog's settings: %w", err)
	}
	return limit / 2, nil
}

func (Notifier) send(state, status string) error {
	if status != "" {
		// A line break would end the status and start an assignment of its own.
		status = "STATUS=" + strings.NewReplacer("\n", " ", "\r", " ").Replace(status)
		if state != "" {
			state += "\n"
		}
		state += status
	}
	if state == "" {
		return nil
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("notifying the service manager: %w", err)
	}
	return nil
}
