// Package client is the connector http_client.
//
// # Questions
//
// Each event that it is sent is a question: the client is a flow.Asker, and the
// goroutine that sends makes the request, waits for the answer, which is a link of its
// own, opened on behalf of where the event came from, and receives it: so who has sent
// the event has all that comes of it when the Send returns. Of several events that come
// together, some are asked ahead by other goroutines; their answers are received by the
// sender, in order.
//
// A request that is at work has one of the slots. It is given back before the answer is
// received, since an answer may lead to another question.
//
// # Queue
//
// With a queue, it is the outlet's writer that asks, some events at a time, in the order
// in which they came. A question ends with an answer, with a failure for good, or, when
// the client ends, with flow.ErrClosed: then it stays in the queue.
//
// # Polls
//
// With a poll block, the connector is a source instead, which asks by itself. Its Run
// ends with the first request that fails, and the engine's `reconnect` says when it goes
// on.
package client

import "github.com/flowrun/flowrun/runtime/flow"

// Spec is the row of http_client in the table of connectors.
var Spec = flow.Spec[flow.ConnectorConfig]{
	Name:    typeName,
	Summary: "asks an HTTP server for each event, or again and again",
	Doc:     doc,
	Example: example,
	Config:  func() flow.ConnectorConfig { return Default() },
}
