package journaldir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	thisMachine  = "0123456789abcdef0123456789abcdef"
	otherMachine = "fedcba9876543210fedcba9876543210"
)

// tree makes empty files below a new directory, which it returns.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestList(t *testing.T) {
	t.Parallel()
	const vlog, rlog = "var/log/journal/", "run/log/journal/"
	osTree := []string{
		vlog + thisMachine + "/system.journal",
		vlog + thisMachine + "/system@1.journal",
		vlog + thisMachine + "/system@2.journal~",
		vlog + thisMachine + "/user-1000.journal",
		vlog + thisMachine + "/user-1000@5.journal",
		vlog + thisMachine + "/user-10001.journal",
		vlog + thisMachine + "/notes.txt",
		vlog + thisMachine + "/deeper/x.journal",
		vlog + thisMachine + ".net/system.journal",
		vlog + otherMachine + "/system.journal",
		vlog + "remote/remote-a.journal",
		rlog + otherMachine + "/system.journal",
	}
	root := tree(t, osTree...)
	uid := func(n int) *int { return &n }
	cases := []struct {
		name string
		s    Selection
		want []string
	}{
		{"all", Selection{}, []string{
			rlog + otherMachine + "/system.journal",
			vlog + thisMachine + "/system.journal", vlog + thisMachine + "/system@1.journal", vlog + thisMachine + "/system@2.journal~",
			vlog + thisMachine + "/user-1000.journal", vlog + thisMachine + "/user-10001.journal", vlog + thisMachine + "/user-1000@5.journal",
			vlog + otherMachine + "/system.journal",
		}},
		{"local", Selection{Flags: LocalOnly | System}, []string{
			rlog + otherMachine + "/system.journal",
			vlog + thisMachine + "/system.journal", vlog + thisMachine + "/system@1.journal", vlog + thisMachine + "/system@2.journal~",
		}},
		{"runtime", Selection{Flags: RuntimeOnly}, []string{rlog + otherMachine + "/system.journal"}},
		{"user", Selection{Flags: CurrentUser, UID: uid(1000)}, []string{
			vlog + thisMachine + "/user-1000.journal", vlog + thisMachine + "/user-1000@5.journal",
		}},
		{"a system user", Selection{Flags: CurrentUser | RuntimeOnly, UID: uid(33)}, []string{rlog + otherMachine + "/system.journal"}},
		{"a namespace", Selection{Namespaces: []string{"net"}}, []string{vlog + thisMachine + ".net/system.journal"}},
		{"a namespace and the default", Selection{Namespaces: []string{"+net"}, Flags: System | LocalOnly}, []string{
			rlog + otherMachine + "/system.journal",
			vlog + thisMachine + ".net/system.journal",
			vlog + thisMachine + "/system.journal", vlog + thisMachine + "/system@1.journal", vlog + thisMachine + "/system@2.journal~",
		}},
		{"all namespaces", Selection{Namespaces: []string{"*"}, Flags: CurrentUser | System, UID: uid(4000)}, []string{
			rlog + otherMachine + "/system.journal",
			vlog + thisMachine + ".net/system.journal",
			vlog + thisMachine + "/system.journal", vlog + thisMachine + "/system@1.journal", vlog + thisMachine + "/system@2.journal~",
			vlog + otherMachine + "/system.journal",
		}},
		{"no such namespace", Selection{Namespaces: []string{"mail"}}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.s.Path, c.s.MachineID = root, thisMachine
			c.s.Flags |= OSRoot
			checkList(t, c.s, root, c.want)
		})
	}
}

func checkList(t *testing.T, s Selection, root string, want []string) {
	t.Helper()
	got, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], root+"/")
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestListDirectory(t *testing.T) {
	t.Parallel()
	root := tree(t, "a.journal", "b.journal~", "c.log", thisMachine+"/system.journal", "some/where.journal")
	checkList(t, Selection{Path: root}, root, []string{"a.journal", "b.journal~", thisMachine + "/system.journal"})
	checkList(t, Selection{Path: filepath.Join(root, "some")}, root, []string{"some/where.journal"})
	checkList(t, Selection{Path: filepath.Join(root, "nowhere")}, root, nil)
	checkList(t, Selection{Path: filepath.Join(root, "c.log")}, root, nil)
	files := Selection{Files: []string{filepath.Join(root, "some/where.journal"), filepath.Join(root, "gone.journal"), filepath.Join(root, "c.log")}}
	checkList(t, files, root, []string{"c.log", "some/where.journal"})
	if _, err := (Selection{Files: []string{root}}).List(); err == nil {
		t.Error("a directory named as a file is no error")
	}
}

func TestRoots(t *testing.T) {
	t.Parallel()
	if got := (Selection{}).Roots(); !slices.Equal(got, []string{"/run/log/journal", "/var/log/journal"}) {
		t.Errorf("by default %v", got)
	}
	if got := (Selection{Flags: RuntimeOnly}).Roots(); !slices.Equal(got, []string{"/run/log/journal"}) {
		t.Errorf("with RUNTIME_ONLY %v", got)
	}
	if got := (Selection{Path: "/mnt", Flags: OSRoot | RuntimeOnly}).Roots(); !slices.Equal(got, []string{"/mnt/run/log/journal"}) {
		t.Errorf("with OS_ROOT %v", got)
	}
}

func TestParseFlag(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Flags{"LOCAL_ONLY": 1, "RUNTIME_ONLY": 2, "SYSTEM": 4, "CURRENT_USER": 8, "OS_ROOT": 16} {
		if got, err := ParseFlag(name); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", name, got, err, want)
		}
	}
	if _, err := ParseFlag("LOCAL"); err == nil || !strings.Contains(err.Error(), "LOCAL_ONLY") {
		t.Errorf("the error for an unknown flag does not say what is allowed: %v", err)
	}
}

func TestSelectionsSayWhereTheyLook(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Selection{
		"/run/log/journal, /var/log/journal":                     {},
		"/run/log/journal, /var/log/journal, namespace web, +db": {Namespaces: []string{"web", "+db"}},
		"/run/log/journal":                                       {Flags: RuntimeOnly},
		"/srv/journal":                                           {Path: "/srv/journal/"},
		"/os/run/log/journal, /os/var/log/journal":               {Path: "/os", Flags: OSRoot},
		"a.journal, b.journal":                                   {Files: []string{"a.journal", "b.journal"}, Namespaces: []string{"web"}},
	} {
		if got := s.Where(); got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
}
