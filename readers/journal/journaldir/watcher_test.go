package journaldir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func watchTest(t *testing.T, s Selection) *Watcher {
	t.Helper()
	w, err := s.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// expect does something and waits until the watcher has noticed.
func expect(t *testing.T, w *Watcher, what string, do func() error) {
	t.Helper()
	before := w.Check()
	alarm := w.Alarm(nil)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	if after := w.Check(); after == before {
		t.Errorf("%s: Check still says %d", what, after)
	}
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case <-alarm:
	case <-late.C:
		t.Errorf("%s: there is no alarm", what)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b", "journal")
	machine := filepath.Join(dir, thisMachine)
	file := filepath.Join(machine, "system.journal")
	w := watchTest(t, Selection{Path: dir})
	write := func(path string) func() error { return func() error { return os.WriteFile(path, nil, 0o600) } }

	for _, d := range []string{filepath.Join(root, "a"), filepath.Join(root, "a", "b"), dir, machine} {
		expect(t, w, "making "+d, func() error { return os.Mkdir(d, 0o700) })
	}
	expect(t, w, "making a file", write(file))
	expect(t, w, "renaming it", func() error { return os.Rename(file, file+"~") })
	expect(t, w, "deleting it", func() error { return os.Remove(file + "~") })
	expect(t, w, "deleting the directory", func() error { return os.RemoveAll(filepath.Join(root, "a")) })
	expect(t, w, "making it all anew", func() error { return os.MkdirAll(machine, 0o700) })
	expect(t, w, "a file in it", write(file))
	expect(t, w, "moving it away", func() error { return os.Rename(dir, dir+".old") })
	before := w.Check()
	if err := write(filepath.Join(dir+".old", thisMachine, "x.journal"))(); err != nil {
		t.Fatal(err)
	}
	if w.Check() != before {
		t.Error("what happens in a directory that was moved away is noticed")
	}
	expect(t, w, "moving it back", func() error { return os.Rename(dir+".old", dir) })
	expect(t, w, "and a file in it", write(filepath.Join(machine, "y.journal")))
}

// While a file of a directory that was removed is open, the kernel does not say that the directory has gone.
func TestWatchRemovedInUse(t *testing.T) {
	t.Parallel()
	for name, removed := range map[string]string{"a machine's": thisMachine, "the journal's": "", "one above": ".."} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "log", "journal")
			dir := filepath.Join(root, thisMachine)
			file := filepath.Join(dir, "system.journal")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			inUse, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			defer inUse.Close()
			w := watchTest(t, Selection{Path: root})
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			expect(t, w, "removing and making the directory", func() error {
				return errors.Join(os.RemoveAll(filepath.Join(root, removed)), os.MkdirAll(dir, 0o700))
			})
			expect(t, w, "a file in it", func() error { return os.WriteFile(file, nil, 0o600) })
		})
	}
}

// What else happens in the directories above is of no interest.
func TestWatchNoise(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	root := filepath.Join(above, "journal")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	w := watchTest(t, Selection{Path: root})
	before := w.Check()
	if err := errors.Join(
		os.Mkdir(filepath.Join(above, "journal.old"), 0o700),
		os.WriteFile(filepath.Join(above, "syslog"), nil, 0o600),
		os.Rename(filepath.Join(above, "syslog"), filepath.Join(above, "syslog.1")),
	); err != nil {
		t.Fatal(err)
	}
	if after := w.Check(); after != before {
		t.Errorf("Check says %d, %d before", after, before)
	}
	expect(t, w, "removing the directory", func() error { return os.Remove(root) })
}

func TestWatchFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "later", "x.journal")
	w := watchTest(t, Selection{Files: []string{file}})
	expect(t, w, "making the directory", func() error { return os.Mkdir(filepath.Dir(file), 0o700) })
	expect(t, w, "making the file", func() error { return os.WriteFile(file, nil, 0o600) })
}

// A write to a file is told to who waits for it, and no change of what List returns.
func TestAlarm(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "x.journal")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := watchTest(t, Selection{Path: root})
	before := w.Check()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for i, write := range []func() error{
		func() error { _, err := file.WriteString("x"); return err },
		func() error { return file.Truncate(1) }, // as journald announces what it has written through a mapping
	} {
		if _, err := file.WriteString("y"); err != nil { // nobody waits
			t.Fatal(err)
		}
		w.Check()
		alarm := w.Alarm([]string{path, filepath.Join(root, "none")})
		select {
		case <-alarm:
			t.Errorf("%d: an alarm before anything was written", i)
		default:
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-alarm:
		case <-late.C:
			t.Fatalf("%d: no alarm", i)
		}
	}
	if after := w.Check(); after != before {
		t.Errorf("Check says %d, %d before", after, before)
	}
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	w, err := Selection{Path: t.TempDir()}.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if w.Check() != 0 {
		t.Error("closed, it notices things")
	}
}

// inNamespace is set in the environment of a process of a user namespace of its own, where it may set what it may watch.
const inNamespace = "JOURNALDIR_TEST_NAMESPACE"

const watchesFile = "/proc/sys/user/max_inotify_watches"

// There are no watches left for a new directory. Nobody is told that all is watched, until it is.
func TestWatchesRunOut(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		runInNamespace(t)
		return
	}
	limit := func(n string) {
		if err := os.WriteFile(watchesFile, []byte(n), 0); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	w := watchTest(t, Selection{Path: dir})
	limit("1")
	machine := filepath.Join(dir, thisMachine)
	expect(t, w, "making a directory that cannot be watched", func() error { return os.Mkdir(machine, 0o700) })
	if w.Whole() {
		t.Error("all is said to be watched")
	}
	limit("1000")
	w.mu.Lock()
	w.tried = time.Time{}
	w.mu.Unlock()
	before := w.Check()
	if !w.Whole() || w.Check() != before {
		t.Error("it is not watched when there are watches again")
	}
	expect(t, w, "a file in it", func() error { return os.WriteFile(filepath.Join(machine, "system.journal"), nil, 0o600) })
}

// runInNamespace runs the test again where nobody else is limited by what it does.
func runInNamespace(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("no user namespace can be made here: %v", err)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
