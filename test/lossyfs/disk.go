package lossyfs

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is such a file system.
type Disk struct {
	dir    string
	server *fuse.Server // nil: it is not mounted

	mu    sync.Mutex
	root  *inode
	last  uint64 // inode number
	syncs int
}

// Mount mounts an empty one on a directory, which is made, until the test ends. Where that is not possible the test is skipped.
func Mount(t *testing.T, dir string) *Disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d := &Disk{dir: dir, last: 1}
	d.root = d.newInode(syscall.S_IFDIR | 0o755)
	if err := d.mount(); err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	t.Cleanup(func() {
		if err := d.unmount(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *Disk) mount() error {
	var none time.Duration // the kernel remembers nothing
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server, err := fs.Mount(d.dir, &node{disk: d, self: d.root}, &fs.Options{
		MountOptions: fuse.MountOptions{
			FsName: "lossyfs", Name: "lossyfs", DirectMountStrict: true, DisableXAttrs: true, Logger: quiet,
		},
		EntryTimeout: &none, AttrTimeout: &none, NegativeTimeout: &none,
		Logger: quiet,
	})
	d.server = server
	return err
}

func (d *Disk) unmount() error {
	if d.server == nil {
		return nil
	}
	// By force: whoever has a mount namespace of its own may have this mount in it, too.
	if err := syscall.Unmount(d.dir, syscall.MNT_FORCE|syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting %s: %w", d.dir, err)
	}
	d.server.Wait()
	d.server = nil
	return nil
}

// Cut is a power failure, after which the disk is mounted again. Whoever has used it must have ended: killed, rather.
func (d *Disk) Cut(t *testing.T, r *rand.Rand, keep Keep) Lost {
	t.Helper()
	if err := d.unmount(); err != nil {
		t.Fatal(err)
	}
	k := keeper{Rand: r, keep: keep}
	d.root.cut(&k)
	if err := d.mount(); err != nil {
		t.Fatalf("mounting again: %v", err)
	}
	return k.lost
}

// Syncs returns how often something was synced.
func (d *Disk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}
