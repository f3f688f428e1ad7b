package access

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Config is what a flow says about who may connect.
type Config struct {
	Origins        []string  `hcl:"origins" doc:"pages that may connect, by the Origin that browsers send: \"https://app.example.org\", \"https://*.example.org\" (any name below), \"http://localhost:*\" (any port), \"self\" (the host that is connected to), \"null\", \"*\" (any). Without it, \"self\". Clients that send no Origin are no browsers and always may"`
	Auth           Methods   `hcl:"auth" doc:"who may connect: a client that satisfies any of these blocks. Who it is becomes peer.claims"`
	TrustedProxies []Network `hcl:"trusted_proxies" doc:"networks (\"10.0.0.0/8\") of proxies that may say who the client is, which becomes peer.host. What others say is ignored; so name none in which there are clients, too"`
	ProxyHeader    string    `hcl:"proxy_header" oneof:"X-Forwarded-For|Forwarded" doc:"the header field that trusted proxies write. Without it, either, and a request whose two fields disagree is refused"`
	ProxyProtocol  bool      `hcl:"proxy_protocol" doc:"trusted proxies begin each connection with a header of the PROXY protocol, version 1 or 2"`
}

// Claim is what a connector claims that listens on an address: a part of it, the
// path, on terms that all agree on. field is the argument that says so.
func (c *Config) Claim(address, part, field string, tls *setting.TLSServer) flow.Claim {
	claim := flow.Claim{Resource: "listener " + address, Part: part, Field: field}
	if c.ProxyProtocol {
		claim.Terms = fmt.Sprintf("proxy_protocol %v ", c.networks())
	}
	if tls != nil {
		claim.Terms += fmt.Sprintf("tls %s %s %s %s %s", tls.Cert, tls.Key, tls.ClientCA, tls.ClientAuth, tls.MinVersion)
	}
	return claim
}

// Limits bound how many connections there may be at a time.
type Limits struct {
	MaxConnections            int `hcl:"max_connections" min:"1" doc:"connections in all; one more is answered 503"`
	MaxConnectionsPerIP       int `hcl:"max_connections_per_ip" min:"0" doc:"connections from one address; one more is answered 429. 0 for no limit"`
	MaxConnectionsPerIdentity int `hcl:"max_connections_per_identity" min:"0" doc:"connections with one verified identity: a user, a token, a token's subject, a certificate. One more is answered 429; 0 for no limit"`
	IPv6Prefix                int `hcl:"ipv6_prefix" min:"1" max:"128" doc:"how much of an IPv6 address counts as one, in bits: a client has a whole network of them"`
}

// DefaultLimits returns the defaults of Limits.
func DefaultLimits() Limits { return Limits{MaxConnections: 100_000, IPv6Prefix: 64} }

// Network is a range of addresses: "10.0.0.0/8", or a single address.
type Network struct{ netip.Prefix }

// UnmarshalText parses a range.
func (n *Network) UnmarshalText(text []byte) error {
	s := string(text)
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is no network: write \"10.0.0.0/8\", \"2001:db8::/32\" or an address", s)
	}
	if p != p.Masked() {
		return fmt.Errorf("%q is no network: an address in it is not its first, did you mean %q?", s, p.Masked())
	}
	n.Prefix = p
	return nil
}

// Method is an auth block.
type Method interface {
	// open checks the block and reads its files. tls is what the listener has.
	open(tls *setting.TLSServer) (verifier, error)
}

// Methods are the auth blocks of a configuration.
type Methods []Method

// Variants implements flow.Variants.
func (Methods) Variants() []flow.Spec[any] {
	return []flow.Spec[any]{
		{Name: "basic", Summary: "user and password, as HTTP has them", Config: func() any { return &Basic{Realm: "flowrun"} }},
		{Name: "token", Summary: "a token out of a list", Config: func() any { return &Token{From: []string{"header"}} }},
		{Name: "jwt", Summary: "a signed token, which says itself who it is for and how long", Config: newJWT},
		{Name: "mtls", Summary: "a certificate that the listener has verified; needs tls.client_ca", Config: func() any { return &MTLS{} }},
	}
}

// New checks the configuration and makes the gate of it. The errors, joined,
// name the arguments that they are about. tls is nil where the listener has none.
func (c *Config) New(limits Limits, tls *setting.TLSServer) (*Gate, error) {
	g := &Gate{counts: newCounts(limits), proxies: c.proxies()}
	var problems []error
	origins, err := parseOrigins(c.Origins)
	problems = append(problems, err)
	g.origins = origins
	for i, m := range c.Auth {
		v, err := m.open(tls)
		if err != nil {
			problems = append(problems, setting.Within(fmt.Sprintf("auth[%d]", i), err))
			continue
		}
		g.methods = append(g.methods, v)
	}
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		problems = append(problems, fieldError("proxy_protocol", "proxy_protocol needs trusted_proxies: anybody could write the header"))
	}
	if c.ProxyHeader != "" && len(c.TrustedProxies) == 0 {
		problems = append(problems, fieldError("proxy_header", "proxy_header needs trusted_proxies: anybody could write the field"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return g, nil
}

func fieldError(field, format string, args ...any) error {
	return &setting.Error{Field: field, Err: fmt.Errorf(format, args...)}
}
