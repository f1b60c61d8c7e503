// Package dictmemo keeps what filters remember of the fields of a pump.Dict from one chunk to the next.
package dictmemo

import (
	"slices"
	"sync"

	"journalpump/pump"
)

// maxIdle is how many memos a pool keeps: one for every lane that reads another part of the log.
const maxIdle = 4

// Pool holds the memos that no run uses at the moment. The zero value is empty. It may be used concurrently, a memo by one
// run at a time.
type Pool[M any] struct {
	mu   sync.Mutex
	idle []kept[M] // the one used last at the end
}

type kept[M any] struct {
	dict   uint64
	fields int // of the Dict that the memo may know
	memo   M
}

// Take hands out the memo for a Dict; ok is false if there is none, or another run has it.
func (p *Pool[M]) Take(d pump.DictSnapshot) (memo M, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(d.ID)
	if i < 0 {
		return memo, false
	}
	memo = p.idle[i].memo
	p.idle = slices.Delete(p.idle, i, i+1)
	return memo, true
}

// Put keeps a memo for the next run on the Dict, and drops the one that was not used for longest.
func (p *Pool[M]) Put(d pump.DictSnapshot, memo M) {
	if d.ID == 0 { // not made by pump.NewDict: nothing is known of the next one with that ID
		return
	}
	back := kept[M]{dict: d.ID, fields: len(d.Fields), memo: memo}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch i := p.find(d.ID); {
	case i < 0:
		p.idle = append(p.idle, back)
	case p.idle[i].fields < back.fields: // two runs had one each; the one that knows more is worth keeping
		p.idle[i] = back
	}
	if len(p.idle) > maxIdle {
		p.idle = slices.Delete(p.idle, 0, 1)
	}
}

func (p *Pool[M]) find(dict uint64) int {
	return slices.IndexFunc(p.idle, func(k kept[M]) bool { return k.dict == dict })
}
