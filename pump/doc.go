// Package pump is the engine: it moves entries from logs to senders and keeps the positions.
//
// Everything is a log, and a sender is a loop over it. A lane ties one sender to one reader: it asks for the
// chunk that follows its position, has it rendered by its view, sends what came out in batches, and moves its
// position only when the destination has accepted a batch. There is no queue between a reader and its senders,
// so a destination that is down holds up nothing but its own lane.
//
// The package also holds the words that logs, filters, senders and the state file share (Position, Entry, Chunk,
// Record, Batch, Snapshot). It imports none of them.
package pump
