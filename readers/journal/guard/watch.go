package guard

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/journal/journalfile"
)

const (
	// A sender is late that lacks an entry for so long.
	lateAfter = 2 * time.Second
	// horizon is how long before a loss it is spoken of at most.
	horizon = 24 * time.Hour
	// A sender that may still catch up is watched for a quarter of the time that is left, within these bounds, before it is
	// spoken of.
	leastWatched, mostWatched = 3 * time.Second, 30 * time.Second
	// It is said again when half the time has passed, and every hour, but not more often than repeatLeast.
	repeatLeast, repeatMost = 10 * time.Second, time.Hour
	// relookTime is how long archived files are taken to be as they were while none comes or goes.
	relookTime = time.Minute
)

// watch knows the journal's files and how long the senders' entries will be there. It is used by one goroutine.
type watch struct {
	selection journaldir.Selection
	root      string // where etc/systemd is
	silent    bool   // nothing is said, and nothing estimated
	log       *slog.Logger

	// changes returns a number that is higher when files have come or gone; nil: nobody knows.
	changes func() (n uint64, ok bool)
	// extent returns what is known already of an archived file; nil: nothing is.
	extent func(path string, st *unix.Stat_t) (e journalfile.Extent, ok bool)
	seen   uint64    // changes when all files were last looked at
	looked time.Time // when that was
	peeker journalfile.Peeker

	known map[string]*file // by path
	dirs  map[string]*directory
	lanes map[string]*danger // by sender
}

func newWatch(selection journaldir.Selection, log *slog.Logger) *watch {
	return &watch{
		selection: selection, root: "/", log: log,
		dirs: map[string]*directory{}, lanes: map[string]*danger{},
	}
}

// look takes a look at the files.
func (w *watch) look(now time.Time) error {
	known, err := w.files(now)
	if err != nil {
		return err
	}
	byDir := map[string][]*file{}
	for _, f := range known {
		byDir[f.dir] = append(byDir[f.dir], f)
	}
	w.known = known
	for dir := range w.dirs {
		if byDir[dir] == nil {
			delete(w.dirs, dir)
		}
	}
	for dir, files := range byDir {
		d := w.dirs[dir]
		if d == nil {
			d = &directory{path: dir}
			w.dirs[dir] = d
		}
		d.limits = limitsOf(w.root, dir)
		d.update(now, files)
	}
	return nil
}

// files returns what files there are. While none comes or goes only those that are being written are examined, the others, which may
// still shrink a little, every relookTime.
func (w *watch) files(now time.Time) (map[string]*file, error) {
	var seen uint64
	told := false
	if w.changes != nil {
		seen, told = w.changes()
	}
	if told && seen == w.seen && now.Sub(w.looked) < relookTime {
		for path, f := range w.known {
			if f.active {
				if f = w.examine(path, f); f == nil {
					delete(w.known, path)
					continue
				}
				w.known[path] = f
			}
		}
		return w.known, nil
	}
	paths, err := w.selection.List()
	if err != nil {
		return nil, err
	}
	known := make(map[string]*file, len(paths))
	for _, path := range paths {
		if f := w.examine(path, w.known[path]); f != nil {
			known[path] = f
		}
	}
	w.seen, w.looked = seen, now
	return known, nil
}

// lossOf returns the first loss that threatens after the position; ok is false if there is nothing after it.
func (w *watch) lossOf(p *pump.Position, now time.Time) (first loss, ok bool) {
	for _, d := range w.dirs {
		l, found := d.lossOf(p, now)
		if !found {
			continue
		}
		if !ok || l.known && (!first.known || l.in < first.in) {
			room := l.room
			if ok {
				room = min(room, first.room)
			}
			first, ok = l, true
			first.room = room
		} else {
			first.room = min(first.room, l.room)
		}
	}
	return first, ok
}

// late reports whether a sender has lacked entries for a while.
func late(l *pump.LanePlace, now time.Time) bool {
	return l.Lag.Entries > 0 && (l.Position.Parts&pump.HasRealtime == 0 || now.Sub(realtime(l.Position.Realtime)) >= lateAfter)
}

// inDanger reports whether the first entry after a position is among those that may be deleted soon, or all of a sudden. If nothing
// is known of the limits, the oldest files are.
func (w *watch) inDanger(p *pump.Position, now time.Time) bool {
	l, ok := w.lossOf(p, now)
	return ok && (l.room <= spoolFiles*w.largest() || l.known && l.in <= spoolBefore)
}

// largest returns how large a file may be.
func (w *watch) largest() int64 {
	var size int64
	for _, d := range w.dirs {
		size = max(size, d.limits.fileSize)
		for _, f := range d.files {
			size = max(size, f.size)
		}
	}
	return size
}

// judge says what threatens the late senders, and warns of it unless it is taken care of.
func (w *watch) judge(now time.Time, lanes []pump.LanePlace, cared bool) map[string]time.Duration {
	losses := map[string]time.Duration{}
	if w.silent {
		return losses
	}
	dangers := make(map[string]*danger, len(w.lanes))
	for i := range lanes {
		lane := &lanes[i]
		l, ok := w.lossOf(&lane.Position, now)
		if !ok || !l.known || l.in == never || !late(lane, now) {
			w.relieve(lane.Sender)
			continue
		}
		losses[lane.Sender] = l.in
		if !l.near(now) {
			w.relieve(lane.Sender)
			continue
		}
		d := w.lanes[lane.Sender]
		if d == nil {
			d = &danger{began: now, lag: lane.Lag.Entries}
		}
		dangers[lane.Sender] = d
		if !cared && d.speak(now, l.in, lane.Lag.Entries) {
			w.log.Warn("entries that a sender has not delivered will soon be deleted from the journal",
				"sender", lane.Sender, "in", round(l.in).String(), "entries", lane.Lag.Entries, "oldest", l.since.UTC())
		}
	}
	w.lanes = dangers
	return losses
}

// relieve notes that a sender is not in danger, and says so if that was said.
func (w *watch) relieve(sender string) {
	if d := w.lanes[sender]; d != nil && !d.spoken.IsZero() {
		w.log.Info("what a sender has yet to deliver is no longer about to be deleted from the journal", "sender", sender)
	}
}

// near reports whether the loss is worth a word: soon, and the entry has been in the journal for longer than it will be.
func (l *loss) near(now time.Time) bool { return l.in < horizon && now.Sub(l.since) >= l.in }

// danger is a loss that is near.
type danger struct {
	began  time.Time // when the sender was first watched
	lag    int64     // how many entries it was behind then
	spoken time.Time // when it was spoken of; zero: it was not
	left   time.Duration
}

// speak reports whether a loss in so much time is to be spoken of now, of a sender that is so many entries behind.
func (d *danger) speak(now time.Time, in time.Duration, lag int64) bool {
	watched := now.Sub(d.began)
	switch {
	case !d.spoken.IsZero():
		if since := now.Sub(d.spoken); since < repeatLeast || since < repeatMost && in > d.left/2 {
			return false
		}
	case watched < min(max(in/4, leastWatched), mostWatched):
		return false
	case lag < d.lag && seconds(float64(lag)*watched.Seconds()/float64(d.lag-lag)) <= max(in, watched): // it catches up in time
		d.began, d.lag = now, lag
		return false
	}
	d.spoken, d.left = now, in
	return true
}

// round leaves two digits that matter.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Hour:
		return d.Round(time.Hour)
	case d >= 10*time.Minute:
		return d.Round(time.Minute)
	default:
		return d.Round(time.Second)
	}
}
