package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/signals"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc7692"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Script is one `peer` block. It is only read while it runs.
type Script struct {
	Name   string
	At     flow.Place
	Config Config
	Steps  []PlacedStep

	// Signals are what the peers of one test tell each other. nil when this
	// peer has nobody to talk to.
	Signals *signals.Board
	// Listening, when it is there, is called once by a peer that listens, before
	// anything is accepted: with its address, or "" when it cannot listen.
	Listening func(addr string)
}

// PlacedStep is a step and where it stands.
type PlacedStep struct {
	Kind string // the name in the table: "expect"
	At   flow.Place
	Step Step
}

// Step is one line of a script: the decoded configuration of one of [Kinds].
// It is shared by all instances of its script, which call Run concurrently, so
// Run does not change it. The error says what was expected and what came.
type Step interface {
	Run(ctx context.Context, p *Peer) error
}

// Checker is implemented by steps with mistakes to be found before anything
// runs. An error that concerns one argument is a *setting.Error.
type Checker interface {
	Check() error
}

// Block is implemented by steps that hold steps: whoever reads a file puts the
// blocks in it, in their order, into what Body returns.
type Block interface {
	Step
	Body() *[]PlacedStep
}

// Config are the arguments of a peer.
type Config struct {
	Connect endpoint.URL `hcl:"connect" doc:"the server to talk to: \"ws://127.0.0.1:8080/path\" or wss"`
	Listen  endpoint.URL `hcl:"listen" doc:"be a server: \"127.0.0.1:8080\", or with a path that all clients must ask for"`
	TLS     *TLS         `hcl:"tls" doc:"how to speak TLS: of a client cafile, domain, insecure, cert, key; of a server cert, key, client_ca"`

	Path         flow.Expr `hcl:"path" vars:"index|n|saved|text" doc:"path and query to ask for, instead of those of connect; index is the client's number"`
	Headers      flow.Expr `hcl:"headers" vars:"index|n|saved|text" doc:"header fields of the handshake, an object: of the request of a client, the answer of a server"`
	Subprotocols []string  `hcl:"subprotocols" doc:"what a client asks for, and a server chooses from"`

	Compression string `hcl:"compression" oneof:"off|no_context_takeover|context_takeover" doc:"compress all messages (permessage-deflate), where the other side agrees"`

	Count int `hcl:"count" min:"1" max:"10000" doc:"this many clients, or accepted connections, each run the script by themselves; index tells them apart"`

	Within        setting.Duration `hcl:"within" min:"1ms" doc:"deadline of every step that does not say its own"`
	AnswerPings   bool             `hcl:"answer_pings" doc:"a ping is answered with a pong"`
	AnswerClose   bool             `hcl:"answer_close" doc:"a close frame is answered with one"`
	MaxMessage    setting.Size     `hcl:"max_message" min:"1B" doc:"largest message taken; a larger one fails the peer"`
	Inbox         setting.Size     `hcl:"inbox" min:"1B" doc:"messages that no step has asked for yet: when there are more, nothing is read until there is room"`
	ReceiveBuffer setting.Size     `hcl:"receive_buffer" min:"1B" doc:"size of the socket's receive buffer: a small one makes a slow reader felt soon; the system's when not given"`
}

// TLS is the `tls` block of a peer.
type TLS struct {
	CAFile     setting.Path `hcl:"cafile" doc:"client: PEM file of the authorities to trust; the system's when not given"`
	Domain     string       `hcl:"domain" doc:"client: name that the server's certificate must carry; the URL's host when not given"`
	Insecure   bool         `hcl:"insecure" doc:"client: accept any certificate"`
	Cert       setting.Path `hcl:"cert" doc:"certificate chain, PEM file"`
	Key        setting.Path `hcl:"key" doc:"private key, PEM file"`
	ClientCA   setting.Path `hcl:"client_ca" doc:"server: PEM file of authorities that sign client certificates, which are then required"`
	MinVersion string       `hcl:"min_version" oneof:"1.2|1.3" doc:"oldest TLS version accepted"`
}

// DefaultConfig returns the configuration with its defaults.
func DefaultConfig() Config {
	return Config{
		Count: 1, Within: setting.Duration(5 * time.Second), AnswerPings: true, AnswerClose: true,
		MaxMessage: 16 << 20, Inbox: 64 << 20, Compression: rfc7692.Off,
	}
}

// Check finds what is wrong with the arguments of a peer. TLS files need not
// be there yet: a test may make them.
func (c *Config) Check() error {
	server := !c.Listen.IsZero()
	switch {
	case c.Connect.IsZero() && !server:
		return errors.New("a peer needs connect = \"ws://host:port/path\", or listen = \"host:port\" to be the server")
	case !c.Connect.IsZero() && server:
		return &setting.Error{Field: "listen", Err: errors.New("a peer either connects or listens")}
	case server && c.Path != nil:
		return &setting.Error{Field: "path", Err: errors.New("path is what a client asks for; a server has the path of listen")}
	}
	name, u := "connect", c.Connect
	if server {
		name, u = "listen", c.Listen
	}
	secure := false
	switch u.Scheme {
	case "wss", "https":
		secure = true
	case "ws", "http", "":
	default:
		return &setting.Error{Field: name, Err: fmt.Errorf("the scheme %s is none of ws, wss, http, https", u.Scheme)}
	}
	switch {
	case server && secure && c.TLS == nil:
		return &setting.Error{Field: name, Err: errors.New("a wss server needs a tls block with cert and key")}
	case server && c.TLS != nil && (c.TLS.Cert == "" || c.TLS.Key == ""):
		return &setting.Error{Field: "tls", Err: errors.New("the tls block of a server needs cert and key")}
	case c.TLS != nil && !secure && u.Scheme != "":
		return &setting.Error{Field: "tls", Err: fmt.Errorf("%s:// is without TLS: write wss://", u.Scheme)}
	case server && u.Port == endpoint.NoPort:
		return &setting.Error{Field: name, Err: errors.New("listen needs a port: \"127.0.0.1:8080\"")}
	}
	return nil
}
