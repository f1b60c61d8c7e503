//go:build cgo && linux

package libsystemd

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// What go-systemd's sdjournal has not: every value of a field that an entry has several times, in order, without a
// call from Go for each. The functions are those of the library that sdjournal has opened with dlopen.

typedef struct {
	void (*restart_data)(void *);
	int (*enumerate_data)(void *, const void **, size_t *);
} jp_functions;

typedef struct {
	unsigned char *buf; // for each field its length (4 bytes, native order) and NAME=value
	size_t len, cap;
	uint32_t dropped; // fields left out
} jp_entry;

static int jp_load(jp_functions *f) {
	void *lib = dlopen("libsystemd.so.0", RTLD_LAZY);
	if (!lib)
		lib = dlopen("libsystemd.so", RTLD_LAZY);
	if (!lib)
		return -ENOENT;
	*(void **)&f->restart_data = dlsym(lib, "sd_journal_restart_data");
	// Since systemd 246; it passes over fields that cannot be read, such as those of a compression that is not built in.
	*(void **)&f->enumerate_data = dlsym(lib, "sd_journal_enumerate_available_data");
	if (!f->enumerate_data)
		*(void **)&f->enumerate_data = dlsym(lib, "sd_journal_enumerate_data");
	return f->restart_data && f->enumerate_data ? 0 : -ENOSYS;
}

static int jp_room(jp_entry *e, size_t need) {
	if (e->cap - e->len >= need)
		return 0;
	size_t cap = e->cap ? e->cap : 1 << 16;
	while (cap - e->len < need)
		cap *= 2;
	unsigned char *buf = realloc(e->buf, cap);
	if (!buf)
		return -ENOMEM;
	e->buf = buf;
	e->cap = cap;
	return 0;
}

static int jp_read(jp_functions *f, void *journal, jp_entry *e, size_t max_field, size_t max_entry) {
	e->len = 0;
	e->dropped = 0;
	f->restart_data(journal);
	for (;;) {
		const void *data;
		size_t size;
		int r = f->enumerate_data(journal, &data, &size);
		if (r <= 0)
			return r;
		if (size > max_field)
			size = max_field;
		if (e->len + size > max_entry) {
			e->dropped++;
			continue;
		}
		uint32_t n = (uint32_t)size;
		if (jp_room(e, sizeof n + size) < 0)
			return -ENOMEM;
		memcpy(e->buf + e->len, &n, sizeof n);
		memcpy(e->buf + e->len + sizeof n, data, size);
		e->len += sizeof n + size;
	}
}
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"syscall"
	"unsafe"

	"github.com/coreos/go-systemd/v22/sdjournal"
)

// dataReader reads all fields of the entry that a journal is at.
type dataReader struct {
	functions C.jp_functions
	entry     C.jp_entry
	handle    uintptr // where in a sdjournal.Journal the sd_journal pointer is
}

func newDataReader() (*dataReader, error) {
	offset, err := handleOffset(reflect.TypeFor[sdjournal.Journal]())
	if err != nil {
		return nil, err
	}
	r := &dataReader{handle: offset}
	if rc := C.jp_load(&r.functions); rc < 0 {
		return nil, fmt.Errorf("loading libsystemd: %w", syscall.Errno(-rc))
	}
	return r, nil
}

var errOtherLayout = errors.New("sdjournal.Journal is not laid out as this program expects: it was built with a version of go-systemd that it does not know")

// handleOffset finds the sd_journal pointer in a sdjournal.Journal, which keeps it to itself, and makes sure that it is
// one. See docs/adr/0004.
func handleOffset(journal reflect.Type) (uintptr, error) {
	field, ok := journal.FieldByName("cjournal")
	if !ok || field.Type.Kind() != reflect.Pointer || field.Type.Elem().Name() != "_Ctype_struct_sd_journal" {
		return 0, errOtherLayout
	}
	return field.Offset, nil
}

// read reads the fields of the entry that the journal is at. It returns how many had to be left out.
func (r *dataReader) read(j *sdjournal.Journal) (dropped int, err error) {
	raw := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(j), r.handle))
	rc := C.jp_read(&r.functions, raw, &r.entry, maxField, maxEntryData)
	if rc < 0 {
		return int(r.entry.dropped), fmt.Errorf("reading the fields of an entry: %w", syscall.Errno(-rc))
	}
	return int(r.entry.dropped), nil
}

// fields are what was read, NAME=value each, in order; they are valid until the next read.
func (r *dataReader) fields() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if r.entry.len == 0 {
			return
		}
		data := unsafe.Slice((*byte)(r.entry.buf), int(r.entry.len))
		for len(data) > 0 {
			n := 4 + int(binary.NativeEndian.Uint32(data))
			if !yield(data[4:n]) {
				return
			}
			data = data[n:]
		}
	}
}

func (r *dataReader) close() {
	C.free(unsafe.Pointer(r.entry.buf))
	r.entry = C.jp_entry{}
}
