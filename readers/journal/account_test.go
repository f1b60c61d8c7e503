package journal

import (
	"encoding/hex"
	"fmt"
	"testing"

	"journalpump/pump"
	"journalpump/test/torture"
)

// check waits until all have all that is there, ends them, and holds what they got against what was stored.
func (fs followers) check(t *testing.T, dirs ...*torture.Directory) {
	t.Helper()
	stored, there := storedIn(t, dirs...)
	for source, last := range there.Last() {
		fs.await(t, source, last)
	}
	accounts := fs.stop(t)
	for i := range accounts {
		accounts[i].check(t, fmt.Sprintf("follower %d", i), stored, there)
	}
	if fs[1].opts.again == "" {
		alike(t, &accounts[0], &accounts[1])
	}
	t.Logf("from sending to delivery: %v", fs[0].sent)
	t.Logf("from the entry's timestamp to delivery: %v", fs[0].stamped)
}

// storedIn returns what was stored, and what is there still.
func storedIn(t *testing.T, dirs ...*torture.Directory) (stored, there *torture.Stored) {
	t.Helper()
	stored, there = torture.NewStored(), torture.NewStored()
	for _, d := range dirs {
		there.Look(t, d.Files(t)...)
		stored.Include(d.Stored)
	}
	stored.Include(there)
	return stored, there
}

// stop ends the followers.
func (fs followers) stop(t *testing.T) (accounts []account) {
	t.Helper()
	for _, f := range fs {
		f.stop(t)
		accounts = append(accounts, f.account)
	}
	return accounts
}

// alike holds what two followers got of journald's own entries against each other: only where files were deleted unread may
// one have had less.
func alike(t *testing.T, a, b *account) {
	t.Helper()
	if len(a.Gaps)+len(b.Gaps) > 0 {
		return
	}
	counts := map[pump.Cursor]int{}
	same := func(p pump.Cursor) pump.Cursor { // however often it was stored
		p.SeqnumID, p.Seqnum = pump.ID128{}, 0
		return p
	}
	both := []*account{a, b}
	for i, sign := range []int{1, -1} {
		for _, o := range both[i].Others {
			counts[same(o.Position)] += sign
		}
	}
	end := min(a.Newest, b.Newest) // of what came later, one was stopped before it
	for i, one := range both {
		for _, o := range one.Others {
			if counts[same(o.Position)] != 0 && o.Position.Realtime < end {
				t.Errorf("follower %d alone has %q at %v", i, o.Text, o.Position)
			}
		}
	}
}

// check holds what did not come against what was stored: it must be gone, and be in a gap. What came must have come from where it was.
func (a *account) check(t *testing.T, name string, stored, there *torture.Stored) {
	t.Helper()
	lost, never := 0, 0
	for _, h := range a.Holes {
		for n := h.First; n <= h.Last; n++ {
			p, ok := stored.Where(h.Source, n)
			_, present := there.Where(h.Source, n)
			switch {
			case present:
				a.Wrong = append(a.Wrong, fmt.Sprintf("%s: message %d did not come, and is there: %v; started after %v", h.Source, n, p, h.Start))
			case !ok:
				never++
			case !a.inGap(p) && !a.Back: // what was vacuumed before an iterator was opened, it cannot always know of
				a.Wrong = append(a.Wrong, fmt.Sprintf("%s: message %d did not come, and is in no gap: %v; started after %v", h.Source, n, p, h.Start))
			default:
				lost++
			}
		}
	}
	for source, places := range a.At {
		for n, p := range places {
			if p != (torture.Place{}) && !stored.Has(source, n, p) {
				a.Wrong = append(a.Wrong, fmt.Sprintf("%s: message %d was not at %v", source, n, p))
			}
		}
	}
	for i, text := range a.Wrong {
		if i == 10 {
			t.Errorf("%s: and %d more", name, len(a.Wrong)-i)
			break
		}
		t.Errorf("%s: %s", name, text)
	}
	t.Logf("%s: %d entries, %d messages lost in %d gaps, %d never stored", name, a.Entries, lost, len(a.Gaps), never)
}

func (a *account) inGap(p torture.Place) bool {
	for i := range a.Gaps {
		g := &a.Gaps[i]
		if hex.EncodeToString(g.SeqnumID[:]) == p.SeqnumID && g.First <= p.Seqnum && (p.Seqnum <= g.Last || g.Last == 0) {
			return true
		}
	}
	return false
}
