//go:build cgo && linux

package libsystemd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

// linkCount is where the number of entries that have a field is in a journal file: in the last 8 bytes of the object's
// head, or before two more numbers of a compact file (JOURNAL_FILE_FORMAT, "Data Objects").
func linkCount(t *testing.T, path, field string) (offset int64) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Index(file, []byte(field))
	for _, before := range []int{8, 16} {
		if payload > before && binary.LittleEndian.Uint64(file[payload-before:]) == 1 {
			return int64(payload - before)
		}
	}
	t.Fatalf("%s has no %s that one entry has", path, field)
	return 0
}

func setLinkCount(t *testing.T, path string, offset int64, n uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, n), offset); err != nil {
		t.Fatal(err)
	}
}

// readOn reads once and returns the numbers of the messages, 0 where there is none.
func readOn(t *testing.T, c *child, fields *fields) (numbers []int, end bool) {
	t.Helper()
	request := readRequest{entries: batchEntries, bytes: batchBytes}
	payload, err := c.read(request.append(nil))
	if err != nil {
		t.Fatal(err)
	}
	b, err := fields.decode(payload[frameHead:], pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	if b.chunk.Corrupted > 0 {
		t.Errorf("%d are corrupted", b.chunk.Corrupted)
	}
	for i := range b.chunk.Entries {
		n := 0
		if _, ok := b.chunk.Lookup(i, "MESSAGE"); ok {
			n = number(t, b.chunk, i)
		}
		numbers = append(numbers, n)
	}
	return numbers, b.end
}

// linking makes a journal of young entries, the third of which has its message only half linked.
func linking(t *testing.T) (path string, count int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "system.journal")
	var export []byte
	for n, now := 1, time.Now().Add(linkAge).UnixMicro(); n <= 3; n++ { // young for twice as long
		export = fmt.Appendf(export, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\nMESSAGE=number %d\nTWICE=x\nTWICE=x\nAGAIN=y\nAGAIN=y\n\n",
			now+int64(n), n, testBoot, n)
	}
	remote(t, path, export)
	count = linkCount(t, path, "MESSAGE=number 3")
	setLinkCount(t, path, count, 0)
	return path, count
}

// An entry that is just being written does not come before all of its fields do.
func TestEntryIsWaitedFor(t *testing.T) {
	path, count := linking(t)
	c, fields := openChild(t, []string{path}, nil), newFields()
	for _, want := range [][]int{{1, 2}, nil, nil} {
		if got, end := readOn(t, c, fields); !cmp.Equal(got, want) || !end {
			t.Fatalf("read %v, end %t; want %v and the end", got, end, want)
		}
		c.unlinked.since = time.Now().Add(time.Minute) // however busy the machine is
	}
	setLinkCount(t, path, count, 1)
	if got, _ := readOn(t, c, fields); !cmp.Equal(got, []int{3}) {
		t.Errorf("read %v, want number 3", got)
	}
}

// One that never becomes complete holds up the others only for a while.
func TestEntryIsNotWaitedForForever(t *testing.T) {
	path, _ := linking(t)
	c, fields := openChild(t, []string{path}, nil), newFields()
	began := time.Now()
	var got []int
	for len(got) < 3 && time.Since(began) < time.Minute {
		more, _ := readOn(t, c, fields)
		got = append(got, more...)
	}
	if took := time.Since(began); !cmp.Equal(got, []int{1, 2, 0}) || took < linkTime {
		t.Errorf("read %v within %v, want two and, after %v, one without a message", got, took, linkTime)
	}
}
