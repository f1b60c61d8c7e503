package guard

import (
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
)

const (
	// paceWindow is over how long it is measured how fast a journal grows; less than paceLeast says nothing.
	paceWindow = time.Minute
	paceLeast  = 5 * time.Second
	// forgetLimit is by how much, in percent, files must take up more than what was taken for their limit to show that it is none.
	forgetLimit = 5
)

// directory is where one journald writes and deletes.
type directory struct {
	path   string
	limits limits
	files  []*file // in the order of their deletion
	usage  int64   // bytes
	free   int64   // of the file system; -1: not known
	// observed is how much the files took up when the oldest was seen to be gone; 0: none was.
	observed int64
	samples  []reading // oldest first
	pace     float64   // bytes a second
}

// reading is how many entries had been written at a time.
type reading struct {
	at      time.Time
	entries uint64
	chains  int
}

// update takes in what files there are now.
func (d *directory) update(now time.Time, files []*file) {
	inOrderOfDeletion(files)
	if d.vanished(files) {
		d.observed = d.usage
	}
	d.files, d.usage, d.free = files, 0, -1
	for _, f := range files {
		d.usage += f.size
	}
	if d.usage > d.observed+d.observed*forgetLimit/100 {
		d.observed = 0
	}
	var fs unix.Statfs_t
	if unix.Statfs(d.path, &fs) == nil {
		d.free = int64(min(fs.Bavail, 1<<40)) * int64(fs.Bsize) //nolint:unconvert // 32 bits on some machines
	}
	d.measure(now)
}

// vanished reports whether an archived file is gone.
func (d *directory) vanished(files []*file) bool {
	there := make(map[inode]bool, len(files))
	for _, f := range files {
		there[f.inode] = true
	}
	for _, f := range d.files {
		if !f.active && !there[f.inode] {
			return true
		}
	}
	return false
}

// measure finds how fast the journal grows: as it did all the time, or in the last minute if that was faster.
func (d *directory) measure(now time.Time) {
	tails := map[pump.ID128]uint64{}
	var entries, first uint64
	for _, f := range d.files {
		tails[f.seqnumID] = max(tails[f.seqnumID], f.tail)
		entries += f.entries
		if f.entries > 0 && (first == 0 || f.from < first) {
			first = f.from
		}
	}
	d.pace = 0
	if entries == 0 {
		return
	}
	if span := now.Sub(realtime(first)); span > 0 {
		d.pace = float64(d.usage) / max(span.Seconds(), 1)
	}
	s := reading{at: now, chains: len(tails)}
	for _, tail := range tails {
		s.entries += tail
	}
	if n := len(d.samples); n > 0 && (d.samples[n-1].chains != s.chains || d.samples[n-1].entries > s.entries) {
		d.samples = nil // other files: no comparison
	}
	for len(d.samples) > 1 && now.Sub(d.samples[1].at) >= paceWindow {
		d.samples = d.samples[1:]
	}
	d.samples = append(d.samples, s)
	if took := now.Sub(d.samples[0].at); took >= paceLeast {
		each := float64(d.usage) / float64(entries)
		d.pace = max(d.pace, float64(s.entries-d.samples[0].entries)*each/took.Seconds())
	}
}

// loss is what threatens the first entry after a position.
type loss struct {
	since time.Time     // when the entry was written, or a little before
	room  int64         // by so many bytes the journal can grow at least until the entry is deleted
	in    time.Duration // how long that will take; of use only if known
	known bool
}

const never = time.Duration(1<<63 - 1)

// lossOf tells when the first entry after the position will be deleted; ok is false if there is none here.
func (d *directory) lossOf(p *pump.Position, now time.Time) (l loss, ok bool) {
	var before int64
	for _, f := range d.files {
		if !f.after(p) {
			before += f.size
			continue
		}
		room, known := d.room()
		l = loss{since: realtime(max(f.from, p.Realtime)), room: room + before, known: known, in: never}
		if d.pace > 0 {
			l.in = seconds(float64(d.untilRotation(l.room)) / d.pace)
		}
		if d.limits.retention > 0 {
			l.in = min(l.in, max(0, realtime(f.from).Add(d.limits.retention).Sub(now)))
		}
		return l, true
	}
	return loss{}, false
}

// room returns by how many bytes the journal can grow until the oldest file is deleted. If nothing is known it is full.
func (d *directory) room() (room int64, known bool) {
	room = 1 << 62
	l := d.limits
	if l.known {
		use := l.use
		if d.free >= 0 && l.keepFree > 0 {
			use = max(min(use, d.usage+d.free-l.keepFree), leastUse)
		}
		room = min(room, use-d.usage)
		if n := len(d.files); n > 0 {
			room = min(room, int64(l.files-n)*max(d.usage/int64(n), leastFile))
		}
	}
	if d.observed > 0 {
		room = min(room, d.observed-d.usage)
	}
	if !l.known && d.observed == 0 {
		return 0, false
	}
	return max(room, 0), true
}

// untilRotation returns how many bytes will have been written when the journal is next archived after so many: only then
// files are deleted.
func (d *directory) untilRotation(bytes int64) int64 {
	most := d.limits.fileSize
	if most <= 0 {
		return bytes
	}
	var active int64
	for _, f := range d.files {
		if f.active {
			active = max(active, f.size)
		}
	}
	left := max(most-active, 0)
	if bytes <= left {
		return left
	}
	return left + (bytes-left+most-1)/most*most
}

func realtime(usec uint64) time.Time { return time.UnixMicro(int64(min(usec, 1<<62))) }

func seconds(s float64) time.Duration {
	if s > float64(never/time.Second) {
		return never
	}
	return time.Duration(s * float64(time.Second))
}
