package admin

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/flowrun/flowrun/runtime/access"
	"go.uber.org/zap"
)

// maxRequests are served at a time.
const maxRequests = 100

// guard decides who may ask what.
type guard struct {
	host  string       // as the address names it, in lower case
	probe *access.Gate // looks at pages and numbers only
	keyed *access.Gate // wants a token, too; nil without tokens
	stop  func()
}

func newGuard(o Options) (*guard, error) {
	host, _, _ := net.SplitHostPort(o.Address) // resolve has looked
	g := &guard{host: strings.ToLower(host), stop: func() {}}
	limits := access.Limits{MaxConnections: maxRequests, IPv6Prefix: access.DefaultLimits().IPv6Prefix}
	var err error
	if g.probe, err = (&access.Config{}).New(limits, nil); err != nil {
		return nil, err
	}
	if len(o.Tokens) == 0 && o.TokensFile == "" {
		return g, nil
	}
	tokens := &access.Token{From: []string{"header", "query:token"}, Tokens: o.Tokens, TokensFile: o.TokensFile}
	g.keyed, err = (&access.Config{Auth: access.Methods{tokens}}).New(limits, nil)
	return g, err
}

func (g *guard) hasTokens() bool { return g.keyed != nil }

// start says where to tell what becomes of files with tokens.
func (g *guard) start(log *zap.Logger) {
	if g.keyed != nil {
		g.stop = g.keyed.Open(log)
	}
}

// admitted is how far a request was let in.
type admitted struct {
	*access.Visitor
	token bool // it has shown one
}

// admit lets r in, as far as it may come, or says why not. needs says that what it
// asks for is not for everybody.
func (g *guard) admit(r *http.Request, needs bool) (admitted, *access.Refusal) {
	gate := g.probe
	token := needs && g.keyed != nil
	if token {
		gate = g.keyed
	}
	v, refusal := gate.Admit(r)
	if refusal == nil && !token && !g.knows(r.Host) {
		v.Leave()
		refusal = &access.Refusal{
			Status: http.StatusMisdirectedRequest, Code: "host_not_allowed",
			Message: "without a token, name the host by its IP address or as localhost",
			Reason:  "the Host is a name that is not ours", Addr: v.Addr,
		}
	}
	return admitted{v, token}, refusal
}

// knows reports whether a Host is one that no foreign page can have made to lead
// here.
func (g *guard) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return name == "localhost" || name != "" && name == g.host
}

type visitorKey struct{}

// visitor is who sent a request that was let in.
func visitor(ctx context.Context) admitted {
	v, _ := ctx.Value(visitorKey{}).(admitted)
	return v
}
