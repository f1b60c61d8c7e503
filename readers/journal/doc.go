// Package journal reads the systemd journal: it chooses the files, reads them in one order, follows them while journald
// writes, rotates and vacuums them, and starts again at any cursor.
//
// # Order
//
// Entries come in the order in which journalctl prints them (docs/adr/0003-order-between-files.md). A chain is the files
// that share a seqnum_id; inside a chain the sequence number orders, and between chains time does. For each chain an
// iterator knows up to which sequence number it has come. That is all its state: whatever happens to files (renamed,
// copied, rewritten, reopened), what has a higher number is still to come and what has a lower one was there.
//
// # Following
//
// Several files of a journald are written at the same time, and a position is one place in all of them. So an entry is
// handed out only when a second look at all files and directories, begun after the entry could be seen, has shown what was
// written before it: no entry appears behind a position that was given away. Between different writers, which don't wait
// for each other, entries rest for settleTime first.
//
// A file that appears later is read whole if its sequence is new, however old its entries are: see docs/adr/0003.
package journal
