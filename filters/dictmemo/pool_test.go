package dictmemo

import (
	"testing"

	"journalpump/pump"
)

func snapshot(id uint64, fields int) pump.DictSnapshot {
	return pump.DictSnapshot{ID: id, Fields: make([]pump.Field, fields)}
}

// takes returns the memo for a Dict, "" if there is none.
func takes(p *Pool[string], id uint64) string {
	memo, ok := p.Take(snapshot(id, 0))
	if ok != (memo != "") {
		return "inconsistent"
	}
	return memo
}

func TestAMemoIsHandedOutOnce(t *testing.T) {
	t.Parallel()
	var p Pool[string]
	p.Put(snapshot(1, 3), "a")
	p.Put(snapshot(2, 3), "b")
	if got := takes(&p, 1) + takes(&p, 2) + takes(&p, 1) + takes(&p, 3); got != "ab" {
		t.Errorf("got %q", got)
	}
}

func TestOfTwoMemosTheOneThatKnowsMoreIsKept(t *testing.T) {
	t.Parallel()
	var p Pool[string]
	p.Put(snapshot(1, 3), "knows 3")
	p.Put(snapshot(1, 5), "knows 5")
	p.Put(snapshot(1, 4), "knows 4")
	if got := takes(&p, 1); got != "knows 5" {
		t.Errorf("got %q", got)
	}
}

func TestTheMemoNotUsedForLongestIsDropped(t *testing.T) {
	t.Parallel()
	var p Pool[string]
	p.Put(snapshot(1, 0), "first")
	for id := uint64(2); id <= maxIdle; id++ {
		p.Put(snapshot(id, 0), "other")
	}
	p.Put(snapshot(1, 0), takes(&p, 1))
	p.Put(snapshot(100, 0), "one more")
	if got := takes(&p, 1); got != "first" {
		t.Errorf("the one used last: %q", got)
	}
	if got := takes(&p, 2); got != "" {
		t.Errorf("the one not used for longest: %q", got)
	}
}

func TestOfADictWithoutIdentityNothingIsKept(t *testing.T) {
	t.Parallel()
	var p Pool[string]
	p.Put(snapshot(0, 3), "a")
	if got := takes(&p, 0); got != "" {
		t.Errorf("got %q", got)
	}
}
