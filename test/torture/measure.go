package torture

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Latencies is a histogram of durations, 2 % wide. It may be used concurrently.
type Latencies struct {
	mu      sync.Mutex
	buckets [1024]int
	n       int
	max     time.Duration
}

const bucketWidth = 1.02

// Add counts one.
func (l *Latencies) Add(d time.Duration) {
	at := 0
	if us := float64(d) / float64(time.Microsecond); us > 1 {
		at = min(int(math.Log(us)/math.Log(bucketWidth)), len(l.buckets)-1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buckets[at]++
	l.n++
	l.max = max(l.max, d)
}

// Quantile returns what the share q of all durations stays below; 0 if there are none.
func (l *Latencies) Quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := int(math.Ceil(q * float64(l.n)))
	for at, n := range &l.buckets {
		if rest -= n; rest <= 0 && n > 0 {
			return time.Duration(math.Pow(bucketWidth, float64(at+1)) * float64(time.Microsecond))
		}
	}
	return 0
}

// String implements fmt.Stringer.
func (l *Latencies) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %v, p99 %v, longest %v (%d entries)", round(l.Quantile(0.5)), round(l.Quantile(0.99)), round(l.max), l.n)
}

// Usage is what a process holds.
type Usage struct {
	Descriptors int
	Threads     int
	Resident    int // anonymous memory, in bytes
	Mapped      int // resident parts of files, in bytes
}

// Measure asks the kernel what a process holds.
func Measure(t *testing.T, pid int) Usage {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		t.Fatal(err)
	}
	u := Usage{Descriptors: len(fds)}
	for line := range bytes.Lines(status) {
		name, value, _ := strings.Cut(string(line), ":")
		n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB"))) // 0 for what is no number
		switch name {
		case "Threads":
			u.Threads = n
		case "RssAnon":
			u.Resident = n << 10
		case "RssFile", "RssShmem":
			u.Mapped += n << 10
		}
	}
	return u
}

// String implements fmt.Stringer.
func (u Usage) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, %.1f MiB and %.1f MiB of files", u.Descriptors, u.Threads,
		float64(u.Resident)/(1<<20), float64(u.Mapped)/(1<<20))
}

// Open returns how many descriptors a process has of files in a directory, or of such that were deleted there.
func Open(t *testing.T, pid int, dir string) int {
	t.Helper()
	return len(opened(t, pid, dir))
}

// Deleted is Open for files that were deleted.
func Deleted(t *testing.T, pid int, dir string) int {
	t.Helper()
	return len(slices.DeleteFunc(opened(t, pid, dir), func(path string) bool { return !strings.HasSuffix(path, " (deleted)") }))
}

// opened returns the paths of the files in a directory that a process has open.
func opened(t *testing.T, pid int, dir string) (paths []string) {
	t.Helper()
	fds := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path, err := os.Readlink(filepath.Join(fds, e.Name()))
		if err == nil && strings.HasPrefix(path, dir+"/") {
			paths = append(paths, path)
		}
	}
	return paths
}
