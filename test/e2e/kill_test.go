package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"journalpump/test/program"
)

// After kill -9 at any moment, each sender sends again at most the batch that was in flight: all that its destination had
// accepted before that one is known, however long ago the state file was saved.
func TestKill(t *testing.T) {
	t.Parallel()
	const entries, batch, rounds = 60000, 50, 8
	rnd := newRand(t)
	s := newSetup(t)
	taker := taker{t: t, got: map[string][]batchOf{}}
	server := httptest.NewServer(&taker)
	defer server.Close()
	journal := numberedJournal(t, entries)
	configure := func(round int) {
		senders := object{}
		for _, name := range []string{"a", "b"} {
			senders[name] = object{
				"output_type": "logplex", "logplex_log_input_url": fmt.Sprintf("%s/%s/%d", server.URL, name, round),
				"logplex_token": "t.1", "max_send_interval": 0.1,
			}
		}
		config := s.configWith(object{"journal_path": journal, "senders": senders})
		config["msg_buffer_max_length"] = batch
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		s.writeText(t, string(text))
	}
	for round := range rounds {
		configure(round)
		before := taker.batches()
		pump := program.Start(t, nil, s.config())
		some := before + 1 + rnd.IntN(60)
		program.Until(t, "some batches have come", func() bool { return taker.batches() >= some || pump.Ended() })
		program.Pause(t, time.Duration(rnd.IntN(20))*time.Millisecond)
		pump.Kill(t)
	}
	configure(rounds)
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	server.Close() // which waits for what is being taken
	for _, name := range []string{"a", "b"} {
		again, killed := taker.judge(name, entries)
		t.Logf("%s: %d processes, %d messages sent again", name, killed, again)
	}
}

// batchOf is the numbers of a batch, and which process sent it.
type batchOf struct {
	process int
	numbers []int
}

// taker takes all that comes, and remembers in which batches it came.
type taker struct {
	t   *testing.T
	mu  sync.Mutex
	got map[string][]batchOf // by sender
}

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the process was killed while it was sending
	}
	_, path, _ := bytes.Cut([]byte(r.URL.Path), []byte{'/'})
	name, number, _ := bytes.Cut(path, []byte{'/'})
	process, err := strconv.Atoi(string(number))
	if err != nil {
		k.t.Errorf("no process: %q", r.URL.Path)
		return
	}
	b := batchOf{process: process}
	for len(body) > 0 { // LENGTH MESSAGE, one behind the other
		length, rest, _ := bytes.Cut(body, []byte(" "))
		size, err := strconv.Atoi(string(length))
		if err != nil || size > len(rest) {
			k.t.Errorf("no frame: %.100q", body)
			return
		}
		_, text, _ := bytes.Cut(rest[:size], []byte("numbered file "))
		n, err := strconv.Atoi(string(text))
		if err != nil {
			k.t.Errorf("no number: %.100q", rest[:size])
			return
		}
		b.numbers, body = append(b.numbers, n), rest[size:]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got[string(name)] = append(k.got[string(name)], b)
}

func (k *taker) batches() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, batches := range k.got {
		n += len(batches)
	}
	return n
}

// judge looks at what a sender has sent: all of it, in order, and again only what was in the last batch of a process. It
// returns how many messages came again and how many processes sent any.
func (k *taker) judge(sender string, entries int) (again, processes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	// What a process had sent when it was killed may be taken when the next one sends already.
	batches := slices.Clone(k.got[sender])
	slices.SortStableFunc(batches, func(a, b batchOf) int { return a.process - b.process })
	next, inFlight := 1, 0 // the number that is due, and how many of those before it were in flight
	last := -1
	for _, b := range batches {
		if len(b.numbers) == 0 {
			continue
		}
		if b.process != last {
			last = b.process
			processes++
		} else {
			inFlight = 0
		}
		if first := b.numbers[0]; first > next || first < next-inFlight {
			k.t.Errorf("%s: process %d sends %d, want %d, or after a kill one of the %d before it", sender, b.process, first, next, inFlight)
		} else {
			again += next - first
		}
		for i, n := range b.numbers {
			if n != b.numbers[0]+i {
				k.t.Errorf("%s: out of order: %v", sender, b.numbers)
				break
			}
		}
		next, inFlight = b.numbers[len(b.numbers)-1]+1, len(b.numbers)
	}
	if next != entries+1 {
		k.t.Errorf("%s: the last message is %d, want %d", sender, next-1, entries)
	}
	return again, processes
}
