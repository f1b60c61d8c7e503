package e2e

import (
	"os/exec"
	"testing"
	"time"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// A live journald, messages on all its ways in, files rotated and vacuumed meanwhile: none missing, none twice.
func TestLive(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{"native", "libsystemd"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			testLive(t, backend)
		})
	}
}

func testLive(t *testing.T, backend string) {
	t.Helper()
	duration := fromEnv(t, "E2E_DURATION", 10*time.Second, time.ParseDuration)
	rnd := newRand(t)
	j := journald.Start(t)
	s := newSetup(t)
	s.write(t, object{"journal_namespace": j.Namespace, "journal_backend": backend})
	pump := program.Start(t, nil, s.config())

	ways := map[string]func(string) error{
		"native": j.Native(t).Message,
		"stdout": j.Stream(t, "e2e").Message,
		"syslog": j.Syslog(t).Message,
	}
	if _, err := exec.LookPath("logger"); err == nil {
		ways["logger"] = logger(t, j)
	}
	load := startLoad(t, rnd, 1000, ways)
	out := newOutput(s.file("out"))
	rotations := 0
	for end := time.Now().Add(duration); time.Now().Before(end); rotations++ {
		program.Pause(t, time.Duration(rnd.IntN(800))*time.Millisecond)
		j.Rotate(t)
		// Only what has been read may go: that nothing is lost otherwise is not a promise anybody could keep.
		before := load.soFar()
		program.Until(t, "what was logged before the rotation is in the file", func() bool {
			return out.read(t).hasAll(before)
		})
		j.Vacuum(t, rnd.IntN(3))
	}
	sent := load.stop(t)
	program.Until(t, "all is in the file", func() bool { return out.read(t).hasAll(sent) })
	pump.Stop(t)
	out.read(t).exactly(t, sent)
	t.Logf("%v messages, %d rotations", sent, rotations)
}
