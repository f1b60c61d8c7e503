// Package lossyfs is a file system that forgets what was not synced, as a power failure makes a disk forget: for tests of what
// a program writes and means to find again.
//
// It takes POSIX at its word, which promises less than most file systems keep: fsync of a file makes its contents durable and
// not its name; that is what fsync of its directory does; a rename is done or not, and may be done before what it renames
// is there. Cut takes away what was not made durable: all of it, or what chance chooses (Keep).
//
// It is kept in memory and mounted by FUSE, which takes root and /dev/fuse. Names can be moved within a directory only.
package lossyfs
