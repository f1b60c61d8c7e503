package relp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func newReader(s string) *reader { return &reader{r: bufio.NewReader(strings.NewReader(s))} }

func TestFrames(t *testing.T) {
	for _, test := range []struct {
		in      string
		txnr    int
		command string
		data    string
	}{
		{"1 rsp 6 200 OK\n", 1, "rsp", "200 OK"},
		{"999999999 rsp 3 200\n", 999_999_999, "rsp", "200"},
		{"2 rsp 0\n", 2, "rsp", ""},
		{"2 rsp 0 \n", 2, "rsp", ""},
		{"0 serverclose 0\n", 0, "serverclose", ""},
		{"1 rsp 9 500 a\nb\nc\n", 1, "rsp", "500 a\nb\nc"},
	} {
		f, err := newReader(test.in).next()
		if err != nil || f.txnr != test.txnr || string(f.command) != test.command || string(f.data) != test.data {
			t.Errorf("%q: %d %q %q, %v", test.in, f.txnr, f.command, f.data, err)
		}
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	for _, in := range []string{
		"x", " 1 rsp 0\n", "1\nrsp 0\n", "1  rsp 0\n", "1 rsp x\n", "-1 rsp 0\n", "1234567890 rsp 0\n", "1 r5p 0\n",
		"1 " + strings.Repeat("a", 33) + " 0\n", "1 rsp 3\nabc\n", "1 rsp 3 abcd\n", "1 rsp 999999999 abc\n", "1 rsp 65537 abc\n",
		"HTTP/1.1 400 Bad Request\r\n",
	} {
		if f, err := newReader(in).next(); !errors.Is(err, errFrame) {
			t.Errorf("%q: %v, %v", in, f, err)
		}
	}
	for _, in := range []string{"1", "1 ", "1 rsp", "1 rsp ", "1 rsp 3", "1 rsp 3 ab", "1 rsp 3 abc"} {
		if f, err := newReader(in).next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v, %v", in, f, err)
		}
	}
	if _, err := newReader("").next(); err != io.EOF {
		t.Errorf("nothing at all: %v", err)
	}
}

func TestCodes(t *testing.T) {
	for _, test := range []struct {
		data string
		n    int
		text string
		ok   bool
	}{
		{"200 OK", 200, "", true},
		{"200", 200, "", true},
		{"500 error\nmore", 500, "error", true},
		{"500\nmore", 500, "", true},
		{"500 " + strings.Repeat("x", 1000), 500, strings.Repeat("x", 199), true},
		{"", 0, "", false}, {"20", 0, "", false}, {"2000", 0, "", false}, {"2x0 OK", 0, "", false},
	} {
		if n, text, ok := code([]byte(test.data)); n != test.n || text != test.text || ok != test.ok {
			t.Errorf("%.20q: %d %.20q %v", test.data, n, text, ok)
		}
	}
}

// FuzzResponses: whatever a server sends, reading ends, and what is read as a frame means the same when it is written.
func FuzzResponses(f *testing.F) {
	for _, in := range []string{
		"1 rsp 6 200 OK\n", "1 rsp 0\n2 rsp 6 200 OK\n", "0 serverclose 0\n", "1 rsp 92 200 OK\nrelp_version=0\ncommands=syslog\n",
		"1 rsp 65537 x", "999999999 rsp 3 500\n", "1 rsp 0 \n",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := &reader{r: bufio.NewReader(bytes.NewReader(in))}
		for {
			fr, err := r.next()
			if err != nil {
				return
			}
			code(fr.data)
			offersSyslog(fr.data)
			again, err := newReader(string(appendFrame(nil, fr.txnr, string(fr.command), fr.data))).next()
			if err != nil || again.txnr != fr.txnr || !bytes.Equal(again.command, fr.command) || !bytes.Equal(again.data, fr.data) {
				t.Fatalf("%v became %v, %v", fr, again, err)
			}
		}
	})
}
