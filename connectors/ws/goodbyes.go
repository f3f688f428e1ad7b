package ws

import (
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// farewell is what the close frame says of the runtime's farewell.
func farewell(why flow.Farewell) socket.Farewell {
	return socket.Farewell{Code: why.Code, Reason: why.Reason, Message: why.Message, Settle: true, Why: flow.EndedDrain}
}

// goodbyes are said to the connections of a server that ends, one after the
// other, evenly over a time: the clients come back as they were sent away.
type goodbyes struct {
	why    socket.Farewell
	spread time.Duration // 0 for all at once
	begin  time.Time
	conns  []*socket.Conn
	said   int // to how many of them
}

func newGoodbyes(why socket.Farewell, spread time.Duration, conns []*socket.Conn) *goodbyes {
	return &goodbyes{why: why, spread: spread, begin: time.Now(), conns: conns}
}

// say asks those to part whose turn has come, and returns how long it is to the
// next turn; 0 when everyone has had theirs.
func (g *goodbyes) say(now time.Time) time.Duration {
	for ; g.said < len(g.conns); g.said++ {
		turn := g.begin.Add(g.spread / time.Duration(len(g.conns)) * time.Duration(g.said))
		if wait := turn.Sub(now); wait > 0 {
			return wait
		}
		g.conns[g.said].Part(g.why)
	}
	return 0
}
