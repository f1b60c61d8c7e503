package pump

// RestartSessions does to all lanes what the watch does to one that stands still.
func RestartSessions(p *Pump) {
	for _, r := range p.allReaders() {
		for _, l := range r.allLanes() {
			l.watching.Lock()
			if l.restart != nil {
				l.restart(errStalled)
			}
			l.watching.Unlock()
		}
	}
}
