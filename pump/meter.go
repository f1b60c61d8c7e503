package pump

import (
	"context"
	"time"
)

const (
	// meterLimit bounds what asking for the lag of all lanes may take: it is only shown.
	meterLimit = 5 * time.Second
	// meterRest is for how long a lane that had everything and has read nothing since is taken to have everything still.
	meterRest = 5 * time.Second
)

// metered is what the log last said of a lane, and where the lane was then.
type metered struct {
	at     time.Time
	pos    Position
	ledger Ledger
	lag    Lag
}

func (r *reader) setSource(source Log) {
	r.metering <- struct{}{}
	r.source = source
	<-r.metering
}

// meter fills in the lag of the lanes, as far as the log can tell it. Once it is closed, that is what it said last less what
// the lanes are done with since.
func (r *reader) meter(ctx context.Context, senders map[string]SenderSnapshot) {
	ctx, cancel := context.WithTimeout(ctx, meterLimit)
	defer cancel()
	now := time.Now()
	r.ask(ctx, func(meter Meter) {
		before := r.metered
		r.metered = make(map[string]metered, len(senders))
		for name, s := range senders {
			m, known := before[name]
			switch {
			case !s.Started:
				continue
			case meter == nil:
				m.settle(s.Ledger)
			case !known || !m.rests(&s, now):
				lag, err := meter.Lag(ctx, s.Position)
				if err != nil {
					continue
				}
				m = metered{now, s.Position, s.Ledger, lag}
			}
			r.metered[name] = m
			s.Lag = m.lag
			senders[name] = s
		}
	})
}

// rests reports whether the lane had all there was and has read nothing since, and that is not long ago.
func (m *metered) rests(s *SenderSnapshot, now time.Time) bool {
	return m.lag.Entries == 0 && m.pos == s.Position && m.ledger == s.Ledger && now.Sub(m.at) < meterRest
}

// settle takes off what the lane is done with since.
func (m *metered) settle(l Ledger) {
	m.lag.Entries = max(0, m.lag.Entries-(l.Read-l.InFlight-m.ledger.Read+m.ledger.InFlight))
	m.ledger = l
	if m.lag.Entries == 0 {
		m.lag.Age = 0
	}
}

// ask lets the log tell how far it goes; nil stands for one that is closed or cannot tell. It is not closed meanwhile.
func (r *reader) ask(ctx context.Context, question func(Meter)) {
	select {
	case r.metering <- struct{}{}:
		defer func() { <-r.metering }()
	case <-ctx.Done():
		return
	}
	meter, _ := r.source.(Meter)
	question(meter)
}
