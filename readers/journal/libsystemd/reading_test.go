//go:build cgo && linux

package libsystemd

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

// Entries that come up in one file when later ones of another were read already, time and again: as they do when journald
// writes while libsystemd asks its files one after the other. None is missed, whatever the agent asks for.
func TestLateEntries(t *testing.T) {
	const last = 23
	for name, tt := range map[string]struct {
		age     time.Duration // of the entries' times
		entries uint64        // in one reading
	}{
		"at the end of the journal":    {0, batchEntries},
		"amid what is written now":     {0, 5},
		"amid what a slow one writes":  {20 * time.Second, 5},
		"one by one":                   {0, 1},
		"one by one, but for the last": {0, last - 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := []string{filepath.Join(dir, "system.journal"), filepath.Join(dir, "user-1.journal"), filepath.Join(dir, "user-2.journal")}
			begin := time.Now().Add(-tt.age).UnixMicro()
			export := func(numbers ...int) (b []byte) {
				for _, n := range numbers {
					b = fmt.Appendf(b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\nMESSAGE=number %d\n\n", begin+int64(n), n, testBoot, n)
				}
				return b
			}
			for n := 1; n <= last; n += 4 { // the odd ones by turns, so that the next one is always in another file
				remote(t, files[0], export(n))
				remote(t, files[2], export(n+2))
			}
			remote(t, files[1], export(2))
			late, before, due := 4, 0, true // the next even number comes up once a reading, each time that it is repeated, too
			c := openChild(t, files, func(p pump.Position) {
				n := int(p.Monotonic)
				due = due || n <= before
				if before = n; due && n%2 == 1 && n > late {
					remote(t, files[1], export(late))
					late, due = late+2, false
				}
			})
			var got []int
			fields, at := newFields(), pump.Position{}
			request := readRequest{entries: tt.entries, bytes: batchBytes}
			for end := false; !end; {
				before = last // a new reading
				payload, err := c.read(request.append(nil))
				if err != nil {
					t.Fatal(err)
				}
				b, err := fields.decode(payload[frameHead:], at)
				if err != nil {
					t.Fatal(err)
				}
				for i := range b.chunk.Entries {
					got = append(got, number(t, b.chunk, i))
				}
				at, end = b.chunk.To, len(b.chunk.Entries) == 0
			}
			if diff := cmp.Diff(upTo(1, last), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// openChild returns a child in this process that stands at the head of the files.
func openChild(t *testing.T, files []string, before hook) *child {
	t.Helper()
	c, err := newChild(before)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	request := openRequest{files: files}
	if _, err := c.open(request.append(nil)); err != nil {
		t.Fatal(err)
	}
	return c
}
