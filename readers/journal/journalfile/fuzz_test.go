package journalfile

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// seeds are small journals of every layout.
func seeds() (list [][]byte) {
	all := layouts()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, sample(all[name], 8).b)
	}
	return list
}

// FuzzFile reads whole files of arbitrary bytes.
func FuzzFile(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		exercise(t, path, 5_000)
	})
}

// FuzzObject puts arbitrary bytes in the place of some object of a good file, so that the header does not stop them.
func FuzzObject(f *testing.F) {
	good := seeds()
	offsets := make([][]uint64, len(good))
	for i, b := range good {
		offsets[i] = objects(b)
	}
	for _, typ := range []byte{typeData, typeField, typeEntry, typeEntryArray} {
		for which := range good {
			f.Add(uint(which), uint(5*typ), []byte{typ, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0})
			f.Add(uint(which), uint(7*typ), []byte{typ, compressedZSTD, 0, 0, 0, 0, 0, 0, 0x60})
		}
	}
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, which, object uint, patch []byte) {
		which %= uint(len(good))
		b := slices.Clone(good[which])
		offs := offsets[which]
		copy(b[offs[object%uint(len(offs))]:], patch)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		exercise(t, path, 5_000)
	})
}

// objects returns the offsets of all objects, one after the other.
func objects(b []byte) (offs []uint64) {
	for off := u64(b, headerHeaderSize); off < uint64(len(b)); off += (u64(b, off+objectSize) + 7) &^ 7 {
		offs = append(offs, off)
	}
	return offs
}
