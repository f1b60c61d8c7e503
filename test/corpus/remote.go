package corpus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"journalpump/test/journalwriter"
	"journalpump/test/sample"
)

// remoteKind is the kind of set that systemd-journal-remote makes of what it gets from some hosts, each in a file of its
// own: it does not continue a sequence, and rotates by itself.
func remoteKind(name string, hosts int, env ...string) kind {
	return kind{
		name: name, sane: true, // not growing: it makes up new sequences each time
		build: func(ctx context.Context, dir string, rnd *rand.Rand, want size, _ int) error {
			w := &world{rnd: rnd, dir: dir, now: start, prose: newProse(rnd)}
			return w.send(ctx, hosts, want.entries, env)
		},
	}
}

// send has as many hosts send entries in turn.
func (w *world) send(ctx context.Context, hosts, entries int, env []string) (err error) {
	receivers := make([]*receiver, hosts)
	for i := range receivers {
		m := &machine{w: w, id: w.id(), name: fmt.Sprintf("host%d", i), boot: w.id(), booted: w.now - 1_000_000}
		w.machines = append(w.machines, m)
		if receivers[i], err = receive(ctx, filepath.Join(w.dir, "remote-"+m.name+".journal"), env); err != nil {
			return err
		}
		defer func(r *receiver) { err = errors.Join(err, r.close()) }(receivers[i]) //nolint:revive // a handful, all to end with the function
	}
	var b []byte
	for ; w.n < entries; w.n++ {
		i := w.rnd.IntN(hosts)
		m := w.machines[i]
		now := w.tick()
		if w.chance(3000) {
			m.boot, m.booted = w.id(), now-1
		}
		b = appendExport(b[:0], &journalwriter.Entry{
			Realtime: now, Monotonic: now - m.booted, Boot: m.boot, Fields: w.prose.fields(w.n, m, 0),
		})
		if _, err := receivers[i].in.Write(b); err != nil {
			return fmt.Errorf("writing to systemd-journal-remote: %w", err)
		}
	}
	return nil
}

// receiver is a systemd-journal-remote.
type receiver struct {
	cmd  *exec.Cmd
	in   *bufio.Writer
	pipe io.Closer
	said bytes.Buffer
}

func receive(ctx context.Context, file string, env []string) (*receiver, error) {
	path, err := sample.Remote()
	if err != nil {
		return nil, err
	}
	r := &receiver{cmd: exec.CommandContext(ctx, path, "--output="+file, "--split-mode=none", "-")}
	r.cmd.Env = append(os.Environ(), env...)
	r.cmd.Stderr = &r.said
	pipe, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting systemd-journal-remote: %w", err)
	}
	r.in, r.pipe = bufio.NewWriterSize(pipe, 1<<16), pipe
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting systemd-journal-remote: %w", err)
	}
	return r, nil
}

func (r *receiver) close() error {
	err := errors.Join(r.in.Flush(), r.pipe.Close())
	if ended := r.cmd.Wait(); ended != nil {
		return fmt.Errorf("systemd-journal-remote: %w: %s", ended, r.said.Bytes())
	}
	return err
}

// appendExport appends an entry in the Journal Export Format, https://systemd.io/JOURNAL_EXPORT_FORMATS.
func appendExport(b []byte, e *journalwriter.Entry) []byte {
	b = fmt.Appendf(b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%x\n", e.Realtime, e.Monotonic, e.Boot)
	for _, f := range e.Fields {
		name, value, _ := bytes.Cut(f, []byte("="))
		if bytes.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == '\ufffd' }) {
			b = append(append(b, name...), '\n')
			b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
			b = append(b, value...)
		} else {
			b = append(b, f...)
		}
		b = append(b, '\n')
	}
	return append(b, '\n')
}
