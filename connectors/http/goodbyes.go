package http

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// goodbyes are said to the streams of a server that ends, one after the other,
// evenly over a time: the clients come back as they were sent away.
type goodbyes struct {
	why     flow.Farewell
	begin   time.Time
	streams []*stream
	said    int // to how many of them
}

// say tells those to end whose turn has come, and returns how long it is to the next
// turn; 0 when everyone has had theirs.
func (g *goodbyes) say(now time.Time) time.Duration {
	for ; g.said < len(g.streams); g.said++ {
		turn := g.begin.Add(g.why.Spread / time.Duration(len(g.streams)) * time.Duration(g.said))
		if wait := turn.Sub(now); wait > 0 {
			return wait
		}
		g.streams[g.said].part(parting{message: g.why.Message, settle: true, counts: flow.EndedDrain})
	}
	return 0
}
