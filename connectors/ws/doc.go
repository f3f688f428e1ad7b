// Package ws is WebSocket (RFC 6455): the connectors ws_server and ws_client.
//
// What a connection is, and how it is read, written and ended, is the package
// internal/socket. Here is what a connector makes of connections: a server holds
// many, made by its listener's handshakes; a client holds one, made anew when it
// is lost.
//
// A client with `per` is a client for each key: none knows of the others.
package ws

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs are the rows of this world in the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{
	{
		Name:    "ws_server",
		Summary: "listens for WebSocket clients",
		Doc:     serverDoc,
		Example: serverExample,
		Config: func() flow.ConnectorConfig {
			return &ServerConfig{
				Common: defaults(),
				Socket: setting.DefaultSocketOptions(),
				Limits: Limits{Limits: access.DefaultLimits(), MaxHandshakes: 10_000},
				Reject: Reject{Reject: "status", RejectClose: "close"},
				Queue: setting.Queue{
					MaxEvents:    256,
					MaxBytes:     1 << 20,
					Overflow:     "disconnect",
					WriteTimeout: setting.Duration(10 * time.Second),
				},
			}
		},
	},
	{
		Name:    "ws_client",
		Summary: "connects to a WebSocket server",
		Doc:     clientDoc,
		Example: clientExample,
		Config: func() flow.ConnectorConfig {
			return &ClientConfig{
				Common: defaults(),
				Socket: setting.DefaultSocketOptions(),
				Queue:  setting.DefaultClientQueue(),
			}
		},
	},
}

// Common are the arguments of both connectors.
type Common struct {
	MaxMessage     setting.Size     `hcl:"max_message" min:"1B" doc:"longest message accepted; a longer one closes the connection with 1009"`
	MaxFragments   int              `hcl:"max_fragments" min:"1" doc:"most frames that one message may be split into; more close the connection with 1008"`
	UTF8           string           `hcl:"utf8" oneof:"strict|lenient" doc:"strict closes the connection with 1007 when a text message is not UTF-8; lenient passes it on"`
	ConnectTimeout setting.Duration `hcl:"connect_timeout" min:"1ms" doc:"time for TLS and WebSocket handshake"`
	CloseTimeout   setting.Duration `hcl:"close_timeout" doc:"how long to wait for the peer's close frame after sending ours, and meanwhile to deliver what it sends. With 0s, what has come by then is delivered"`
	Subprotocols   []string         `hcl:"subprotocols" doc:"what is spoken above WebSocket, the best first. A server chooses the first of these that the client offers; when there is none, it answers without, and it is for the client to go: browsers do, and so does ws_client"`
	Ping           *Ping            `hcl:"ping" doc:"asks the peer whether it is there. Without the block, no pings are sent"`
	Compression    string           `hcl:"compression" oneof:"off|no_context_takeover|context_takeover" doc:"compress messages (permessage-deflate) where the other side agrees: each by itself, or with reference to those before it"`
	Deflate        *Deflate         `hcl:"compression_options" doc:"how messages are compressed"`
}

// Ping is the block of that name.
type Ping struct {
	Interval setting.Duration `hcl:"interval" min:"10ms" doc:"from one ping to the next; 25s when not given"`
	Timeout  setting.Duration `hcl:"timeout" min:"10ms" doc:"a peer from which nothing at all has come for so long after a ping is dead, and its connection is closed with 1011; 10s when not given"`
}

// AppPing is the block app_ping.
type AppPing struct {
	Request string `hcl:"request" doc:"text of the message that asks; \"ping\" when not given"`
	Reply   string `hcl:"reply" doc:"text of the message that answers; \"pong\" when not given"`
}

// ClientAppPing is the block app_ping of a client, who asks, too.
type ClientAppPing struct {
	AppPing
	Interval setting.Duration `hcl:"interval" min:"10ms" doc:"from one message that asks to the next; 25s when not given"`
}

func (p *AppPing) options(interval setting.Duration, maxMessage setting.Size) (socket.AppPing, error) {
	o := socket.AppPing{
		Request:  cmp.Or(p.Request, "ping"),
		Reply:    cmp.Or(p.Reply, "pong"),
		Interval: time.Duration(interval),
	}
	if o.Request == o.Reply {
		return o, &setting.Error{Field: "app_ping.reply", Err: errors.New("reply is the same as request: each side would answer the other's answer")}
	}
	if n := len(o.Request); n > int(maxMessage) {
		return o, &setting.Error{Field: "app_ping.request", Err: fmt.Errorf("request has %d bytes, and max_message (%s) lets no such message in", n, maxMessage)}
	}
	return o, nil
}

// Defaults of what the blocks ping and app_ping leave out.
const (
	defaultPing = 25 * time.Second
	defaultPong = 10 * time.Second
)

func defaults() Common {
	return Common{
		MaxMessage:     1 << 20,
		MaxFragments:   4096,
		UTF8:           "strict",
		ConnectTimeout: setting.Duration(10 * time.Second),
		CloseTimeout:   setting.Duration(500 * time.Millisecond),
		Compression:    "off",
	}
}

// options adds the common terms to those of one side.
func (c *Common) options(q *setting.Queue, o socket.Options) socket.Options {
	o.WriteTimeout = time.Duration(q.WriteTimeout)
	if c.Ping != nil {
		o.PingInterval = cmp.Or(time.Duration(c.Ping.Interval), defaultPing)
		o.PingTimeout = cmp.Or(time.Duration(c.Ping.Timeout), defaultPong)
	}
	o.Subprotocols = c.Subprotocols
	o.MaxMessage = int64(c.MaxMessage)
	o.MaxFragments = c.MaxFragments
	o.AnyText = c.UTF8 != "strict"
	o.CloseTimeout = time.Duration(c.CloseTimeout)
	o.Compression = c.compression()
	return o
}

// checkSubprotocols checks that they can be offered (RFC 6455 section 4.1).
func (c *Common) checkSubprotocols() error {
	for i, name := range c.Subprotocols {
		refuse := func(format string, args ...any) error {
			return &setting.Error{Field: "subprotocols", Err: fmt.Errorf(format, args...)}
		}
		if !endpoint.IsToken(name) {
			return refuse("%q is no name of a subprotocol: it holds letters, digits and hyphens", name)
		}
		if slices.Contains(c.Subprotocols[:i], name) {
			return refuse("the subprotocol %q is given twice", name)
		}
	}
	return nil
}

// inTLS names the argument that an error of loading a tls block is about.
func inTLS(err error) error {
	if fe := (*setting.Error)(nil); errors.As(err, &fe) {
		fe.Field = "tls." + fe.Field
	}
	return err
}
