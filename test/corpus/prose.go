package corpus

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// prose makes the fields of entries: those that journald writes, and now and then odd ones.
type prose struct {
	rnd   *rand.Rand
	words []string
	known map[string][]byte
}

func newProse(rnd *rand.Rand) *prose {
	return &prose{
		rnd: rnd, known: map[string][]byte{},
		words: strings.Fields("request response upstream timeout connection from closed opened session user query took rows cache miss hit " +
			"flushed checkpoint complete starting stopped reload config worker pool exhausted retry after backoff bytes sent denied"),
	}
}

// same returns the one copy there is of a field that many entries have.
func (p *prose) same(field string) []byte {
	b, ok := p.known[field]
	if !ok {
		b = []byte(field)
		p.known[field] = b
	}
	return b
}

// fields returns those of the entry number n.
func (p *prose) fields(n int, m *machine, user int) [][]byte {
	unit := p.unit(user)
	f := make([][]byte, 0, 16)
	f = append(f,
		strconv.AppendInt([]byte("NUMBER="), int64(n), 10),
		p.message(n),
		p.same("_MACHINE_ID="+fmt.Sprintf("%x", m.id)),
		p.same("_HOSTNAME="+m.name),
		p.same("PRIORITY="+strconv.Itoa(p.rnd.IntN(8))),
		p.same("_UID="+strconv.Itoa(user)),
		p.same("_PID="+strconv.Itoa(300+p.rnd.IntN(50))),
		p.same("_TRANSPORT=journal"),
		p.same("SYSLOG_IDENTIFIER="+strings.TrimSuffix(unit, ".service")),
	)
	if p.rnd.IntN(20) != 0 {
		f = append(f, p.same("_SYSTEMD_UNIT="+unit))
	}
	if p.rnd.IntN(8) == 0 {
		f = p.odd(f)
	}
	return f
}

func (p *prose) unit(user int) string {
	switch x := p.rnd.IntN(40); {
	case user != 0:
		return fmt.Sprintf("user@%d.service", user)
	case x == 0:
		return fmt.Sprintf("rare-%d.service", p.rnd.IntN(30))
	case x == 1:
		return `dev-disk-by\x2did.mount`
	case x < 6:
		return fmt.Sprintf("getty@tty%d.service", p.rnd.IntN(6))
	}
	return fmt.Sprintf("unit-%d.service", p.rnd.IntN(12))
}

func (p *prose) message(n int) []byte {
	b := []byte("MESSAGE=")
	for range 2 + p.rnd.IntN(10) {
		b = append(b, p.words[p.rnd.IntN(len(p.words))]...)
		b = append(b, ' ')
	}
	if p.rnd.IntN(10) == 0 {
		return b // it may come again
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// odd adds what is rare.
func (p *prose) odd(f [][]byte) [][]byte {
	text := func(name string, n int) []byte {
		return append([]byte(name+"="), bytes.Repeat([]byte(p.words[p.rnd.IntN(len(p.words))]+" and more. "), n)...)
	}
	switch p.rnd.IntN(12) {
	case 0:
		return append(f, p.same("EMPTY="))
	case 1:
		return append(f, p.same("MULTI=one"), p.same("MULTI=two"), []byte("MULTI="+strconv.Itoa(p.rnd.IntN(100))), p.same("MULTI=one"))
	case 2:
		return append(f, []byte("BINARY=\x00\x01\xff\n="+strconv.Itoa(p.rnd.IntN(50))))
	case 3:
		return append(f, []byte("LINES=one\ntwo\n\nthree\n"))
	case 4:
		return append(f, text("LONG", p.rnd.IntN(1000)))
	case 5:
		return append(f, p.same("EQUAL===="), p.same("A=="), p.same("_NAME_OF_SIXTY_FOUR_CHARACTERS_WHICH_IS_THE_MOST_THAT_ANY_CAN_HA=x"))
	case 6:
		return append(f, p.same("PRIORITY=3"), p.same("_PRIORITY=3"), p.same("_SYSTEMD_UNIT=another.service"))
	case 7:
		return append(f, []byte("LATIN=caf\xe9 \xfe\xff"), []byte("UNICODE=Ünïcödé ☃ 𝄞\u2028"))
	case 8:
		return append(f, text("SHARED_LONG", 30*(1+p.rnd.IntN(3))))
	case 9:
		if p.rnd.IntN(20) == 0 {
			return append(f, text("HUGE", 5_000+p.rnd.IntN(20_000)))
		}
		noise := []byte("NOISE=")
		for range p.rnd.IntN(3000) {
			noise = append(noise, byte(p.rnd.UintN(256)))
		}
		return append(f, noise)
	case 10:
		for i := range 1 + p.rnd.IntN(60) {
			f = append(f, p.same("FIELD_"+strconv.Itoa(i)+"="+strconv.Itoa(p.rnd.IntN(3))))
		}
		return f
	}
	return append(f, p.same("TAB=a\tb"), p.same("ESCAPE=\x1b[31mred\x1b[0m"), p.same("NUL=\x00"))
}
