// Package ws is WebSocket (RFC 6455): the connectors ws_server and ws_client,
// on github.com/coder/websocket.
//
// # A connection
//
// The library does the handshake, the closing, and fragmented and malformed
// messages. What a connection does all day, whole messages in, replies out, a
// ping now and then, goes past it: conn reads ahead, deals with all simple
// frames itself, and calls the library only for a frame that is not simple.
// Replies are framed into a buffer, which is written when the reader is about
// to block (a cork): 32 messages that arrive together leave together.
//
// What this is worth, in CPU per message against a loop of the library's Read
// and Write in the same run: writing corked through the library 1.05 with one
// message in flight and 0.4 with 32; framing the replies here 0.95 and 0.3;
// reading simple frames here too 0.9 and 0.16. With one message in flight four
// fifths of what is left are the system calls of any server: a read, a read
// that finds nothing, a write. With 32, a third is the JSON check.
//
// The goroutine of net/http ends with the handshake, buffers are held only
// while there is something in them, and a server makes the library's part of a
// connection when it is first needed: an idle connection costs about 10 KiB,
// of which 4 are the goroutine's stack. A frame of 400 bytes in the functions
// that every message passes would double that; what is rare and large is kept
// out of line.
//
// # Who does what
//
// One goroutine per connection reads, runs the flow, and writes the replies.
// Others write only through the link's queue; what the socket takes at once,
// whoever publishes a broadcast writes itself. One goroutine per server, the
// sweep, looks for writes that take too long; there are no timers per message.
// A client with `per` is a client for each key: none knows of the others.
//
// To end a connection from outside, its deadline is set, and the reader itself
// answers what has come. A client that has sent something waits a moment for
// answers; a server waits until nothing more comes for its peer, from clients or
// other peers. Then it says goodbye with a close frame, and goes on reading until
// the peer's close frame or close_timeout.
package ws

import (
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
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
				Common: limits(),
				Socket: flow.DefaultSocketOptions(),
				Queue: flow.Queue{
					MaxEvents:    256,
					MaxBytes:     1 << 20,
					Overflow:     "disconnect",
					WriteTimeout: flow.Duration(10 * time.Second),
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
				Common: limits(),
				Socket: flow.DefaultSocketOptions(),
				Queue: flow.Queue{
					MaxEvents:    1024,
					MaxBytes:     1 << 20,
					Overflow:     "block",
					WriteTimeout: flow.Duration(10 * time.Second),
				},
			}
		},
	},
}

// Common are the arguments of both connectors.
type Common struct {
	MaxMessage     flow.Size     `hcl:"max_message" min:"1B" doc:"longest message accepted; a longer one closes the connection with 1009"`
	MaxFragments   int           `hcl:"max_fragments" min:"1" doc:"most frames that one message may be split into; more close the connection with 1008"`
	UTF8           string        `hcl:"utf8" oneof:"strict|lenient" doc:"strict closes the connection with 1007 when a text message is not UTF-8; lenient passes it on"`
	ConnectTimeout flow.Duration `hcl:"connect_timeout" min:"1ms" doc:"time for TLS and WebSocket handshake"`
	CloseTimeout   flow.Duration `hcl:"close_timeout" doc:"how long to wait for the peer's close frame after sending ours"`
}

func limits() Common {
	return Common{
		MaxMessage:     1 << 20,
		MaxFragments:   4096,
		UTF8:           "strict",
		ConnectTimeout: flow.Duration(10 * time.Second),
		CloseTimeout:   flow.Duration(500 * time.Millisecond),
	}
}

// inTLS names the argument that an error of loading a tls block is about.
func inTLS(err error) error {
	if fe := (*flow.FieldError)(nil); errors.As(err, &fe) {
		fe.Field = "tls." + fe.Field
	}
	return err
}
