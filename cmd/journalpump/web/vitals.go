package web

import (
	"sync"
	"time"
)

// vital is what happens to the agent beside its readers and senders.
type vital struct {
	saveErr      string // of the last attempt
	saveFailures int64
	savedAt      time.Time
	reloadErr    string // of the last attempt
	reloadedAt   time.Time
}

// vitals is a vital that several goroutines use.
type vitals struct {
	mu sync.Mutex
	v  vital
}

func newVitals(started time.Time) *vitals { return &vitals{v: vital{reloadedAt: started}} }

func (v *vitals) saved(err error, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.v.saveErr = ""
	if err != nil {
		v.v.saveErr = err.Error()
		v.v.saveFailures++
		return
	}
	v.v.savedAt = now
}

func (v *vitals) reloaded(err error, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.v.reloadErr = ""
	if err != nil {
		v.v.reloadErr = err.Error()
		return
	}
	v.v.reloadedAt = now
}

func (v *vitals) now() vital {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.v
}

// notices says in plain words what is wrong.
func (v *vital) notices() []string {
	notices := []string{}
	if v.saveErr != "" {
		notices = append(notices, "The state cannot be saved; after a crash entries would be sent again: "+v.saveErr)
	}
	if v.reloadErr != "" {
		notices = append(notices, "The new configuration was refused, the old one goes on: "+v.reloadErr)
	}
	return notices
}
