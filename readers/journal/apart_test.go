package journal

import (
	"encoding/gob"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"journalpump/readers/journal/journaldir"
	"journalpump/test/program"
)

// varied is what followers of all kinds follow.
type varied struct {
	Selection journaldir.Selection
	Seed      uint64
	Again     string // a source whose messages may come again in another iterator
}

// start starts followers that go on, are replaced, go back and are idle at times, with chunks of a few entries or many, of two logs.
func (v varied) start(t *testing.T) followers {
	t.Helper()
	few := openLog(t, Options{Selection: v.Selection, MaxChunkEntries: 1 + int(v.Seed%3)})
	many := openLog(t, Options{Selection: v.Selection, MemoryLimit: 4 << 20})
	draw := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(v.Seed, n)) }
	return followers{
		startFollower(t, few, followOptions{}),
		startFollower(t, many, followOptions{again: v.Again, replaced: draw(3), every: 3}),
		startFollower(t, few, followOptions{again: v.Again, replaced: draw(4), every: 60, back: true}),
		startFollower(t, many, followOptions{idle: draw(5)}),
	}
}

// apart is followers in a process of their own, so that this can be stopped and continued.
type apart struct {
	process  *program.Bound
	requests *gob.Encoder
	replies  *gob.Decoder
}

// request asks for what followers have got. They wait for the messages first.
type request struct {
	Await map[string]int // number by source
	End   bool           // they end then
}

// reply says why a request failed, or what they have got in the end.
type reply struct {
	Failed   string
	Accounts []account
}

const apartEnv = "JOURNAL_TEST_APART"

// startApart starts followers of all kinds in another process.
func startApart(t *testing.T, v varied) *apart {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	theirRequests, requests := pipe(t)
	replies, theirReplies := pipe(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestApart$", "-test.count=1", "-test.timeout=0") //nolint:noctx // ends in the cleanup below
	cmd.Env = append(os.Environ(), apartEnv+"="+string(text))
	cmd.ExtraFiles = []*os.File{theirRequests, theirReplies}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	p, err := program.StartBound(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.End(syscall.SIGKILL) // it has said what it had to say
	})
	if err := errors.Join(theirRequests.Close(), theirReplies.Close()); err != nil {
		t.Fatal(err)
	}
	return &apart{process: p, requests: gob.NewEncoder(requests), replies: gob.NewDecoder(replies)}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() }) // one of them is closed already
	return r, w
}

// ask asks, and waits for the answer.
func (a *apart) ask(t *testing.T, q request) []account {
	t.Helper()
	if err := a.requests.Encode(q); err != nil {
		t.Fatalf("asking the followers of the other process: %v", err)
	}
	var r reply
	if err := a.replies.Decode(&r); err != nil {
		t.Fatalf("the followers of the other process don't answer: %v", err)
	}
	if r.Failed != "" {
		t.Fatalf("in the other process: %s", r.Failed)
	}
	return r.Accounts
}

// TestApart is what startApart starts.
func TestApart(t *testing.T) {
	text := os.Getenv(apartEnv)
	if text == "" {
		return
	}
	var v varied
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	requests, replies := gob.NewDecoder(os.NewFile(3, "requests")), gob.NewEncoder(os.NewFile(4, "replies"))
	fs := v.start(t)
	for {
		var q request
		if err := requests.Decode(&q); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return
		}
		var r reply
		if err := fs.awaitAll(t.Context(), q.Await); err != nil {
			r.Failed = err.Error()
		}
		if q.End {
			r.Accounts = fs.stop(t)
		}
		if err := replies.Encode(r); err != nil {
			t.Error(err)
			return
		}
	}
}
