// Package http is HTTP: the connector http_server, which speaks HTTP/1.1, and, in
// package client below, http_client.
//
// # Requests
//
// A request is a connection of its own to the runtime: a link that is opened when
// its head has been read, receives its body, and is closed when it has been
// answered. So replies find their request as they find a WebSocket, and limits,
// counters and drain are those of all links.
//
// An [exchange] is one request at work. Its handler, in net/http's goroutine, is
// the link's reader: it reads the body, whole or piece by piece, hands it over, and
// writes the answer. It alone touches the http.ResponseWriter. What the flow
// replies, from whatever goroutine, is put together in the exchange, where the
// handler finds it: when the body has been read to its end and delivered, or when it
// waits for a reply. Replies that come while a body is still being read and that are
// too many to hold are written by the handler meanwhile (full duplex).
//
// # Streams
//
// With an sse block, a request opens a [stream] of Server-Sent Events instead (the
// HTML standard, section 9.2). It takes the connection over from net/http, as a
// WebSocket does: its memory is that of a goroutine, which reads to notice the end.
//
// # The end
//
// When Run's ctx has ended, no request begins any more. Those that have begun are
// answered; who waits for a reply waits until none can come (Link.Settle). Streams are told to end one after the other, as
// the farewell says, and get what is queued for them before.
package http

import (
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/client"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs are the rows of this world in the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{
	{
		Name:    "http_server",
		Summary: "listens for HTTP requests, and streams events to who asks for them",
		Doc:     serverDoc,
		Example: serverExample,
		Config: func() flow.ConnectorConfig {
			return &ServerConfig{
				Socket:         setting.DefaultSocketOptions(),
				ConnectTimeout: setting.Duration(10 * time.Second),
				Body:           "whole",
				Decompress:     true,
				BodyTimeout:    setting.Duration(time.Minute),
				Status:         200,
				Limits:         Limits{Limits: access.DefaultLimits(), MaxHandshakes: 10_000},
				Queue: setting.Queue{
					MaxEvents:    256,
					MaxBytes:     1 << 20,
					Overflow:     "disconnect",
					WriteTimeout: setting.Duration(10 * time.Second),
				},
			}
		},
	},
	client.Spec,
}
