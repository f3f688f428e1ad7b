package link

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// wayBack returns the link of this table that an event of origin o came from,
// or on whose behalf it came; nil when there is none.
func (t *Table) wayBack(o *flow.Origin) *Link {
	for ; o != nil; o = o.Parent {
		if l, ok := o.Link.(*Link); ok && l.table == t {
			return l
		}
	}
	return nil
}

// waysBack returns the links of this table among several origins, each once.
func (t *Table) waysBack(origins []*flow.Origin) []*Link {
	links := make([]*Link, 0, len(origins))
	seen := make(map[*Link]bool, len(origins))
	for _, o := range origins {
		if l := t.wayBack(o); l != nil && !seen[l] {
			seen[l] = true
			links = append(links, l)
		}
	}
	return links
}

// address returns what the flow wrote to choose the connection by:
// meta.<type>.peer, an id or an object with id, or host and port.
func (t *Table) address(e *flow.Event) (flow.Value, bool) {
	if e.Meta.Wrote == nil {
		return flow.NullValue, false
	}
	under, _ := e.Meta.Wrote.Get(t.cfg.Component.Type)
	peer, ok := under.Object().Get("peer")
	return peer, ok && !peer.IsNull()
}

// lookup finds the open connection that an address means.
func (t *Table) lookup(address flow.Value) (*Link, error) {
	id := address
	if address.Kind() == flow.Map {
		id, _ = address.Object().Get("id")
	}
	if id.Kind() == flow.Text {
		return t.byID(id.Text())
	}
	host, _ := address.Object().Get("host")
	port, _ := address.Object().Get("port")
	if host.Kind() != flow.Text || port.Kind() != flow.Int {
		return nil, fmt.Errorf("meta.%s.peer must be a connection's id, or an object with id or with host and port", t.cfg.Component.Type)
	}
	return t.byAddr(host.Text(), int(port.Int()))
}

func (t *Table) byID(id string) (*Link, error) {
	slash := strings.LastIndexByte(id, '/')
	if seq, err := strconv.ParseUint(id[slash+1:], 10, 64); err == nil {
		t.mu.RLock()
		l := t.links[seq]
		t.mu.RUnlock()
		if l != nil && l.ID() == id {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%s: connection %q: %w", t.cfg.Component.Address(), id, flow.ErrGone)
}

func (t *Table) byAddr(host string, port int) (*Link, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var found *Link
	for _, l := range t.links {
		if l.origin.Peer.Port != port || l.origin.Peer.Host != host {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: several connections of %s are open: address one by its id", t.cfg.Component.Address(), net.JoinHostPort(host, strconv.Itoa(port)))
		}
		found = l
	}
	if found == nil {
		return nil, fmt.Errorf("%s: connection of %s: %w", t.cfg.Component.Address(), net.JoinHostPort(host, strconv.Itoa(port)), flow.ErrGone)
	}
	return found, nil
}
