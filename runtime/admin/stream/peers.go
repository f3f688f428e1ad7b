package stream

import (
	"net/http"
	"net/netip"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
)

// The types of events about the connections of one connector.
const (
	peerJoined  = "peer.joined"  // {peer_id, name, virtual_ip}
	peerLeft    = "peer.left"    // {peer_id, name}
	peerUpdated = "peer.updated" // {peer_id, endpoints: [{address, port, type}]}
)

var peerTypes = []string{peerJoined, peerLeft, peerUpdated}

// peers is how connections are told as peers of a network: who has come is told
// with where they are, in two events.
type peers struct {
	events
	types map[string]bool
}

func (s *Server) choosePeers(r *http.Request, connector string) (*peers, func(notice.Notice) bool, *access.Refusal) {
	if !s.Exists(connector) {
		return nil, nil, noConnector(http.StatusNotFound, connector)
	}
	types, refusal := typesOf(r, peerTypes)
	if refusal != nil {
		return nil, nil, refusal
	}
	as := &peers{types: map[string]bool{}}
	for _, name := range types {
		as.types[name] = true
	}
	return as, func(n notice.Notice) bool {
		return n.Connector != nil && n.Connector.Name == connector && (n.Type == notice.ConnectionNew || n.Type == notice.ConnectionClose)
	}, nil
}

func (p *peers) tell(n notice.Notice, add func([]byte)) {
	id, _ := n.Data.Get("id")
	name, _ := n.Data.Get("peer")
	if n.Type == notice.ConnectionClose {
		p.about(peerLeft, n, add, flow.Field{Key: "peer_id", Value: id}, flow.Field{Key: "name", Value: name})
		return
	}
	host, _ := n.Data.Get("peer_host")
	port, _ := n.Data.Get("peer_port")
	p.about(peerJoined, n, add, flow.Field{Key: "peer_id", Value: id}, flow.Field{Key: "name", Value: name}, flow.Field{Key: "virtual_ip", Value: host})
	if host.Text() == "" {
		return
	}
	endpoint := flow.ObjectOf(
		flow.Field{Key: "address", Value: host},
		flow.Field{Key: "port", Value: port},
		flow.Field{Key: "type", Value: flow.TextOf(networkOf(host.Text()))})
	p.about(peerUpdated, n, add, flow.Field{Key: "peer_id", Value: id}, flow.Field{Key: "endpoints", Value: flow.ListOf([]flow.Value{flow.MapOf(endpoint)})})
}

// about tells one event, if it is wanted.
func (p *peers) about(typ string, n notice.Notice, add func([]byte), data ...flow.Field) {
	if !p.types[typ] {
		return
	}
	p.buf = notice.Append(p.buf[:0], notice.Notice{Type: typ, Time: n.Time, Data: flow.ObjectOf(data...)})
	add(p.buf)
}

// networkOf says how far away an address is.
func networkOf(host string) string {
	switch addr, err := netip.ParseAddr(host); {
	case err != nil:
		return "unknown"
	case addr.IsLoopback():
		return "local"
	case addr.IsPrivate(), addr.IsLinkLocalUnicast():
		return "lan"
	}
	return "wan"
}
