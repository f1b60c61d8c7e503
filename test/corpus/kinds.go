package corpus

import (
	"context"
	"math/rand/v2"

	"journalpump/test/journalwriter"
)

// kind is a kind of set.
type kind struct {
	name    string
	sane    bool
	growing bool
	twice   bool
	crowded bool // has very many files
	build   func(ctx context.Context, dir string, rnd *rand.Rand, want size, limit int) error
}

// size is how large a set is to be.
type size struct{ entries, files int }

func (k *kind) set(seed uint64, entries, files int) Set {
	return Set{
		Name: k.name, Seed: seed, Entries: entries, Sane: k.sane, Growing: k.growing, Twice: k.twice,
		build: func(ctx context.Context, dir string, seed uint64, limit int) error {
			return k.build(ctx, dir, rand.New(rand.NewPCG(seed, 1)), size{entries, files}, limit)
		},
	}
}

// kinds are all kinds of sets there are.
func kinds() []kind {
	kinds := []kind{
		worldKind("one file", habits{layout: anyLayout}),
		worldKind("rotated", habits{rotate: 30, layout: anyLayout}),
		worldKind("users, one sequence", habits{users: 3, rotate: 20, reboot: 5, layout: anyLayout}),
		worldKind("users, a sequence each", habits{users: 3, ownSequences: true, rotate: 20, reboot: 5, layout: anyLayout}),
		worldKind("crashes", habits{users: 2, ownSequences: true, rotate: 5, reboot: 5, crash: 10, layout: anyLayout}),
		worldKind("clock set forward", habits{users: 2, ownSequences: true, rotate: 5, reboot: 5, forward: 10, layout: anyLayout}),
		worldKind("clock set back", habits{users: 2, ownSequences: true, rotate: 5, reboot: 8, crash: 5, forward: 5, back: 10, layout: anyLayout}),
		worldKind("no clock", habits{users: 2, ownSequences: true, reboot: 3, crash: 6, noClock: true, layout: anyLayout}),
		worldKind("flushed", habits{rotate: 5, reboot: 8, volatile: true, layout: anyLayout}),
		worldKind("copies", habits{users: 2, rotate: 20, reboot: 5, copied: true, layout: anyLayout}),
		worldKind("machines", habits{machines: 4, users: 1, rotate: 10, reboot: 5, layout: anyLayout}),
		worldKind("machines at one time", habits{machines: 3, rotate: 10, reboot: 5, coarse: true, layout: anyLayout}),
		worldKind("machines, clocks set back", habits{machines: 3, users: 1, ownSequences: true, rotate: 5, reboot: 5, crash: 5, back: 10, layout: anyLayout}),
		worldKind("sealed", habits{users: 1, rotate: 10, reboot: 3, layout: sealedLayout}),
		worldKind("old headers", habits{rotate: 10, reboot: 3, layout: oldLayout}),
		worldKind("many files", habits{users: 2, reboot: 20, manyFiles: true, layout: smallLayout}),
		worldKind("vacuumed", habits{users: 2, ownSequences: true, rotate: 20, reboot: 5, vacuum: 10, layout: anyLayout}),
	}
	for _, compact := range []string{"0", "1"} {
		for _, keyed := range []string{"0", "1"} {
			kinds = append(kinds, remoteKind("journal-remote, compact "+compact+", keyed "+keyed, 1,
				"SYSTEMD_JOURNAL_COMPACT="+compact, "SYSTEMD_JOURNAL_KEYED_HASH="+keyed))
		}
	}
	return append(kinds,
		remoteKind("journal-remote, uncompressed", 1, "SYSTEMD_JOURNAL_COMPRESS=0"),
		remoteKind("journal-remote, hosts", 5))
}

// layout chooses how the next file is written.
type layout func(rnd *rand.Rand) journalwriter.Options

func anyLayout(rnd *rand.Rand) journalwriter.Options {
	methods := []journalwriter.Compression{journalwriter.None, journalwriter.XZ, journalwriter.LZ4, journalwriter.ZSTD, journalwriter.ZSTD}
	return journalwriter.Options{
		Compact:   rnd.IntN(2) == 0,
		Keyed:     rnd.IntN(2) == 0,
		Sealed:    rnd.IntN(10) == 0,
		Compress:  methods[rnd.IntN(len(methods))],
		Threshold: 64 << rnd.IntN(4),
	}
}

func sealedLayout(rnd *rand.Rand) journalwriter.Options {
	o := anyLayout(rnd)
	o.Sealed = true
	return o
}

// oldLayout is what versions before 246 wrote.
func oldLayout(rnd *rand.Rand) journalwriter.Options {
	methods := []journalwriter.Compression{journalwriter.None, journalwriter.XZ, journalwriter.LZ4}
	return journalwriter.Options{
		Compress:   methods[rnd.IntN(len(methods))],
		HeaderSize: 208 + 8*rnd.IntN(5),
	}
}

func smallLayout(rnd *rand.Rand) journalwriter.Options {
	o := anyLayout(rnd)
	o.DataBuckets, o.FieldBuckets = 61, 31
	return o
}
