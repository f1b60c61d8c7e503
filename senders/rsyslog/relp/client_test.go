package relp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request is a frame that the client sent.
type request struct {
	txnr          int
	command, data string
}

// serve answers what the client sends with what answer returns; a nil answer closes the connection. It returns the
// client's end.
func serve(t *testing.T, answer func(request) []string) net.Conn {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			r, err := readRequest(in)
			if err != nil {
				return
			}
			answers := answer(r)
			if answers == nil {
				return
			}
			if _, err := io.WriteString(conn, strings.Join(answers, "")); err != nil {
				return
			}
		}
	}()
	var d net.Dialer
	client, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); l.Close(); <-done })
	return client
}

func readRequest(in *bufio.Reader) (r request, err error) {
	var n int
	if _, err = fmt.Fscanf(in, "%d %s %d", &r.txnr, &r.command, &n); err != nil {
		return r, err
	}
	if n > 0 {
		data := make([]byte, n+1)
		if _, err = io.ReadFull(in, data); err != nil {
			return r, err
		}
		r.data = string(data[1:])
	}
	end, err := in.ReadByte()
	if err == nil && end != '\n' {
		err = errors.New("no line feed at a frame's end")
	}
	return r, err
}

func rsp(txnr int, data string) string {
	return fmt.Sprintf("%d rsp %d %s\n", txnr, len(data), data)
}

const goodOffers = "200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog"

// honest answers as a server should; syslog says what to answer to messages.
func honest(syslog func(request) []string) func(request) []string {
	return func(r request) []string {
		switch r.command {
		case "open":
			return []string{rsp(r.txnr, goodOffers)}
		case "syslog":
			return syslog(r)
		default:
			return nil
		}
	}
}

func numbered(n int) [][]byte {
	messages := make([][]byte, n)
	for i := range messages {
		messages[i] = []byte("message " + strconv.Itoa(i))
	}
	return messages
}

func open(t *testing.T, answer func(request) []string) *Client {
	t.Helper()
	c, err := Open(serve(t, answer))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMessagesArriveInOrderAndAreAccepted(t *testing.T) {
	const n = 5000 // several windows
	got := make(chan string, n)
	c := open(t, honest(func(r request) []string {
		got <- r.data
		return []string{rsp(r.txnr, "200 OK")}
	}))
	results := make([]Result, n)
	if err := c.Send(numbered(n), results); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if want := "message " + strconv.Itoa(i); <-got != want || results[i] != Accepted {
			t.Fatalf("message %d is missing, or its result is %v", i, results[i])
		}
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func TestTransactionNumbersBeginAnew(t *testing.T) {
	var numbers []int
	c := open(t, honest(func(r request) []string {
		numbers = append(numbers, r.txnr)
		return []string{rsp(r.txnr, "200 OK")}
	}))
	c.last = maxTxnr - 2
	results := make([]Result, 4)
	if err := c.Send(numbered(4), results); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(numbers); got != "[999999998 999999999 1 2]" {
		t.Error(got)
	}
}

func TestAnswersInAnyOrder(t *testing.T) {
	var held []string
	c := open(t, honest(func(r request) []string {
		held = append(held, rsp(r.txnr, "200 OK"))
		if len(held) < 3 {
			return []string{}
		}
		return []string{held[2], held[0], held[1]}
	}))
	results := make([]Result, 3)
	if err := c.Send(numbered(3), results); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedMessages(t *testing.T) {
	c := open(t, honest(func(r request) []string {
		if r.data == "message 1" {
			return []string{rsp(r.txnr, "500 queue is full")}
		}
		return []string{rsp(r.txnr, "200 OK")}
	}))
	results := make([]Result, 3)
	err := c.Send(numbered(3), results)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Code != 500 || refused.Text != "queue is full" {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(results, []Result{Accepted, Refused, Accepted}) {
		t.Errorf("results %v", results)
	}
	if err := c.Send([][]byte{[]byte("more")}, results[:1]); err != nil {
		t.Errorf("the session does not go on: %v", err)
	}
}

func TestBrokenSessions(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(request) []string // to the third message
		want   error
	}{
		{"closed", func(request) []string { return nil }, nil},
		{"closing", func(request) []string { return []string{"0 serverclose 0\n"} }, ErrClosing},
		{"unknown transaction", func(request) []string { return []string{rsp(77, "200 OK")} }, errFrame},
		{"transaction 0", func(request) []string { return []string{rsp(0, "200 OK")} }, errFrame},
		{"answered twice", func(r request) []string { return []string{rsp(r.txnr-1, "200 OK")} }, errFrame},
		{"no code", func(r request) []string { return []string{rsp(r.txnr, "OK")} }, errFrame},
		{"another command", func(r request) []string { return []string{fmt.Sprintf("%d syslog 2 ab\n", r.txnr)} }, errFrame},
		{"garbage", func(request) []string { return []string{"\r\n\r\n"} }, errFrame},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := open(t, honest(func(r request) []string {
				if r.data == "message 2" {
					return test.answer(r)
				}
				return []string{rsp(r.txnr, "200 OK")}
			}))
			results := make([]Result, 3)
			err := c.Send(numbered(3), results)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if !slices.Equal(results, []Result{Accepted, Accepted, Unknown}) {
				t.Errorf("results %v", results)
			}
		})
	}
}

func TestServersThatAreNone(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(request) []string
		want   string
	}{
		{"refuses", func(r request) []string { return []string{rsp(r.txnr, "500 go away")} }, "500 go away"},
		{"offers nothing", func(r request) []string { return []string{rsp(r.txnr, "200 OK\ncommands=eventlog")} }, "does not take syslog"},
		{"another transaction", func(r request) []string { return []string{rsp(r.txnr+1, goodOffers)} }, "does not speak RELP"},
		{"another protocol", func(request) []string { return []string{"220 mail.example ESMTP\r\n"} }, "does not speak RELP"},
		{"closes", func(request) []string { return nil }, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Open(serve(t, test.answer)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
