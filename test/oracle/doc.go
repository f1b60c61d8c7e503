// Package oracle holds the native reader of the journal against systemd's own code: journalctl, and libsystemd, which the
// other backend reads with. It has nothing but tests.
//
// They run on the journals of test/corpus, on those that a journald leaves behind, and on those that others wrote. `make
// test` runs a part that is representative; `make oracle` as many entries as ORACLE_ENTRIES says, with the seed ORACLE_SEED.
// A failure names the set and its seed: ORACLE_SET=NAME:SEED:ENTRIES runs that one alone. It is no whole-program test, but
// stands here because it takes too long under the race detector, which unit tests run with.
package oracle
