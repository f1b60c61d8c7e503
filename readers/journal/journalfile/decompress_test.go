package journalfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

var methods = map[string]byte{"xz": compressedXZ, "lz4": compressedLZ4, "zstd": compressedZSTD}

// payloads are of many sizes; some compress extremely well, others a little.
func payloads() (list [][]byte) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{64, 100, 600, 70_000, 200_000} {
		text := make([]byte, n)
		for i := range text {
			text[i] = "etaoin shrdlu"[r.IntN(13)]
			if i > 100 && r.IntN(3) == 0 {
				text[i] = text[i-100]
			}
		}
		copy(text[n/2:], text) // matches
		list = append(list, bytes.Repeat([]byte("x"), n), text)
	}
	return list
}

func TestDecompress(t *testing.T) {
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			var d decompressor
			for _, payload := range payloads() {
				src := compress(method, payload)
				for _, limit := range []int{len(payload), len(payload) + 1, MaxField} {
					got, err := d.decompress([]byte("before "), src, method, limit)
					if err != nil || string(got) != "before "+string(payload) {
						t.Fatalf("%d bytes, limit %d: got %d, %v", len(payload), limit, len(got), err)
					}
				}
				for _, limit := range []int{1, 63, len(payload) / 2, len(payload) - 1} {
					got, err := d.decompress([]byte("before "), src, method, limit)
					if !errors.Is(err, ErrTooLarge) || string(got) != "before "+string(payload[:limit]) {
						t.Fatalf("%d bytes, limit %d: got %d, %v", len(payload), limit, len(got), err)
					}
				}
			}
		})
	}
}

func TestDecompressDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			var d decompressor
			src := compress(method, payloads()[7][:5000])
			for i := range 1000 {
				hurt := bytes.Clone(src)
				if i%3 == 0 {
					hurt = hurt[:r.IntN(len(hurt))]
				} else {
					for range 1 + r.IntN(4) {
						hurt[r.IntN(len(hurt))] ^= 1 << r.IntN(8)
					}
				}
				got, err := d.decompress([]byte("before"), hurt, method, 100_000)
				if len(got) > 100_006 || err != nil && !errors.Is(err, ErrTooLarge) && string(got) != "before" {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
			}
			got, err := d.decompress(nil, src, method, MaxField)
			if err != nil || len(got) != 5000 {
				t.Errorf("the decoder does not work any more: %d, %v", len(got), err)
			}
		})
	}
}

// What claims to be huge must not make us allocate more than what is asked for.
func TestDecompressionBombs(t *testing.T) {
	bombs := map[string][]byte{"xz": nil, "lz4": nil, "zstd": nil}
	zeros := make([]byte, 24<<20)
	for name := range bombs {
		bombs[name] = compress(methods[name], zeros)
	}
	for name, src := range bombs {
		t.Run(name, func(t *testing.T) {
			var d decompressor
			const limit = 1 << 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := d.decompress(nil, src, methods[name], limit)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrTooLarge) || len(got) != limit || !bytes.Equal(got, zeros[:limit]) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 16<<20 {
				t.Errorf("%d MiB allocated for 1 MiB of %d bytes", spent>>20, len(src))
			}
		})
	}
}

func TestDecompressLies(t *testing.T) {
	good := compress(compressedLZ4, []byte(strings.Repeat("lies, ", 100)))
	sized := func(n uint64) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint64(b, n)
		return b
	}
	zstdFrame := func(claim uint64) []byte { // magic, descriptor (8 bytes of size, single segment), size, an empty last block
		b := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0}, binary.LittleEndian.AppendUint64(nil, claim)...)
		return append(b, 1, 0, 0)
	}
	for what, tc := range map[string]struct {
		method byte
		src    []byte
	}{
		"lz4 claims more":           {compressedLZ4, sized(601)},
		"lz4 claims less":           {compressedLZ4, sized(599)},
		"lz4 claims exabytes":       {compressedLZ4, sized(1 << 60)},
		"lz4 claims 2^64-1":         {compressedLZ4, sized(1<<64 - 1)},
		"lz4 without anything":      {compressedLZ4, nil},
		"zstd claims more":          {compressedZSTD, zstdFrame(1000)},
		"zstd claims megabytes":     {compressedZSTD, zstdFrame(500 << 20)},
		"zstd claims exabytes":      {compressedZSTD, zstdFrame(1 << 60)},
		"zstd without anything":     {compressedZSTD, nil},
		"zstd skippable":            {compressedZSTD, []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}},
		"xz without anything":       {compressedXZ, nil},
		"xz with header only":       {compressedXZ, []byte(xzMagic + "\x00\x00\xff\x12\xd9\x41\x02\x00")},
		"two methods":               {compressedXZ | compressedZSTD, good},
		"xz that is something else": {compressedXZ, good},
	} {
		var d decompressor
		got, err := d.decompress([]byte("before"), tc.src, tc.method, MaxField)
		if err == nil || string(got) != "before" || cap(got) > 1<<20 {
			t.Errorf("%s: %d bytes (room for %d), %v", what, len(got), cap(got), err)
		}
	}
}

func TestAppendDataMax(t *testing.T) {
	for _, l := range []layout{{}, {compress: compressedXZ}, {compress: compressedLZ4}, {compress: compressedZSTD, compact: true}} {
		t.Run(fmt.Sprint(l.compress), func(t *testing.T) {
			w := newWriter(l)
			payload := "MESSAGE=" + strings.Repeat("long ", 2000)
			w.add(testBoot, payload)
			f := w.open(t)
			off := w.data[payload]
			for _, limit := range []int{1, 8, 100, len(payload) - 1} {
				got, info, err := f.AppendData([]byte("before"), off, limit)
				if !errors.Is(err, ErrTooLarge) || string(got) != "before"+payload[:limit] || info.NEntries != 1 {
					t.Errorf("limit %d: %d bytes, %+v, %v", limit, len(got), info, err)
				}
			}
			for _, limit := range []int{len(payload), 0, -1} {
				got, info, err := f.AppendData(nil, off, limit)
				if err != nil || string(got) != payload || info.Compressed != (l.compress != 0) || info.Hash != f.hash([]byte(payload)) {
					t.Errorf("limit %d: %d bytes, %+v, %v", limit, len(got), info, err)
				}
			}
		})
	}
}

// The steady state allocates nothing. Nor do ZSTD payloads, but under the race detector the decoder's pools are leaky.
func TestNoAllocations(t *testing.T) {
	for _, tc := range []struct {
		layout
		most float64 // for 200 entries
	}{
		{layout{}, 0},
		{layout{compact: true, keyed: true}, 0},
		{layout{compact: true, keyed: true, compress: compressedZSTD}, 50},
	} {
		f := sample(tc.layout, 200).open(t)
		x := f.Entries()
		var e Entry
		var buf []byte
		pass := func() {
			if err := x.SeekIndex(0); err != nil {
				t.Fatal(err)
			}
			for off, ok, err := x.Next(); ok || err != nil; off, ok, err = x.Next() {
				if err == nil {
					err = f.ReadEntry(off, &e)
				}
				for _, item := range e.Items {
					if err == nil {
						buf, _, err = f.AppendData(buf[:0], item, 0)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		pass()
		if n := testing.AllocsPerRun(5, pass); n > tc.most {
			t.Errorf("%+v: %v allocations for 200 entries", tc.layout, n)
		}
	}
}
