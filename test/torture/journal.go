package torture

import (
	"testing"
	"time"

	"journalpump/test/journald"
)

// Journal is a journald whose files are mistreated.
type Journal struct {
	*journald.Instance
	*Directory
	Writer *Writer
}

// NewJournal starts a journald and a writer of about perSecond messages as the users in turn.
func NewJournal(t *testing.T, seed uint64, source string, perSecond int, users ...int) *Journal {
	t.Helper()
	// It is rotated when the test says so.
	return MistreatJournal(t, journald.Start(t, "SystemMaxFileSize=64M"), seed, source, perSecond, users...)
}

// MistreatJournal is NewJournal for a journald that was started already.
func MistreatJournal(t *testing.T, i *journald.Instance, seed uint64, source string, perSecond int, users ...int) *Journal {
	t.Helper()
	w := Write(t, i.Native(t), seed, source, perSecond, users...)
	j := &Journal{Instance: i, Directory: newDirectory(i.Dir, seed), Writer: w}
	j.sync, j.boost = i.Sync, w.Boost
	return j
}

// Acts is what may happen to the journal, all of which a reader has to take without missing anything.
func (j *Journal) Acts() []Act {
	return append(j.acts(), []Act{
		{"killed", j.kill},
		{"restarted", j.restart},
		{"directory removed", j.removeDir},
		{"directory removed under journald", j.removeDirInUse},
		{"vacuumed", j.vacuum},
	}...)
}

// Mark logs one more message and returns its number when it is stored.
func (j *Journal) Mark(t *testing.T) int {
	t.Helper()
	n := j.Writer.Mark(t)
	j.Sync(t)
	return n
}

// Settle stops the writer, waits until all is stored, and takes note of it.
func (j *Journal) Settle(t *testing.T) {
	t.Helper()
	j.Writer.Stop()
	j.Look(t)
}

// Calm leaves only the files that are being written, all of which everybody has read.
func (j *Journal) Calm(t *testing.T, caughtUp func()) {
	t.Helper()
	j.take(t, caughtUp)
	j.removeMade(t, len(j.made))
	j.Vacuum(t, 1)
	caughtUp()
}

// VacuumUnread deletes archived files whether anybody has read them or not.
func (j *Journal) VacuumUnread(t *testing.T) {
	t.Helper()
	j.Done["vacuumed unread"]++
	j.Look(t)
	j.Vacuum(t, 1)
}

// FlushToVar makes a journald that was started in /run go on in /var. What was in /run is moved there.
func (j *Journal) FlushToVar(t *testing.T) {
	t.Helper()
	j.Flush(t)
	j.Path = j.Dir
	j.Stored.moved = true
}

// kill kills journald while it is busy, and starts it again.
func (j *Journal) kill(t *testing.T, _ func()) {
	t.Helper()
	j.boost(1000 + j.Rnd.IntN(2000))
	j.Pause(t, 30*time.Millisecond)
	j.Kill(t)
	j.again(t)
}

func (j *Journal) again(t *testing.T) {
	t.Helper()
	j.Restart(t)
	j.Writer.Reconnect(j.Native(t))
}

func (j *Journal) restart(t *testing.T, _ func()) {
	t.Helper()
	j.Stop(t)
	j.again(t)
}

// removeDir removes everything between two runs of journald.
func (j *Journal) removeDir(t *testing.T, caughtUp func()) {
	t.Helper()
	release := j.Writer.Hold()
	j.take(t, caughtUp)
	j.Stop(t)
	j.removeAll(t)
	release()
	j.again(t)
}

// removeDirInUse removes everything while journald runs. What it would log until it is restarted is lost for everybody who
// comes later, so nothing is logged.
func (j *Journal) removeDirInUse(t *testing.T, caughtUp func()) {
	t.Helper()
	release := j.Writer.Hold()
	j.take(t, caughtUp)
	j.removeAll(t)
	j.Pause(t, 50*time.Millisecond)
	j.Stop(t)
	release()
	j.again(t)
}

// vacuum deletes most archived files once everybody has read them: down to one file at times.
func (j *Journal) vacuum(t *testing.T, caughtUp func()) {
	t.Helper()
	j.take(t, caughtUp)
	j.Vacuum(t, 1+j.Rnd.IntN(3))
}
