package libsystemd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cespare/xxhash/v2"

	"journalpump/internal/backoff"
	"journalpump/pump"
)

// file is a journal file as it was listed. A file that was archived has another path, one that was made anew another
// number.
type file struct {
	path     string
	dev, ino uint64
}

// session is a child and the files that it has open. It is used by one goroutine at a time.
type session struct {
	log     *Log
	process *process         // nil while there is none
	files   []file           // nil while nothing is open
	refused map[file]refused // those of them that libsystemd did not open
	listed  time.Time
	pause   backoff.Backoff // before a child that crashed is replaced
	crashes int             // since the last answer that was any good
}

func newSession(l *Log) *session {
	return &session{log: l, pause: backoff.Backoff{Base: 100 * time.Millisecond, Max: time.Second}}
}

// start starts the child if there is none, and after more than one crash not at once.
func (s *session) start(ctx context.Context) error {
	if s.process != nil {
		return nil
	}
	if s.crashes > 1 {
		if err := s.pause.Wait(ctx, 0); err != nil {
			return err
		}
	}
	p, err := startProcess(s.log.options.Executable, s.environment())
	if err != nil {
		return err
	}
	s.process = p
	return nil
}

// environment is the agent's, without what is between it and the service manager.
func (s *session) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NOTIFY_SOCKET=") || strings.HasPrefix(v, "WATCHDOG_")
	})
	return append(env, s.log.options.environment...)
}

// stop ends the child.
func (s *session) stop() {
	if s.process != nil {
		_ = s.process.kill() // how it ends does not matter any more
	}
	s.process, s.files = nil, nil
}

// call asks the child. If that is what fails, the child is ended, and the error says why.
func (s *session) call(ctx context.Context, ask kind, body func([]byte) []byte, want kind) ([]byte, error) {
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	payload, err := s.process.call(ctx, s.log.options.Timeout, ask, body, want)
	if err == nil {
		return payload, nil
	}
	if errors.Is(err, errChild) || errors.Is(err, errAnswer) {
		err = s.failed(err)
	}
	return nil, err
}

// failed ends a child that has crashed, hangs, talks nonsense or has a journal open that libsystemd has come to grief with.
func (s *session) failed(why error) error {
	ended := s.process.kill()
	s.process, s.files = nil, nil
	s.crashes++
	if ended != nil {
		return fmt.Errorf("%w (%w)", why, ended)
	}
	return why
}

// survived notes that the child is well.
func (s *session) survived() {
	s.crashes = 0
	s.pause.Reset()
}

// list returns the files to read now. What is banned is left out.
func (s *session) list() ([]file, error) {
	s.listed = time.Now()
	paths, err := s.log.options.Selection.List()
	if err != nil {
		return nil, err
	}
	files := make([]file, 0, len(paths))
	for _, path := range paths {
		f, err := examine(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed
		}
		if err != nil {
			return nil, err
		}
		if !s.log.banned.has(f) {
			files = append(files, f)
		}
	}
	return files, nil
}

func examine(path string) (file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return file{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return file{}, fmt.Errorf("%s: no device and inode numbers", path)
	}
	return file{path, st.Dev, st.Ino}, nil
}

// changed reports whether there are other files now than are open.
func (s *session) changed() (bool, error) {
	files, err := s.list()
	if err != nil {
		return false, err
	}
	if !slices.Equal(files, s.files) {
		return true, nil
	}
	for f, r := range s.refused {
		if r.beingMade(f) && fingerprint(f) != r.fingerprint {
			return true, nil
		}
	}
	return false, nil
}

// open has the child open the files there are now and go to just after the position. ErrNotYet when there is none, with
// fs.ErrPermission when there are but may not be read.
func (s *session) open(ctx context.Context, after pump.Position, units []string, l leap) (openReply, error) {
	files, err := s.list()
	if err != nil {
		return openReply{}, err
	}
	if len(files) == 0 {
		s.stop()
		return openReply{}, fmt.Errorf("%w: no journal files at %s", pump.ErrNotYet, s.log.options.Selection.Where())
	}
	request := openRequest{units: units, after: after, leap: l}
	prints := make(map[string]uint64, len(files))
	for _, f := range files {
		request.files = append(request.files, f.path)
		prints[f.path] = fingerprint(f) // before libsystemd looks at them
	}
	s.files = nil
	payload, err := s.call(ctx, askOpen, request.append, sayOpen)
	if err != nil {
		return openReply{}, err
	}
	var reply openReply
	if err := reply.decode(payload); err != nil {
		return openReply{}, s.failed(fmt.Errorf("%w: %w", errChild, err))
	}
	s.files = files
	reply.refused = s.sort(reply.refused, prints)
	if len(s.refused) < len(files) {
		return reply, nil
	}
	s.files = nil
	if err := denied(files); err != nil {
		return openReply{}, fmt.Errorf("%w: %w", pump.ErrNotYet, err)
	}
	if len(reply.refused) == 0 {
		return openReply{}, pump.ErrNotYet
	}
	return openReply{}, fmt.Errorf("libsystemd opens none of %d files: %s: %s",
		len(files), reply.refused[0].path, reply.refused[0].reason)
}

// denied returns why the first of the files may not be read, nil if any may.
func denied(files []file) error {
	var first error
	for _, f := range files {
		opened, err := os.Open(f.path)
		if err == nil {
			_ = opened.Close() // nothing was done with it
		}
		if !errors.Is(err, fs.ErrPermission) {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// refused is a file that libsystemd did not open. Maybe it was only being made, or being extended.
type refused struct {
	since       time.Time
	fingerprint uint64 // before
}

// makingTime is how long journald may take to make a file of nothing, with much to spare.
const makingTime = 10 * time.Second

// beingMade reports whether the file may not be complete yet.
func (r refused) beingMade(f file) bool {
	if finished(f.path) || time.Since(r.since) >= makingTime {
		return false
	}
	info, err := os.Stat(f.path)
	return err != nil || time.Since(info.ModTime()).Abs() < makingTime
}

// sort notes which files were refused, and returns the refusals of those that are complete.
func (s *session) sort(refusals []refusal, prints map[string]uint64) (complete []refusal) {
	before := s.refused
	s.refused = make(map[file]refused)
	for _, f := range s.files {
		i := slices.IndexFunc(refusals, func(r refusal) bool { return r.path == f.path })
		if i < 0 {
			continue
		}
		r := refused{since: time.Now(), fingerprint: prints[f.path]}
		if earlier, ok := before[f]; ok {
			r.since = earlier.since
		}
		s.refused[f] = r
		if !r.beingMade(f) {
			complete = append(complete, refusals[i])
		}
	}
	return complete
}

// fingerprint changes when a file does that is being made: journald maps it, extends it and then writes its header.
func fingerprint(f file) uint64 {
	if finished(f.path) {
		return 0
	}
	opened, err := os.Open(f.path)
	if err != nil {
		return 0
	}
	head := make([]byte, 512)
	n, _ := opened.ReadAt(head, 0) // it may be shorter
	_ = opened.Close()
	return xxhash.Sum64(head[:n])
}

// finished reports whether journald has finished with a file of that name: it was archived, or given up as damaged.
func finished(path string) bool { return strings.ContainsAny(filepath.Base(path), "@~") }

// ready makes sure that the files there are now are open; the position does not matter. Children that crash are replaced
// a few times.
func (s *session) ready(ctx context.Context) error {
	if s.process != nil && s.files != nil {
		if changed, err := s.changed(); err == nil && !changed {
			return nil
		}
	}
	var err error
	for range 3 {
		if _, err = s.open(ctx, pump.Position{}, nil, leap{}); !errors.Is(err, errChild) {
			return err
		}
		if err := s.probe(ctx); err != nil {
			return err
		}
	}
	return err
}

// place asks for a position.
func (s *session) place(ctx context.Context, ask kind, body func([]byte) []byte) (pump.Position, error) {
	if err := s.ready(ctx); err != nil {
		return pump.Position{}, err
	}
	payload, err := s.call(ctx, ask, body, sayPosition)
	if err != nil {
		return pump.Position{}, err
	}
	s.survived()
	d := decoder{rest: payload}
	p := d.position()
	if err := d.end("position"); err != nil {
		return pump.Position{}, s.failed(fmt.Errorf("%w: %w", errChild, err))
	}
	return p, nil
}

// probe finds out which of the files libsystemd does not survive, and bans those.
func (s *session) probe(ctx context.Context) error {
	files, err := s.list()
	if err != nil {
		return err
	}
	for _, f := range files {
		_, err := s.call(ctx, askProbe, func(b []byte) []byte { return append(b, f.path...) }, sayDone)
		if errors.Is(err, errChild) {
			s.log.banned.add(f)
		} else if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// banned are files that libsystemd does not survive opening. A file is tried again when another one takes its place.
type banned struct {
	mu    sync.Mutex
	files map[file]bool
}

func newBanned() *banned { return &banned{files: make(map[file]bool)} }

func (b *banned) has(f file) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.files[f]
}

func (b *banned) add(f file) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[f] = true
}
