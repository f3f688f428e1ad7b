package access

import (
	"context"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// Gate decides who may connect. Its methods may be called from any goroutine.
type Gate struct {
	origins origins
	proxies proxies
	methods []verifier
	counts  *counts
}

// Identity is who a client has shown to be.
type Identity struct {
	// Claims is what is known of the client, for peer.claims. It may be shared,
	// and is not changed.
	Claims *flow.Object
	// Name tells identities apart, for limits; never shown.
	Name string
	// Expires is when the identity ends; zero for never. The connection is to
	// end then, with the code 1008 and Expired as the reason.
	Expires time.Time
	Expired string
}

// AtExpiry has do called, by a goroutine of its own, when the identity ends. The
// result stops that, and may be called more than once.
func (i *Identity) AtExpiry(do func()) (stop func() bool) {
	if i.Expires.IsZero() {
		return func() bool { return true }
	}
	return time.AfterFunc(time.Until(i.Expires), do).Stop
}

// Visitor is a client that was let in.
type Visitor struct {
	Identity
	// Addr is the client's own address, behind all trusted proxies. The port
	// is 0 where the proxy did not tell it.
	Addr netip.AddrPort

	counts *counts
	from   netip.Prefix // what the address counts as
	left   atomic.Bool
}

// Leave says that the connection has ended: there is room for another. It may
// be called more than once.
func (v *Visitor) Leave() {
	if v.left.CompareAndSwap(false, true) {
		v.counts.leave(v.from, v.Name)
	}
}

// verifier is an auth block at work.
type verifier interface {
	// start is called when connections are about to come; ctx ends with the
	// gate's work.
	start(ctx context.Context, log *zap.Logger)
	// verify says who has sent r. A refusal with the code credentials_missing
	// means that there was nothing to look at.
	verify(r *http.Request) (Identity, *Refusal)
	// conceal removes from r what verify looks at.
	conceal(r *http.Request)
}

// Open prepares the gate for visitors; what it has to say of its files and
// keys goes to log. stop ends what it does in the background.
func (g *Gate) Open(log *zap.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	for _, m := range g.methods {
		m.start(ctx, log)
	}
	return cancel
}

// Admit decides about the client that has sent r. It returns a visitor, who
// counts until he leaves, or a refusal, which has not been answered yet. What
// Admit took for credentials is no longer in r then. It may wait for keys to be
// fetched, for a few seconds or until r's context ends.
func (g *Gate) Admit(r *http.Request) (*Visitor, *Refusal) {
	addr, refusal := g.proxies.client(r)
	defer func() {
		if refusal != nil {
			refusal.Addr = addr
		}
	}()
	if refusal != nil {
		return nil, refusal
	}
	v := &Visitor{Addr: addr, counts: g.counts, from: g.counts.block(addr.Addr())}
	if refusal = g.counts.enter(v.from); refusal != nil {
		return nil, refusal
	}
	var who Identity
	if refusal = g.origins.check(r); refusal == nil {
		if who, refusal = g.identify(r); refusal != nil {
			refusal.Auth = true
		}
	}
	if refusal == nil {
		refusal = g.counts.enterAs(who.Name)
	}
	if refusal != nil {
		v.Leave()
		return nil, refusal
	}
	v.Identity = who
	return v, nil
}

// FromPage reports whether r comes from a page, and from one that may connect.
func (g *Gate) FromPage(r *http.Request) bool {
	return len(r.Header["Origin"]) > 0 && g.origins.check(r) == nil
}

// Anonymous reports whether clients need not show who they are.
func (g *Gate) Anonymous() bool { return len(g.methods) == 0 }

// Adopt is Admit for a client at addr that sends no request. It is asked for no
// credentials: that is the caller's to decide about.
func (g *Gate) Adopt(addr netip.AddrPort) (*Visitor, *Refusal) {
	v := &Visitor{Addr: addr, counts: g.counts, from: g.counts.block(addr.Addr())}
	if refusal := g.counts.enter(v.from); refusal != nil {
		refusal.Addr = addr
		return nil, refusal
	}
	return v, nil
}

// Identify says who has sent r, without letting them in: whether somebody who was let
// in before would be today. What it took for credentials is no longer in r then.
func (g *Gate) Identify(r *http.Request) (Identity, *Refusal) { return g.identify(r) }

// identify asks all auth blocks. Where none is satisfied, the one that had the
// most to look at says why.
func (g *Gate) identify(r *http.Request) (Identity, *Refusal) {
	defer func() {
		for _, m := range g.methods {
			m.conceal(r)
		}
	}()
	var refusal *Refusal
	for _, m := range g.methods {
		id, no := m.verify(r)
		if no == nil {
			return id, nil
		}
		refusal = refusal.or(no)
	}
	return Identity{}, refusal
}
