package rsyslog

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"journalpump/pump"
)

// datagrams carries a message a datagram. Over UDP nothing tells whether it arrives, but for a host that says that nobody
// listens there. Over a UNIX socket it is waited until the server has read them.
type datagrams struct {
	*connector
	link *link
}

func (d *datagrams) open(ctx context.Context) (err error) {
	d.link, err = d.connect(ctx)
	return err
}

func (d *datagrams) send(ctx context.Context, e *encoder) error {
	if d.link == nil {
		if err := d.open(ctx); err != nil {
			return err
		}
	}
	err := d.write(ctx, e.messages)
	if _, partial := errors.AsType[*pump.PartialError](err); err != nil && !partial {
		_ = d.link.raw.Close() // it holds nothing
		d.link = nil
	}
	return err
}

func (d *datagrams) write(ctx context.Context, messages [][]byte) error {
	defer d.link.bound(ctx)()
	var tooLarge *pump.PartialError
	for i, m := range messages {
		_, err := d.link.Write(m)
		switch {
		case errors.Is(err, unix.EMSGSIZE):
			if tooLarge == nil {
				tooLarge = &pump.PartialError{Errs: map[int]error{}}
			}
			tooLarge.Errs[i] = fmt.Errorf("a datagram of %d bytes is %w: lower max_message_size", len(m), pump.ErrTooLarge)
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case err != nil:
			return err
		}
	}
	if err := d.check(ctx); err != nil {
		return err
	}
	if tooLarge != nil {
		return tooLarge
	}
	return nil
}

// check looks for what is known about datagrams that were sent.
func (d *datagrams) check(ctx context.Context) error {
	if d.config.Protocol == Unix {
		return d.link.settled(ctx)
	}
	var code int
	var failed error
	err := d.link.ctl.Control(func(fd uintptr) { // an ICMP message has come in (udp(7))
		code, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case code != 0:
		return unix.Errno(code)
	}
	return nil
}

func (d *datagrams) close() error {
	if d.link == nil {
		return nil
	}
	err := d.link.raw.Close()
	d.link = nil
	return err
}
