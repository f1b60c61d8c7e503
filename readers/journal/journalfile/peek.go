package journalfile

import (
	"runtime/debug"
)

// A Peeker opens files of which only the header and an entry or two are wanted. It reads those places instead of mapping the
// file, which takes a third of the time. It has one file open at a time and uses its memory again for the next one. The zero
// Peeker is ready for use; it is used by one goroutine.
type Peeker struct {
	file     File
	glimpses glimpses
}

// Open is like the function Open, but what the file says is all of about one moment: it is not for following it. The file
// is good until it is closed, which must be before the next Open. was is what the file system said of it before anything
// was read, also if the error is that there is no journal header or an unknown one.
func (p *Peeker) Open(path string) (f *File, was Stat, err error) {
	p.file = File{}
	p.glimpses.forget()
	if was, err = p.file.open(path, mapping{glimpses: &p.glimpses}); err != nil {
		return nil, was, err
	}
	return &p.file, was, nil
}

const (
	glimpseSize = 4 << 10 // a page
	// wideGlimpse is from which size on memory is not kept for the next file.
	wideGlimpse = 64 << 10
)

// glimpses are the pieces of a file that were read: the one with the header, and the last one of the rest.
type glimpses struct {
	size uint64 // of the file
	head glimpse
	rest glimpse
}

// glimpse is a piece of a file.
type glimpse struct {
	off uint64 // a multiple of glimpseSize
	buf []byte // empty: nothing was read
}

func (g *glimpses) forget() {
	g.head.buf = g.head.buf[:0]
	g.rest.buf = g.rest.buf[:0]
	if cap(g.rest.buf) >= wideGlimpse {
		g.rest.buf = nil
	}
}

// view is mapping.view.
func (g *glimpses) view(fd int, off, n uint64) ([]byte, error) {
	piece := &g.rest
	if off+n <= glimpseSize {
		piece = &g.head
	}
	if len(piece.buf) == 0 || off < piece.off || off+n > piece.off+uint64(len(piece.buf)) {
		if err := piece.read(fd, off, n, g.size); err != nil {
			return nil, err
		}
	}
	at := off - piece.off
	return piece.buf[at : at+n : at+n], nil
}

// read reads the pages that n bytes from off on are in, of a file that has the size; they are within it.
func (g *glimpse) read(fd int, off, n, size uint64) error {
	g.off = off &^ (glimpseSize - 1)
	want := (off + n - g.off + glimpseSize - 1) &^ (glimpseSize - 1)
	if uint64(cap(g.buf)) < want {
		g.buf = make([]byte, want)
	}
	buf := g.buf[:min(want, size-g.off)]
	g.buf = g.buf[:0]
	have, err := readAt(fd, buf, g.off)
	if err != nil {
		return ErrUnreadable
	}
	if off+n > g.off+have {
		return ErrTruncated
	}
	g.buf = buf[:have]
	return nil
}

// TailEntry reads the entry that the header names as the file's last one; ok is false if it names none, as before systemd 252, or
// another than the one that it gives number and time of. Prev finds it in any case, but goes along all entry arrays.
func (f *File) TailEntry(h *Header, e *Entry) (ok bool, err error) {
	off := h.TailEntryOffset
	if off == 0 {
		if off, err = f.tailOffset(h); err != nil || off == 0 {
			return false, err
		}
	}
	if err := f.ReadEntry(off, e); err != nil {
		return false, err
	}
	return e.Seqnum == h.TailSeqnum && e.Realtime == h.TailRealtime, nil
}

// tailOffset returns what the last array that the header names has last; 0 if it names none.
func (f *File) tailOffset(h *Header) (off uint64, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	n := h.TailEntryArrayNEntries
	if h.TailEntryArrayOffset == 0 || n == 0 {
		return 0, nil
	}
	_, size, err := f.objectHead(h.TailEntryArrayOffset, typeEntryArray, arrayItems+f.slotSize)
	if err != nil || n > (size-arrayItems)/f.slotSize {
		return 0, err
	}
	b, err := f.m.view(h.TailEntryArrayOffset+arrayItems+(n-1)*f.slotSize, f.slotSize)
	switch {
	case err != nil:
		return 0, err
	case f.compact:
		return uint64(u32(b, 0)), nil
	default:
		return u64(b, 0), nil
	}
}
