package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/connectors/stream/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// TCPServerConfig is the configuration of tcp_server.
type TCPServerConfig struct {
	URL            endpoint.URL          `hcl:"url" required:"true" doc:"where to listen: \"host:port\" or \"tcp://host:port\". No other connector shares the address"`
	TLS            *setting.TLSServer    `hcl:"tls" doc:"certificate and key: clients speak TLS"`
	Backlog        int                   `hcl:"backlog" min:"0" doc:"connections that may wait to be accepted; 0 for the system's default"`
	Socket         setting.SocketOptions `hcl:"socket_options" doc:"TCP options"`
	Queue          setting.Queue         `hcl:"queue" doc:"what waits for a client that is not ready to take it. A client's replies to its own messages hold back its own reading instead"`
	Idle           setting.Duration      `hcl:"idle_timeout" min:"10ms" doc:"ends a connection on which no byte has passed in either direction for so long. For ever when not given"`
	Limits         TCPLimits             `hcl:"limits" doc:"how much there may be: of connections, and of what each sends"`
	Auth           Certificates          `hcl:"auth" doc:"who may connect. Who it is becomes peer.claims"`
	TrustedProxies []access.Network      `hcl:"trusted_proxies" doc:"networks (\"10.0.0.0/8\") of proxies that may say who the client is, which becomes peer.host"`
	ProxyProtocol  bool                  `hcl:"proxy_protocol" doc:"trusted proxies begin each connection with a header of the PROXY protocol, version 1 or 2"`
	Topics         *flow.Topics          `hcl:"topics" doc:"lets clients subscribe to what an edge with deliver = \"topic\" delivers"`
	Session        *flow.Sessions        `hcl:"sessions" doc:"says whose connection each is, for an edge with deliver = \"identity\", and how many one may have"`
	Life           bool                  `hcl:"lifecycle_events" doc:"the opening and the end of each connection leave by out as events: null, with meta.tcp_server.event = \"open\" or \"close\", that with reason"`
	Timeouts
}

// TCPLimits is the block limits of tcp_server.
type TCPLimits struct {
	MaxConnections            int `hcl:"max_connections" min:"1" doc:"connections in all; one more is closed at once"`
	MaxConnectionsPerIP       int `hcl:"max_connections_per_ip" min:"0" doc:"connections from one address; one more is closed at once. 0 for no limit"`
	MaxConnectionsPerIdentity int `hcl:"max_connections_per_identity" min:"0" doc:"connections with one verified certificate; one more is closed at once. 0 for no limit"`
	IPv6Prefix                int `hcl:"ipv6_prefix" min:"1" max:"128" doc:"how much of an IPv6 address counts as one, in bits: a client has a whole network of them"`
	MaxHandshakes             int `hcl:"max_handshakes" min:"1" doc:"connections that have not done their TLS handshake, or sent their header of the PROXY protocol, yet; of more, the oldest is cut"`
	Rates
}

// Certificates are the auth blocks of a tcp_server: what TLS has shown is all that
// is known of a client.
type Certificates []access.Method

// Variants implements flow.Variants.
func (Certificates) Variants() []flow.Spec[any] {
	return []flow.Spec[any]{
		{Name: "mtls", Summary: "a certificate that the listener has verified; needs tls.client_ca", Config: func() any { return &access.MTLS{} }},
	}
}

// Shape implements flow.ConnectorConfig.
func (c *TCPServerConfig) Shape() flow.Shape {
	s := flow.Shape{
		Role: flow.Server, Stream: true, In: true, Out: true, Many: true, Queue: &c.Queue,
		Topics: c.Topics, Sessions: c.Session, Lifecycle: c.Life, Wrote: checkWrote("tcp_server"),
	}
	if c.URL.Port != 0 { // port 0 is another one each time
		claim := c.access().Claim(c.URL.Addr(), "", "url", c.TLS)
		claim.Terms = "all of it " + claim.Terms
		s.Claims = []flow.Claim{claim}
	}
	return s
}

func (c *TCPServerConfig) access() *access.Config {
	return &access.Config{Auth: access.Methods(c.Auth), TrustedProxies: c.TrustedProxies, ProxyProtocol: c.ProxyProtocol}
}

// New implements flow.ConnectorConfig.
func (c *TCPServerConfig) New() (flow.Connector, error) {
	problems := []error{checkAddress(c.URL, c.TLS != nil), c.Topics.Check(), c.Session.Check()}
	if c.TLS != nil {
		if _, err := tlsfiles.Server(c.TLS); err != nil {
			problems = append(problems, setting.Within("tls", err))
		}
	}
	if len(c.TrustedProxies) > 0 && !c.ProxyProtocol {
		problems = append(problems, &setting.Error{Field: "trusted_proxies", Err: errors.New("trusted_proxies needs proxy_protocol = true: TCP has no other way to say who the client is")})
	}
	gate, err := c.access().New(access.Limits{
		MaxConnections:            c.Limits.MaxConnections,
		MaxConnectionsPerIP:       c.Limits.MaxConnectionsPerIP,
		MaxConnectionsPerIdentity: c.Limits.MaxConnectionsPerIdentity,
		IPv6Prefix:                c.Limits.IPv6Prefix,
	}, c.TLS)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	listen := flow.ListenSpec{
		Scheme:  "tcp",
		Address: c.URL.Addr(),
		TLS:     c.TLS,
		Socket:  c.Socket,
		Backlog: c.Backlog,
		Proxies: c.access().ProxyNetworks(),
		Timeout: time.Duration(c.ConnectTimeout),
	}
	if c.TLS != nil {
		listen.Scheme = "tls"
	}
	return &server{
		listen:         listen,
		connectTimeout: time.Duration(c.ConnectTimeout),
		closeTimeout:   time.Duration(c.CloseTimeout),
		maxHandshakes:  c.Limits.MaxHandshakes,
		gate:           gate,
		meet:           meetTCP,
		group: socket.NewGroup(socket.Options{
			Type:         "tcp_server",
			WriteTimeout: time.Duration(c.Queue.WriteTimeout),
			CloseTimeout: time.Duration(c.CloseTimeout),
			IdleTimeout:  time.Duration(c.Idle),
			Rate:         c.Limits.rate(),
		}),
	}, nil
}

// checkAddress checks a URL of TCP.
func checkAddress(u endpoint.URL, secure bool) error {
	var wrong error
	switch {
	case u.Scheme == "tls" && !secure:
		wrong = errors.New("tls needs a tls block")
	case u.Scheme != "" && u.Scheme != "tcp" && u.Scheme != "tls":
		wrong = fmt.Errorf("scheme %q is not one of tcp and tls", u.Scheme)
	case u.Port == endpoint.NoPort:
		wrong = errors.New("the URL has no port: write \"host:port\"")
	case u.User != nil:
		wrong = errors.New("a URL of TCP holds no user and password: there is nowhere to say them")
	case u.Path != "" && u.Path != "/" || u.Query != "":
		wrong = errors.New("a URL of TCP ends with its port")
	default:
		return nil
	}
	return &setting.Error{Field: "url", Err: wrong}
}

// meetTCP finds out who a client is, once TLS has been done, and whether it may
// stay.
func meetTCP(gate *access.Gate, nc net.Conn) (*access.Visitor, flow.Peer, *access.Refusal) {
	r := &http.Request{RemoteAddr: nc.RemoteAddr().String(), Header: http.Header{}} // what a gate looks at
	peer := flow.Peer{}
	if t, ok := nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		r.TLS, peer.TLS = &state, true
	}
	visitor, refusal := gate.Admit(r)
	if refusal != nil {
		return nil, peer, refusal
	}
	peer.Claims = visitor.Claims
	if visitor.Addr.IsValid() {
		peer.Host, peer.Port = visitor.Addr.Addr().String(), int(visitor.Addr.Port())
	}
	return visitor, peer, nil
}
