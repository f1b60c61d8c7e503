//go:build !cgo || !linux

package oracle

import (
	"math/rand/v2"
	"testing"

	"journalpump/pump"
	"journalpump/test/corpus"
)

// Without cgo there is no libsystemd to compare with, only journalctl.

func compareSeeks(*testing.T, *corpus.Set, pump.Log, string, []pump.Cursor, *rand.Rand) {}

func compareVacuumedSeeks(*testing.T, *corpus.Set, pump.Log, string, []pump.Cursor, *rand.Rand) {}

func compareUnique(*testing.T, string, []string) {}
