package file

import (
	"path/filepath"
	"testing"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestRoutesHaveFilesOfTheirOwn(t *testing.T) {
	for _, own := range []string{"own", "{_SYSTEMD_UNIT}"} {
		dir := t.TempDir()
		s := openPath(t, filepath.Join(dir, own))
		routes := []*pump.Route{{Name: "own"}, {Name: "all", To: filepath.Join(dir, "all")}, {Name: "unit", To: filepath.Join(dir, "unit-{_SYSTEMD_UNIT}")}}
		send(t, s, sendertest.Routed(batch(0, 2, units("a", "b")), routes...))
		commit(t, s)
		if own == "own" {
			check(t, filepath.Join(dir, "own"), linesOf(0, 2))
		} else {
			check(t, filepath.Join(dir, "b"), linesOf(1, 1))
		}
		check(t, filepath.Join(dir, "all"), linesOf(0, 2))
		check(t, filepath.Join(dir, "unit-a"), linesOf(0, 1))
		check(t, filepath.Join(dir, "unit-b"), linesOf(1, 1))
	}
}
