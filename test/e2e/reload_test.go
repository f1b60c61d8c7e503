package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// SIGHUP with a broken configuration changes nothing; with a good one it adds the new sender, and the old one goes on
// without a message missing or repeated.
func TestReload(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	n := listenNotify(t)
	s := newSetup(t)
	reader := object{"journal_path": j.Dir}
	s.write(t, reader)
	pump := program.Start(t, []string{n.env()}, s.config())
	told := n.await(t, 0, "READY=1")

	native := j.Native(t)
	sent := map[string]int{"native": 0}
	log := func() {
		for range 100 {
			sent["native"]++
			if err := native.Message(number{"native", sent["native"]}.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	out := newOutput(s.file("out"))
	arrived := func() bool { return out.read(t).hasAll(sent) }
	log()
	program.Until(t, "messages before the reload", arrived)

	for _, broken := range []string{"{", `{"readers": {"r": {"senders": {"out": {"output_type": "flie"}}}}}`} {
		s.writeText(t, broken)
		pump.Signal(t, syscall.SIGHUP)
		told = n.await(t, told, "RELOADING=1", "READY=1")
		log()
		program.Until(t, "messages after a reload with a broken configuration", arrived)
	}

	s.write(t, object{"journal_path": j.Dir, "senders": object{"out": s.sender("out"), "added": s.sender("added")}})
	pump.Signal(t, syscall.SIGHUP)
	n.await(t, told, "RELOADING=1", "READY=1")
	log()
	program.Until(t, "messages after the reload", arrived)
	added := newOutput(s.file("added"))
	program.Until(t, "the added sender has the journal from its head", func() bool { return added.read(t).hasAll(sent) })
	pump.Stop(t)
	out.read(t).exactly(t, sent)
	added.read(t).exactly(t, sent)
}

// logrotate(8) renames the file: the program goes on in a new one, with and without a SIGHUP after it.
func TestLogrotate(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]bool{"renamed": false, "renamed and SIGHUP": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := journald.Start(t)
			s := newSetup(t)
			s.write(t, object{"journal_path": j.Dir})
			pump := program.Start(t, nil, s.config())
			load := startLoad(t, newRand(t), 2000, map[string]func(string) error{"native": j.Native(t).Message})
			whole := newOutput(s.file("out"))
			for _, old := range []string{"out.1", "out.2"} {
				before := len(whole.lines)
				program.Until(t, "messages in the file", func() bool { return len(whole.read(t).lines) > before })
				renamed := filepath.Join(s.dir, old)
				if err := os.Rename(s.file("out"), renamed); err != nil {
					t.Fatal(err)
				}
				if signal {
					pump.Signal(t, syscall.SIGHUP)
				}
				program.Until(t, "a new file", func() bool { _, err := os.Stat(s.file("out")); return err == nil })
				whole.file = renamed // what came after the last look at it
				whole.read(t)
				whole.file, whole.offset = s.file("out"), 0
			}
			sent := load.stop(t)
			program.Until(t, "all is in the files", func() bool { return whole.read(t).hasAll(sent) })
			pump.Stop(t)
			whole.read(t).exactly(t, sent)
			t.Logf("%v messages", sent)
		})
	}
}
