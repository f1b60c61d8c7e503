package libsystemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

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
	process *process // nil while there is none
	files   []file   // nil while nothing is open
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
	return !slices.Equal(files, s.files), nil
}

// open has the child open the files there are now and go to just after the position. ErrNotYet when there is none.
func (s *session) open(ctx context.Context, after pump.Position, units []string, l leap) (openReply, error) {
	files, err := s.list()
	if err != nil {
		return openReply{}, err
	}
	if len(files) == 0 {
		s.stop()
		return openReply{}, pump.ErrNotYet
	}
	request := openRequest{units: units, after: after, leap: l}
	for _, f := range files {
		request.files = append(request.files, f.path)
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
	if len(reply.refused) >= len(files) {
		if s.emptyOnly(reply.refused) {
			return openReply{}, pump.ErrNotYet
		}
		return openReply{}, fmt.Errorf("libsystemd opens none of %d files: %s: %s",
			len(files), reply.refused[0].path, reply.refused[0].reason)
	}
	s.files = files
	return reply, nil
}

// emptyOnly reports whether the refused files are just being made: they are there, but without content.
func (s *session) emptyOnly(refused []refusal) bool {
	return !slices.ContainsFunc(refused, func(r refusal) bool {
		info, err := os.Stat(r.path)
		return err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
	})
}

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
