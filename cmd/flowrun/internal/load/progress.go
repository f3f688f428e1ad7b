package load

import "time"

// progressEvery is the time between two reports.
const progressEvery = 200 * time.Millisecond

// Progress is how far a run is.
type Progress struct {
	Phase    string        // "connecting", "warming up", "measuring" or "finishing"
	Share    float64       // of the phase, 0 to 1
	Elapsed  time.Duration // of the phase
	Open     int           // connections
	Failed   int64         // connections
	Messages int64         // answered or received so far, the warm-up included
}

// tell completes a report and hands it over, if anybody wants it.
func (r *run) tell(p Progress) {
	if r.o.Progress == nil {
		return
	}
	r.mu.Lock()
	clients := r.clients
	p.Failed = r.errors.Total()
	r.mu.Unlock()
	p.Open = len(clients)
	for _, c := range clients {
		p.Messages += c.heard.Load()
		if c.dead.Load() {
			p.Open--
		}
	}
	r.o.Progress(p)
}
