package lossyfs

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node answers the kernel's requests for an inode.
type node struct {
	fs.Inode
	disk *Disk
	self *inode
}

// handle is an open file.
type handle struct{ appends bool }

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeLinker    = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
)

// child returns the node of an inode below.
func (n *node) child(ctx context.Context, i *inode, out *fuse.EntryOut) *fs.Inode {
	i.attributes(&out.Attr)
	return n.NewInode(ctx, &node{disk: n.disk, self: i}, fs.StableAttr{Mode: i.mode & syscall.S_IFMT, Ino: i.number})
}

func (i *inode) attributes(out *fuse.Attr) {
	out.Ino, out.Mode, out.Uid, out.Gid, out.Nlink = i.number, i.mode, i.uid, i.gid, 1
	out.Size = uint64(len(i.data))
	out.Blksize, out.Blocks = pageSize, (out.Size+511)/512
	out.SetTimes(nil, &i.changed, &i.changed)
}

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	i := n.self.entries[name]
	if i == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, i, out), 0
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.self.attributes(&out.Attr)
	return 0
}

func (n *node) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	i := n.self
	if size, ok := in.GetSize(); ok {
		i.change(change{at: int64(size), cut: true})
	}
	if mode, ok := in.GetMode(); ok {
		i.mode = i.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	if uid, ok := in.GetUID(); ok {
		i.uid = uid
	}
	if gid, ok := in.GetGID(); ok {
		i.gid = gid
	}
	i.attributes(&out.Attr)
	return 0
}

func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	list := make([]fuse.DirEntry, 0, len(n.self.entries))
	for name, i := range n.self.entries {
		list = append(list, fuse.DirEntry{Name: name, Mode: i.mode, Ino: i.number})
	}
	slices.SortFunc(list, func(a, b fuse.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return fs.NewListDirStream(list), 0
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.self.entries[name] != nil {
		return nil, syscall.EEXIST
	}
	i := n.disk.newInode(syscall.S_IFDIR | mode)
	n.self.edit(edit{{name, i}})
	return n.child(ctx, i, out), 0
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.self.entries[name] != nil {
		return nil, nil, 0, syscall.EEXIST
	}
	i := n.disk.newInode(syscall.S_IFREG | mode)
	n.self.edit(edit{{name, i}})
	return n.child(ctx, i, out), opened(flags), fuse.FOPEN_DIRECT_IO, 0
}

func opened(flags uint32) *handle { return &handle{appends: flags&syscall.O_APPEND != 0} }

func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	to, ok := target.(*node)
	if !ok || n.self.entries[name] != nil {
		return nil, syscall.EEXIST
	}
	n.self.edit(edit{{name, to.self}})
	return n.child(ctx, to.self, out), 0
}

func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.self.entries[name] == nil {
		return syscall.ENOENT
	}
	n.self.edit(edit{{name, nil}})
	return 0
}

func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	i := n.self.entries[name]
	n.disk.mu.Unlock()
	if i != nil && len(i.entries) > 0 {
		return syscall.ENOTEMPTY
	}
	return n.Unlink(ctx, name)
}

func (n *node) Rename(_ context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if to, ok := parent.(*node); !ok || to.self != n.self {
		return syscall.EXDEV
	}
	i := n.self.entries[name]
	switch {
	case i == nil:
		return syscall.ENOENT
	case flags != 0:
		return syscall.EINVAL
	}
	n.self.edit(edit{{name, nil}, {newName, i}})
	return 0
}

func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if flags&syscall.O_TRUNC != 0 {
		n.self.change(change{cut: true})
	}
	return opened(flags), fuse.FOPEN_DIRECT_IO, 0
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if off >= int64(len(n.self.data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(slices.Clone(n.self.data[off:min(off+int64(len(dest)), int64(len(n.self.data)))])), 0
}

func (n *node) Write(_ context.Context, f fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if h, ok := f.(*handle); ok && h.appends {
		off = int64(len(n.self.data))
	}
	n.self.change(change{at: off, data: slices.Clone(data)})
	return uint32(len(data)), 0
}

// Fsync is called for directories, too.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.self.sync()
	n.disk.syncs++
	return 0
}

func (d *Disk) newInode(mode uint32) *inode {
	d.last++
	i := &inode{number: d.last, mode: mode, changed: time.Now()}
	if mode&syscall.S_IFMT == syscall.S_IFDIR {
		i.entries, i.stored = map[string]*inode{}, map[string]*inode{}
	}
	return i
}
