package sample

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A generator makes entries in the shape of a busy server's journal: a few chatty units and a long tail of quiet ones,
// about 22 fields an entry, short messages that rarely repeat, some of several lines. Of the messages 1 in 500 is
// not UTF-8, 1 in 200 carries a credential, 1 in 5000 has 100 KiB; 1 entry in 1000 has a field twice.
type generator struct {
	rnd           *rand.Rand
	realtime      int64 // microseconds
	monotonic     int64
	boot, machine string
	vocabulary    []string
	units         []unit
	weights       []int // running totals over units
	priorities    []int // running totals over priorities 0 to 7
}

type unit struct {
	name, comm string
	uid        int
	processes  [4]process
}

type process struct {
	pid        int
	invocation string
}

const words = "request response upstream timeout connection from closed opened session user root query took rows cache " +
	"miss hit evicted flushed checkpoint complete starting stopped reload config worker pool exhausted retry after " +
	"backoff leader elected follower lag bytes sent received denied accepted publickey password for invalid"

func newGenerator(o Options) *generator {
	g := &generator{
		rnd:       rand.New(rand.NewPCG(o.Seed, 0)),
		realtime:  o.Start.UnixMicro(),
		monotonic: 5_000_000,

		vocabulary: strings.Fields(words),
	}
	g.boot, g.machine = g.id128(), g.id128()
	g.addUnit(200, "nginx", "nginx", 33)
	g.addUnit(120, "postgresql@15-main", "postgres", 110)
	g.addUnit(40, "sshd", "sshd", 0)
	g.addUnit(60, "dockerd", "dockerd", 0)
	g.addUnit(150, "kubelet", "kubelet", 0)
	g.addUnit(10, "cron", "CRON", 0)
	g.addUnit(250, "myapp-api", "api", 1001)
	g.addUnit(150, "myapp-worker", "worker", 1001)
	for i := range 120 {
		g.addUnit(1, fmt.Sprintf("tail-%03d", i), fmt.Sprintf("tail%03d", i), 2000+i)
	}
	total := 0
	for _, weight := range []int{1, 1, 2, 40, 80, 60, 700, 116} {
		total += weight
		g.priorities = append(g.priorities, total)
	}
	return g
}

func (g *generator) addUnit(weight int, name, comm string, uid int) {
	u := unit{name: name, comm: comm, uid: uid}
	for i := range u.processes {
		u.processes[i] = process{pid: 300 + g.rnd.IntN(59_700), invocation: g.id128()}
	}
	if n := len(g.weights); n > 0 {
		weight += g.weights[n-1]
	}
	g.units = append(g.units, u)
	g.weights = append(g.weights, weight)
}

func (g *generator) id128() string { return fmt.Sprintf("%016x%016x", g.rnd.Uint64(), g.rnd.Uint64()) }

// pick returns an index with the probability of its weight.
func (g *generator) pick(totals []int) int {
	x := g.rnd.IntN(totals[len(totals)-1])
	for i, total := range totals {
		if x < total {
			return i
		}
	}
	return len(totals) - 1
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.rnd.IntN(n) == 0 }

// Entry is one entry of the sample.
type Entry struct {
	Realtime, Monotonic int64    // in microseconds
	Boot                string   // _BOOT_ID, which is among the fields, too
	Fields              []string // NAME=value
}

// next makes entry number i in e, whose memory it uses again.
func (g *generator) next(e *Entry, i int) {
	u := &g.units[g.pick(g.weights)]
	p := &u.processes[g.rnd.IntN(len(u.processes))]
	step := 1 + g.rnd.Int64N(2*meanStep.Microseconds()-1)
	g.realtime += step
	g.monotonic += step

	uid := strconv.Itoa(u.uid)
	transport := "syslog"
	if strings.HasPrefix(u.name, "myapp") {
		transport = "stdout"
	}
	e.Realtime, e.Monotonic, e.Boot = g.realtime, g.monotonic, g.boot
	e.Fields = append(e.Fields[:0],
		"_BOOT_ID="+g.boot,
		"_MACHINE_ID="+g.machine,
		"_HOSTNAME=web-17.example.net",
		"PRIORITY="+strconv.Itoa(g.pick(g.priorities)),
		"SYSLOG_FACILITY=3",
		"SYSLOG_IDENTIFIER="+u.comm,
		"_TRANSPORT="+transport,
		"_PID="+strconv.Itoa(p.pid),
		"_UID="+uid,
		"_GID="+uid,
		"_COMM="+u.comm,
		"_EXE=/usr/sbin/"+u.comm,
		"_CMDLINE=/usr/sbin/"+u.comm+" --config /etc/"+u.name+".conf",
		"_CAP_EFFECTIVE=0",
		"_SYSTEMD_CGROUP=/system.slice/"+u.name+".service",
		"_SYSTEMD_UNIT="+u.name+".service",
		"_SYSTEMD_SLICE=system.slice",
		"_SYSTEMD_INVOCATION_ID="+p.invocation,
		"_RUNTIME_SCOPE=system",
		"_SOURCE_REALTIME_TIMESTAMP="+strconv.FormatInt(g.realtime-40, 10),
		"MESSAGE="+g.message(i))
	if g.oneIn(1000) {
		e.Fields = append(e.Fields, "MULTI=one", "MULTI=two")
	}
}

// appendExport appends the entry in the Journal Export Format.
func (e *Entry) appendExport(b []byte) []byte {
	b = append(b, "__CURSOR=\n__REALTIME_TIMESTAMP="...)
	b = strconv.AppendInt(b, e.Realtime, 10)
	b = append(b, "\n__MONOTONIC_TIMESTAMP="...)
	b = strconv.AppendInt(b, e.Monotonic, 10)
	b = append(b, '\n')
	for _, f := range e.Fields {
		name, value, _ := strings.Cut(f, "=")
		b = appendField(b, name, value)
	}
	return append(b, '\n')
}

func (g *generator) message(i int) string {
	var m strings.Builder
	for range 4 + g.rnd.IntN(14) {
		m.WriteString(g.vocabulary[g.rnd.IntN(len(g.vocabulary))])
		m.WriteByte(' ')
	}
	took := time.Duration(g.rnd.Int64N(int64(900 * time.Millisecond)))
	fmt.Fprintf(&m, "id=%d dur=%.3fms peer=10.%d.%d.%d", i, took.Seconds()*1000, g.rnd.IntN(256), g.rnd.IntN(256), g.rnd.IntN(256))
	if g.oneIn(200) {
		secrets := [...]string{" Authorization: Bearer %032x", " password=%016x", " AKIA%016X", " token=ghp_%036x"}
		fmt.Fprintf(&m, secrets[g.rnd.IntN(len(secrets))], g.rnd.Uint64())
	}
	if g.oneIn(50) {
		fmt.Fprintf(&m, "\n  at frame(%d)\n  at main", i)
	}
	if g.oneIn(500) {
		m.WriteString("\xff\xfe\x00\x01")
	}
	if g.oneIn(5000) {
		m.WriteByte(' ')
		m.Write(bytes.Repeat([]byte("x"), 100<<10))
	}
	return m.String()
}

// appendField appends one field: NAME=value, or for a value with control characters the binary form, which is the
// name on a line, the length as 64 little-endian bits, the value.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' }) {
		b = append(b, '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	} else {
		b = append(b, '=')
	}
	b = append(b, value...)
	return append(b, '\n')
}
