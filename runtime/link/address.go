package link

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/flowrun/flowrun/runtime/flow"
)

// wayBack returns the link of this table, or of one before it in the same place,
// that an event of origin o came from, or on whose behalf it came; nil when there
// is none. Where the way forks, it
// returns the origins that it leads to.
func (t *Table) wayBack(o *flow.Origin) (l *Link, fork []*flow.Origin) {
	for ; o != nil; o = o.Parent {
		if o.Union != nil {
			return nil, o.Union
		}
		if l, ok := o.Link.(*Link); ok && l.table.seq == t.seq {
			return l, nil
		}
	}
	return nil, nil
}

// waysBack returns the links of this table among several origins, each once.
func (t *Table) waysBack(origins []*flow.Origin) []*Link {
	links := make([]*Link, 0, len(origins))
	seen := make(map[*Link]bool, len(origins))
	var add func(origins []*flow.Origin)
	add = func(origins []*flow.Origin) {
		for _, o := range origins {
			l, fork := t.wayBack(o)
			if l != nil && !seen[l] {
				seen[l] = true
				links = append(links, l)
			}
			add(fork)
		}
	}
	add(origins)
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
	l, known := t.find(id)
	if l != nil {
		return l, nil
	}
	if !known {
		// The id is a value of the event, so it is not shown.
		return nil, fmt.Errorf("%s: meta.%s.peer is the id of none of its connections, present or past", t.cfg.Component.Address(), t.cfg.Component.Type)
	}
	return nil, fmt.Errorf("%s: connection %q: %w", t.cfg.Component.Address(), id, flow.ErrGone)
}

// end is the other end of a connection, as a flow may address it.
type end struct {
	host string
	port int
}

func endOf(l *Link) end { return end{l.origin.Peer.Host, l.origin.Peer.Port} }

func (t *Table) byAddr(host string, port int) (*Link, error) {
	links := t.linksOf(end{host, port})
	switch len(links) {
	case 0:
		return nil, fmt.Errorf("%s: connection of %s: %w", t.cfg.Component.Address(), net.JoinHostPort(host, strconv.Itoa(port)), flow.ErrGone)
	case 1:
		return links[0], nil
	}
	return nil, fmt.Errorf("%s: several connections of %s are open: address one by its id", t.cfg.Component.Address(), net.JoinHostPort(host, strconv.Itoa(port)))
}

// linksOf finds links by their other end. The index is made when it is first
// asked for, since most flows never do.
func (t *Table) linksOf(e end) []*Link {
	t.mu.RLock()
	links, indexed := t.ends[e], t.ends != nil
	t.mu.RUnlock()
	if indexed {
		return links
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ends == nil {
		t.ends = make(map[end][]*Link, len(t.links))
		for _, l := range t.links {
			t.index(l)
		}
	}
	return t.ends[e]
}

// index adds a link to the index, if there is one. The caller holds mu.
func (t *Table) index(l *Link) {
	if t.ends != nil {
		t.ends[endOf(l)] = append(slices.Clip(t.ends[endOf(l)]), l) // readers hold the old slice
	}
}

// unindex takes a link out of the index, if there is one. The caller holds mu.
func (t *Table) unindex(l *Link) {
	if t.ends == nil {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(t.ends[endOf(l)]), func(other *Link) bool { return other == l })
	if len(rest) == 0 {
		delete(t.ends, endOf(l))
	} else {
		t.ends[endOf(l)] = rest
	}
}
