package stream

import (
	"container/list"
	"crypto/tls"
	"net"

	"github.com/flowrun/flowrun/runtime/tcp"
)

// guests are the connections of which is not known yet who they are, the first that
// came first. Their server's mu guards them.
type guests struct{ list.List }

// guest is the place of one among them.
type guest = list.Element

// enter takes a connection in. Of more than most, the first has to go: a handshake
// takes milliseconds, unless somebody makes it last.
func (g *guests) enter(nc net.Conn, most int) *guest {
	if g.Len() >= most {
		cut(g.Remove(g.Front()).(net.Conn))
	}
	return g.PushBack(nc)
}

// leave takes it out, and reports whether it was still there.
func (g *guests) leave(at *guest) bool {
	before := g.Len()
	g.Remove(at)
	return g.Len() < before
}

// resetAll tells all that their server has ended before it read them.
func (g *guests) resetAll() {
	for g.Len() > 0 {
		tcp.Reset(g.Remove(g.Front()).(net.Conn))
	}
}

// cut closes a connection without saying goodbye, for which TLS would wait.
func cut(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	_ = nc.Close() // nothing was sent
}
