// Package state keeps a pump.Snapshot in the state file, which is the original journalpump's with more in it. The
// format is described in docs/state-file.md and docs/state-file.schema.json.
//
// Saving is atomic and durable: whatever happens while it goes on, the file is the old one or the new one, and either
// has reached the disk before it counts. The copy before stays beside it, for the case that the newest turns out to be
// damaged.
package state
