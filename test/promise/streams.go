package promise

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/golang/snappy"
)

// relp is a RELP server (https://www.rsyslog.com/doc/relp.html).
type relp struct{ gated }

func newRELP(t *testing.T) *relp {
	t.Helper()
	r := &relp{}
	r.gate = newGate(t, nil, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := r.gate.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_ = r.talk(conn) // it breaks when the plan says so
			})
		}
	})
	t.Cleanup(func() {
		_ = r.gate.Close()
		wg.Wait()
	})
	return r
}

func (r *relp) settings(host string) map[string]any {
	var port int
	_, _ = fmt.Sscanf(r.address[strings.LastIndexByte(r.address, ':')+1:], "%d", &port)
	return map[string]any{"output_type": "rsyslog", "protocol": "relp", "rsyslog_server": host, "rsyslog_port": port}
}

// talk answers frames: TXNR SP COMMAND SP DATALEN [SP DATA] LF.
func (r *relp) talk(conn net.Conn) error {
	in := bufio.NewReader(conn)
	for {
		var txnr, length int
		var command string
		if _, err := fmt.Fscanf(in, "%d %s %d", &txnr, &command, &length); err != nil {
			return err
		}
		rest := length + 1 // LF
		if length > 0 {
			rest++ // SP
		}
		data := make([]byte, rest)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		said := "200 OK"
		switch command {
		case "open":
			said += "\nrelp_version=0\nrelp_software=test\ncommands=syslog"
		case "syslog":
			r.add(data)
		case "close":
			fmt.Fprintf(conn, "%d rsp 0\n0 serverclose 0\n", txnr)
			return nil
		}
		if _, err := fmt.Fprintf(conn, "%d rsp %d %s\n", txnr, len(said), said); err != nil {
			return err
		}
	}
}

// ws is a WebSocket server that answers pings, so entries before one count as accepted.
type ws struct{ gated }

func newWebsocket(t *testing.T) *ws {
	t.Helper()
	w := &ws{}
	w.gate = newGate(t, nil, nil)
	var wg sync.WaitGroup
	serve(t, w.gate, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, nil)
		if err != nil {
			return
		}
		wg.Add(1)
		defer wg.Done()
		defer c.CloseNow() //nolint:errcheck // it may be broken
		c.SetReadLimit(-1)
		compressed := r.Header.Get("Journalpump-Compression") == "snappy"
		for w.take(context.WithoutCancel(r.Context()), c, compressed) {
		}
	}))
	t.Cleanup(func() {
		_ = w.gate.Close()
		wg.Wait()
	})
	return w
}

func (w *ws) settings(host string) map[string]any {
	port := w.address[strings.LastIndexByte(w.address, ':')+1:]
	return map[string]any{"output_type": "websocket", "websocket_uri": "ws://" + host + ":" + port + "/logs"}
}

func (w *ws) take(ctx context.Context, c *websocket.Conn, compressed bool) bool {
	_, m, err := c.Read(ctx)
	if err != nil {
		return false
	}
	if compressed {
		if m, err = snappy.Decode(nil, m); err != nil {
			return false
		}
	}
	w.add(bytes.ReplaceAll(m, []byte{0}, []byte{'\n'}))
	return true
}
