package notice

import (
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Connection is what is told of a connection.
type Connection struct {
	Origin *flow.Origin
	Host   string // where the connector listens, or what it has connected to
	Client string // the address of the client on whose behalf it is
	Reason error  // why it has ended
}

// Notice tells that it has begun or ended: what is ConnectionNew or ConnectionClose.
func (c Connection) Notice(what string) Notice {
	of, peer := c.Origin.Connector, &c.Origin.Peer
	n := Of(what, of,
		flow.Field{Key: "protocol", Value: flow.TextOf(of.Type)},
		flow.Field{Key: "host", Value: flow.TextOf(c.Host)},
		flow.Field{Key: "backend", Value: flow.TextOf(of.Name)},
		flow.Field{Key: "client_ip", Value: flow.TextOf(c.Client)},
		flow.Field{Key: "flow", Value: flow.TextOf(of.Flow)},
		flow.Field{Key: "id", Value: flow.TextOf(c.Origin.ID())},
		flow.Field{Key: "peer", Value: flow.TextOf(nameOf(peer))},
		flow.Field{Key: "peer_host", Value: flow.TextOf(peer.Host)},
		flow.Field{Key: "peer_port", Value: flow.IntOf(int64(peer.Port))})
	if ended := (*flow.Ended)(nil); errors.As(c.Reason, &ended) {
		if ended.Cause != "" {
			n.Data.Set("cause", flow.TextOf(string(ended.Cause)))
		}
		for _, key := range []string{"code", "reason"} {
			if v, ok := ended.Meta.Get(key); ok {
				n.Data.Set(key, v)
			}
		}
	}
	return n
}

// nameOf is who the peer has shown to be, or else its address. Other claims may be
// secrets, and so may the keys of sessions.
func nameOf(p *flow.Peer) string {
	if sub, _ := p.Claims.Get("sub"); sub.Kind() == flow.Text && sub.Text() != "" {
		return sub.Text()
	}
	return p.Addr()
}
