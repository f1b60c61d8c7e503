// Package journalfile reads one systemd journal file. It only reads, and it has no policy: which files, in what order and
// what to do about damage is the caller's.
//
// The format is described in systemd's docs/JOURNAL_FILE_FORMAT.md (https://systemd.io/JOURNAL_FILE_FORMAT), called "the
// format" in the comments here; section names in quotes are that document's. Regular and compact files, keyed and
// unkeyed hashes, XZ, LZ4 and ZSTD are understood. Sealing (TAG objects) is passed over, not verified.
//
// # Hostile input
//
// Every size and every offset in a file is checked before it is followed, chains that loop end, memory is bounded by what
// the caller allows and never by what a file claims. A file that shrinks, or that has its blocks punched out, while it is
// being read gives an error, not a signal.
//
// # Use
//
//	f, err := journalfile.Open(path)
//	...
//	entries := f.Entries()
//	for {
//		off, ok, err := entries.Next()
//		if err != nil { ... }  // what was passed over: entries.Index() has moved
//		if !ok { break }       // the end for now; Next may be called again later
//		if err := f.ReadEntry(off, &e); err != nil { ... }
//		for _, item := range e.Items {
//			buf, info, err = f.AppendData(buf[:0], item, maxValue)
//		}
//	}
//
// A File, with all its iterators, is used by one goroutine at a time.
package journalfile
