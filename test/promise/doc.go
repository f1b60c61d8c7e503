// Package promise tests in public what journalpump promises: at least once, per sender, for everything the journal still holds.
//
// A run is drawn from a seed: a journal that is written, rotated, vacuumed and damaged meanwhile, one to four senders of
// different kinds with destinations that refuse, break, hang and dawdle, and an agent that is killed, stopped, frozen,
// made to stutter, reloaded, starved and robbed of its state. Afterwards an oracle holds what arrived against what was written:
//
//   - nothing is missing but what a recorded gap names, or what was gone before the agent had seen it,
//   - nothing is there twice but for a crash or a broken connection, and then no more than was in flight,
//   - each sender's entries come in the journal's order,
//   - every state file on the way has ledgers that balance,
//   - what is refused for good is a dead letter, and is accepted when it is replayed,
//   - the agent ends in time when it is told to, and has not grown.
//
// Besides, the power fails while all that the agent writes is on a disk that forgets what was not synced (TestPowerCut), and one
// destination swallows everything while others are watched (TestIsolation).
//
// TORTURE_RUNS (default 12) is how many runs there are, TORTURE_SEED the seed of the first one (the next ones follow it); by default
// they are the same ones each time, so that a failure is a change's. `make torture` does a thousand new ones. The same seed gives
// the same plan, though the agent keeps its own time.
package promise
