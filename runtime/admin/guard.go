package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

const (
	// maxProbes are answered at a time.
	maxProbes = 50
	// maxRequests are served at a time beside these, and beside streams, which have
	// limits of their own.
	maxRequests = 100
)

// cookie may hold a token, for pages: their event streams cannot send headers.
const cookie = "flowrun_token"

// guard decides who may ask what.
type guard struct {
	host  string       // as the address names it, in lower case
	keyed bool         // there are tokens
	any   bool         // pages of all origins may come
	probe *access.Gate // for what is open to anybody
	gate  *access.Gate // for all else
	stop  func()
}

// newGuard reads the file of tokens. An error is a *setting.Error, or several,
// about an argument of the block.
func newGuard(a flowfile.Admin) (*guard, error) {
	host, _, _ := net.SplitHostPort(a.Address) // resolve has looked
	g := &guard{
		host:  strings.ToLower(host),
		keyed: len(a.Tokens) > 0 || a.TokensFile != "" || len(a.Hashes) > 0,
		any:   slices.Contains(a.Origins, "*"),
		stop:  func() {},
	}
	asked := access.Config{Origins: a.Origins}
	if g.keyed {
		tokens := &access.Token{
			From:   []string{"header", "query:token"},
			Tokens: a.Tokens, TokensFile: a.TokensFile, Hashes: a.Hashes,
		}
		if !g.any { // or else any page could do what the person who looks at it may
			tokens.From = append(tokens.From, "cookie:"+cookie)
		}
		asked.Auth = access.Methods{tokens.Checking(checkClaims)}
	} else if g.any {
		return nil, &setting.Error{Field: "origins", Err: errors.New(`origins = ["*"] needs tokens: any page that somebody on this machine looks at could read the API`)}
	}
	var err error
	if g.gate, err = asked.New(limits(maxRequests), nil); err != nil {
		return nil, withoutAuth(err)
	}
	g.probe, err = (&access.Config{Origins: a.Origins}).New(limits(maxProbes), nil)
	return g, err
}

func limits(most int) access.Limits {
	return access.Limits{MaxConnections: most, IPv6Prefix: access.DefaultLimits().IPv6Prefix}
}

// withoutAuth says of errors about the one auth block that they are about the
// arguments of the block admin, which it is made of.
func withoutAuth(err error) error {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only what was joined
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, withoutAuth(one))
		}
		return errors.Join(all...)
	}
	if fe := (*setting.Error)(nil); errors.As(err, &fe) {
		return &setting.Error{Field: strings.TrimPrefix(fe.Field, "auth[0]."), Err: fe.Err}
	}
	return err
}

// start says where to tell what becomes of files with tokens.
func (g *guard) start(log *zap.Logger) {
	g.stop = g.gate.Open(log)
}

// admitted is who has sent a request, and what they may do.
type admitted struct {
	*access.Visitor
	token string // the name of who has it; "" when none was shown
	roles []Role
}

// admit lets r in, or says why not. open says that what it asks for is for
// anybody.
func (g *guard) admit(r *http.Request, open bool) (admitted, *access.Refusal) {
	gate := g.gate
	if open {
		gate = g.probe
	}
	v, refusal := gate.Admit(r)
	switch {
	case refusal != nil:
		return admitted{}, refusal
	case gate.Anonymous() && !g.knows(r.Host):
		v.Leave()
		return admitted{}, &access.Refusal{
			Status: http.StatusMisdirectedRequest, Code: "host_not_allowed",
			Message: "without a token, name the host by its IP address or as localhost",
			Reason:  "the Host is a name that is not ours", Addr: v.Addr,
		}
	case gate.Anonymous():
		return admitted{v, "", []Role{Read}}, nil
	}
	name := "a token without a name"
	if sub, _ := v.Claims.Get("sub"); sub.Text() != "" {
		name = sub.Text()
	}
	return admitted{v, name, rolesOf(v.Claims)}, nil
}

func (a *admitted) may(role Role) bool { return role == Anybody || slices.Contains(a.roles, role) }

// share lets the page that has sent r, and was let in, see the answer.
func (g *guard) share(h http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
	if !g.any {
		h.Set("Access-Control-Allow-Credentials", "true") // the cookie with a token
	}
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
