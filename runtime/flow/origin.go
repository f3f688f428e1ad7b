package flow

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Origin is the connection that an event came from, and the way back to it.
// It is made once per connection by runtime/link and shared, unchanged, by all
// its events. A nil *Origin is an event that came from no connection.
type Origin struct {
	Link      Link       // the connection itself; the connector that owns it finds its way back through this
	Connector *Component // the connector that opened it
	Peer      Peer       // who is at the other end
	Seq       uint64     // counts the connections of one connector; never used twice in a process
	Parent    *Origin    // for a connection opened on behalf of another: that one
	Trace     *Trace     // what its client has named, where traces are wanted; of one with a parent, what that has
	Union     []*Origin  // for the output of a window or batch: the origins of its inputs; then all else is empty
}

// Component says which block of which flow a part of the running graph is.
type Component struct {
	Boot   string // "<node>.<boot>", the same for all components of a process
	Flow   string // the flow's name
	Kind   string // "connector", "pipeline" or "connect"
	Type   string // the connector's type; empty for others
	Name   string // the block's name
	Coding string // names of processors and codec of the inward side, to see whether an event leaves in the form it came in
}

// Address is the component's name in references, errors and logs:
// "connector.edge".
func (c *Component) Address() string { return c.Kind + "." + c.Name }

// ID spells the connection's id, "<node>.<boot>/<flow>/<connector>/<seq>". It
// allocates; it is asked for when a person or an expression wants to see it.
func (o *Origin) ID() string {
	if o == nil || o.Connector == nil {
		return ""
	}
	c := o.Connector
	return c.Boot + "/" + c.Flow + "/" + c.Name + "/" + strconv.FormatUint(o.Seq, 10)
}

// Peer is what the runtime vouches for about the other end of a connection.
// Connectors fill it in when they open a link; it is read-only from then on.
// What does not apply is left empty.
type Peer struct {
	Host        string // IP address, without port
	Port        int    // 0 when it is not known: of a client behind a proxy that does not tell it
	TLS         bool
	Path        string
	Params      map[string]string // of a path with parameters
	Query       string            // undecoded; parsed when asked for
	Header      string            // the request's header fields in wire form; parsed when asked for
	Fields      http.Header       // the same, parsed, of a connection that does not last: nothing is gained by keeping it small
	Subprotocol string
	Claims      *Object // verified identity
}

// port is null when it is not known.
func (p *Peer) port() Value {
	if p.Host == "" || p.Port == 0 {
		return NullValue
	}
	return IntOf(int64(p.Port))
}

// Addr is "host:port", for people; the host alone when the port is not known.
func (p *Peer) Addr() string {
	if p.Host == "" || p.Port == 0 {
		return p.Host
	}
	return joinHostPort(p.Host, p.Port)
}

// PeerValue returns `peer` as the flow sees it, or nil for an event that came
// from no single connection.
func (o *Origin) PeerValue() *Object {
	if o == nil || o.Connector == nil {
		return nil
	}
	v := NewObject(10)
	for _, name := range PeerFields {
		v.Set(name, o.PeerField(name))
	}
	return v
}

// PeerFields are the names under `peer`, in the order in which they are shown.
var PeerFields = []string{
	"id", "connector", "host", "port", "tls", "path", "params", "query", "headers", "cookies", "subprotocol", "claims",
}

// PeerField returns one entry of `peer` without building the others; null
// where the event came from no single connection or the field is unknown.
func (o *Origin) PeerField(name string) Value {
	if o == nil || o.Connector == nil {
		return NullValue
	}
	p := &o.Peer
	switch name {
	case "id":
		return TextOf(o.ID())
	case "connector":
		return TextOf(o.Connector.Name)
	case "host":
		return textOrNull(p.Host)
	case "port":
		return p.port()
	case "tls":
		return BoolOf(p.TLS)
	case "path":
		return textOrNull(p.Path)
	case "params":
		params := NewObject(len(p.Params))
		for _, k := range sortedKeys(p.Params) {
			params.Set(k, TextOf(p.Params[k]))
		}
		return MapOf(params)
	case "query":
		q, _ := url.ParseQuery(p.Query) // what can be parsed is there
		return firstValues(q, asIs)
	case "headers":
		return firstValues(p.HeaderFields(), strings.ToLower)
	case "cookies":
		cookies := NewObject(2)
		for _, c := range (&http.Request{Header: p.HeaderFields()}).Cookies() {
			cookies.Set(c.Name, TextOf(c.Value))
		}
		return MapOf(cookies)
	case "subprotocol":
		return textOrNull(p.Subprotocol)
	case "claims":
		return MapOf(p.Claims)
	}
	return NullValue
}

// meta is the part of `meta` that follows from the connection alone.
func (o *Origin) meta(binary bool) *Object {
	if o == nil || o.Connector == nil || o.Peer.Host == "" {
		return nil
	}
	peer := ObjectOf(
		Field{"id", TextOf(o.ID())},
		Field{"host", TextOf(o.Peer.Host)},
		Field{"port", o.Peer.port()},
	)
	return ObjectOf(Field{o.Connector.Type, MapOf(ObjectOf(
		Field{"tls", BoolOf(o.Peer.TLS)},
		Field{"binary", BoolOf(binary)},
		Field{"peer", MapOf(peer)},
	))})
}
