package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"journalpump/internal/conf"
	"journalpump/pump"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

// testUnits is what the journals of the fixtures hold.
func testUnits(r *Reader) ([]string, error) {
	switch r.Name {
	case "broken":
		return nil, errors.New("no such directory")
	case "denied":
		return nil, fs.ErrPermission
	case "nowhere", "elsewhere", "usual":
		return nil, pump.ErrNotYet
	}
	return []string{"sshd.service", "cron.service", "session-1.scope"}, nil
}

func problems(r *conf.Report) string {
	var b strings.Builder
	for _, p := range r.Problems() {
		b.WriteString(p.String())
		b.WriteByte('\n')
	}
	return b.String()
}

func TestBadFilesAreRefusedWithTheReasons(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, report := Parse(filepath.Base(file), src)
			Check(c, report, testUnits)
			got, golden := problems(report), strings.TrimSuffix(file, ".json")+".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if Passes(report, true) {
				t.Error("passes although strict")
			}
			if Passes(report, false) == report.HasErrors() {
				t.Error("warnings alone make it fail, or errors don't")
			}
			if strings.Contains(got, "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
}

// goodFile returns a file of testdata with its placeholders filled in.
func goodFile(t *testing.T, file string) (name string, src []byte) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("@OUT@", dir, "@JOURNAL@", dir, "@STATSD_PORT@", "8125").Replace(string(raw))
	return filepath.Base(file), []byte(text)
}

func TestGoodFilesHaveNoProblems(t *testing.T) {
	checked := map[string]bool{}
	for _, pattern := range []string{
		"testdata/good/*.json",
		"../../../test/compat/testdata/cases/*/config.json.in",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files: %v", pattern, err)
		}
		for _, file := range files {
			checked[file] = true
		}
	}
	for file := range checked {
		t.Run(file, func(t *testing.T) {
			c, report := Parse(goodFile(t, file))
			Check(c, report, nil)
			if got := problems(report); got != "" {
				t.Error(got)
			}
			if !Passes(report, true) {
				t.Error("does not pass")
			}
		})
	}
}

// The packaged examples name directories of an installed machine, which Check would look for.
func TestPackagedExamplesLoadWithoutProblems(t *testing.T) {
	files, err := filepath.Glob("../../../packaging/examples/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, report := Load(file)
			if got := problems(report); got != "" {
				t.Error(got)
			}
			if len(c.Readers) == 0 {
				t.Error("no readers")
			}
		})
	}
}

func TestFilesThatCannotBeReadAreOneProblem(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{
		filepath.Join(dir, "missing.json"): filepath.Join(dir, "missing.json") + ": cannot be read: no such file or directory\n",
		dir:                                dir + ": cannot be read: is a directory\n",
	} {
		c, report := Load(file)
		if diff := cmp.Diff(want, problems(report)); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		if c == nil || !report.HasErrors() {
			t.Errorf("%s: config %v", file, c)
		}
	}
}

// Whatever a file holds, it is judged; and what passes can be built.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.json", "../../../packaging/examples/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: no files: %v", pattern, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, report := Parse("f", src)
		if report.HasErrors() {
			return
		}
		if _, err := newBuilder().Build(c, nowhere{}); err != nil {
			t.Errorf("passes and can't be built: %v\n%s", err, src)
		}
	})
}
