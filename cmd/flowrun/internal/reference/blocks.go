package reference

import (
	"reflect"

	"github.com/flowrun/flowrun/flows"
)

// describeBlocks describes what stands in a flow beside its components.
func describeBlocks() []Component {
	settings := flows.DefaultSettings()
	return []Component{
		{
			Kind: "block", Name: "connect", Summary: "leads events from one place to others",
			Doc: connectDoc, Arguments: connectArguments, Example: connectExample,
		},
		{
			Kind: "block", Name: "flow", Summary: "about the flow, and how its process ends",
			Doc: settingsDoc, Arguments: arguments("", reflect.ValueOf(&settings), true), Example: settingsExample,
		},
	}
}

// connectArguments are those of a connect block, which is read by hand.
var connectArguments = []Argument{
	{Name: "from", Type: "references", Required: true, Doc: "where events come from: one reference or a list. connector.NAME is what came in, connector.NAME.err what went wrong there; pipeline.NAME is what comes out at its end, pipeline.NAME.PORT what its route steps send there; modules are named like pipelines"},
	{Name: "where", Type: "expression", Doc: "only events for which it is true pass; computed for what leaves from, before via"},
	{Name: "via", Type: "list of references", Doc: "pipelines and modules that events pass on their way, in this order"},
	{Name: "to", Type: "references", Required: true, Doc: "where events go: one reference or a list, in this order"},
	{Name: "deliver", Type: "string", Values: []string{"reply", "broadcast", "topic", "identity"}, Default: `"reply"`, Doc: "who gets an event, where to has several connections"},
	{Name: "topic", Type: "expression", Doc: "with deliver = \"topic\": a string, or a list of them; null for none. Computed for what comes out of via"},
	{Name: "identity", Type: "expression", Doc: "with deliver = \"identity\": a session key, or a list of them; null for none. Computed for what comes out of via. Keys are compared like values: 7 is not \"7\""},
	{Name: "on_lost_peer", Type: "string", Values: []string{"drop", "err"}, Default: `"drop"`, Doc: "what becomes of an event when all connections that it was for have gone, or nobody is connected under its identities: counted only, or to the err port of to"},
	{Name: "best_effort", Type: "bool", Default: "false", Doc: "what fails on this edge is counted and logged, and the event counts as delivered all the same; otherwise its source learns of it"},
	{Name: "for_each", Type: "value", Doc: "makes one edge for each element of an object, or of a list of strings: each.key and each.value stand for it"},
}

const connectDoc = `The label names the edge. An event that comes in is sent to all edges that begin where it is, and along each to all that
stand in ` + "`to`" + `.

With ` + "`deliver`" + `, "reply" is back to the connection that the event came from, or to the one whose address the flow has
written into its meta; "broadcast" is to all connections of ` + "`to`" + `; "topic" to those that have subscribed to one of its
topics (the block ` + "`topics`" + ` of ws_server); "identity" to those with one of its session keys (` + "`sessions`" + `). Where ` + "`to`" + ` is
no connector with several connections, there is nothing to choose.

Expressions see one event: ` + "`event`" + ` is its payload, ` + "`meta`" + ` what the transport said of it with what the flow has written on
top, and ` + "`peer`" + ` the connection that it came from: ` + "`{ id, connector, host, port, tls, path, params, query, headers, cookies,\nsubprotocol, claims }`" + `. The names of headers are in lower case, peer.headers["user-agent"]; of several values of a header
or a parameter there is the first. What is not there is null.

A problem of ` + "`where`, `topic` or `identity`" + ` goes to the err port of ` + "`from`" + `, one of writing to that of ` + "`to`" + `. Where that port
leads nowhere, it is logged.`

const connectExample = `connector "ws_server" "rooms" {
  url   = "127.0.0.1:4242/rooms/{room}"
  codec = "json"
  topics {
    initial = peer.params.room
  }
}

connect "talk" {
  from    = connector.rooms
  where   = event.text != null
  to      = connector.rooms
  deliver = "topic"
  topic   = peer.params.room
}
`

const settingsExample = `flow {
  description = "prices for browsers"
  drain {
    delay   = "5s"
    spread  = "20s"
    timeout = "40s"
    code    = 1012
    message = jsonencode({ type = "moving" })
  }
  admin {
    address = "127.0.0.1:8686"
  }
  telemetry {
    otlp {
      endpoint = "http://127.0.0.1:4318"
    }
  }
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

const settingsDoc = `A flow has one such block at most; without it, the defaults hold.

SIGTERM and SIGINT, an exit connector and the end of the last source begin a drain. From that moment the process
is not ready, and for ` + "`delay`" + ` nothing else changes. Then handshakes are answered 503 with Retry-After, and servers
close their connections one by one over ` + "`spread`" + `, while sources, pipelines and clients go on. A connection whose turn
has come is no longer read from; when the process has clients, their answers are waited for, a second at most; then
come ` + "`message`" + ` and the close frame. At last everything else ends: sources first, then servers without a spread, all of
whose connections are closed at once, then clients, and targets last. A second signal ends the process at once.

The listener of a server stays open until its last connection has gone. With socket_options { reuse_port } it closes
after the delay: other processes share the address.

Flows that run in one process end together: delay and timeout are the longest that any of them asks for, and of
the others each has its own.`
