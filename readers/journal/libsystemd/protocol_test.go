package libsystemd

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

var samplePosition = pump.Position{Cursor: pump.Cursor{
	SeqnumID: pump.ID128{1, 2}, Seqnum: 3, BootID: pump.ID128{4}, Monotonic: 5, Realtime: 6, XorHash: 7, Parts: pump.HasAll,
}}

func TestMessagesRoundTrip(t *testing.T) {
	all := cmp.AllowUnexported(openRequest{}, openReply{}, refusal{}, leap{}, readRequest{}, placeRequest{})
	open := openRequest{files: []string{"/a", ""}, units: []string{"u"}, after: samplePosition, leap: leap{entries: 9, realtime: 1 << 60}}
	var openGot openRequest
	if err := openGot.decode(open.append(nil)); err != nil || !cmp.Equal(open, openGot, all) {
		t.Errorf("%v: %s", err, cmp.Diff(open, openGot, all))
	}
	reply := openReply{refused: []refusal{{"/a", "why"}}, anchor: anchorGone, next: samplePosition}
	var replyGot openReply
	if err := replyGot.decode(reply.append(nil)); err != nil || !cmp.Equal(reply, replyGot, all) {
		t.Errorf("%v: %s", err, cmp.Diff(reply, replyGot, all))
	}
	read := readRequest{entries: 1000, bytes: 1 << 20}
	var readGot readRequest
	if err := readGot.decode(read.append(nil)); err != nil || read != readGot {
		t.Errorf("%v: %v", err, readGot)
	}
	place := placeRequest{boot: pump.ID128{8}, usec: 1 << 50}
	var placeGot placeRequest
	if err := placeGot.decode(place.append(nil)); err != nil || place != placeGot {
		t.Errorf("%v: %v", err, placeGot)
	}
	for n := range len(open.append(nil)) {
		if err := new(openRequest).decode(open.append(nil)[:n]); !errors.Is(err, errMalformed) {
			t.Errorf("cut off after %d bytes: %v", n, err)
		}
	}
}

// The agent sees every field as the child had it, whichever way it is sent.
func TestNumbersRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	child, agent := newNumbering(), newFields()
	var frame entriesFrame
	from := pump.Position{}
	dicts := map[uint64]bool{}
	for round := range 50 {
		var want [][]string
		var flags entryFlags
		if round%20 == 19 {
			child.forget()
			flags = flagForget
		}
		frame.reset()
		for range random.IntN(20) {
			frame.begin()
			var entry []string
			for range 1 + random.IntN(10) {
				f := "NAME" + strings.Repeat("x", random.IntN(3)) + "=" + strings.Repeat("v", random.IntN(5)*random.IntN(500))
				entry = append(entry, f)
				child.add(&frame, []byte(f))
			}
			frame.finish(&samplePosition)
			want = append(want, entry)
		}
		b, err := agent.decode(frame.append(nil, flags|flagEnd, 3), from)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for i := range b.chunk.Entries {
			var entry []string
			for _, r := range b.chunk.Fields(i) {
				f := b.chunk.Field(r)
				entry = append(entry, f.Name+"="+string(f.Value))
			}
			got = append(got, entry)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
		if !b.end || b.jumped || b.chunk.Corrupted != 3 {
			t.Errorf("round %d: %+v", round, b)
		}
		dicts[b.chunk.Dict.ID] = true
	}
	if len(dicts) != 3 {
		t.Errorf("%d dictionaries, want one more for each time the child forgot", len(dicts))
	}
}

// A frame may come in any pieces, with interruptions between.
func TestPartialFrame(t *testing.T) {
	payload := bytes.Repeat([]byte("payload"), 500_000)
	sent := endFrame(append(beginFrame(nil, sayEntries), payload...))
	sent = append(sent, endFrame(beginFrame(nil, sayDone))...)
	var f partialFrame
	r := iotest.TimeoutReader(bytes.NewReader(sent))
	interruptions := 0
	for _, want := range []struct {
		kind    kind
		payload []byte
	}{{sayEntries, payload}, {sayDone, nil}} {
		k, got, err := f.read(r)
		for errors.Is(err, iotest.ErrTimeout) {
			interruptions++
			k, got, err = f.read(r)
		}
		if err != nil || k != want.kind || !bytes.Equal(got, want.payload) {
			t.Fatalf("got %q, %d bytes, %v", k, len(got), err)
		}
	}
	if interruptions == 0 {
		t.Error("there was no interruption")
	}
	if _, _, err := f.read(r); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, _, err := new(partialFrame).read(strings.NewReader("\xff\xff\xff\xffx")); !errors.Is(err, errMalformed) {
		t.Errorf("a length out of bounds: %v", err)
	}
}

func FuzzEntries(f *testing.F) {
	var frame entriesFrame
	n := newNumbering()
	for range 3 {
		frame.begin()
		n.add(&frame, []byte("A=b"))
		frame.finish(&samplePosition)
	}
	f.Add(frame.append(nil, flagForget, 1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := newFields().decode(payload, pump.Position{})
		if err != nil {
			return
		}
		for i := range b.chunk.Entries {
			for _, r := range b.chunk.Fields(i) {
				if b.chunk.Field(r).Name == "" {
					t.Error("a field without a name")
				}
			}
		}
	})
}

func FuzzReplies(f *testing.F) {
	r := openReply{refused: []refusal{{"/a", "why"}}, anchor: anchorGone, next: samplePosition}
	f.Add(r.append(nil))
	f.Add(endFrame(r.append(beginFrame(nil, sayOpen))))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = new(openReply).decode(b)
		_ = new(openRequest).decode(b)
		_ = new(placeRequest).decode(b)
		if _, payload, err := new(partialFrame).read(bytes.NewReader(b)); err == nil && len(payload) > len(b) {
			t.Errorf("%d bytes of payload in %d", len(payload), len(b))
		}
	})
}
