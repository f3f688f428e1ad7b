package stream

import "strings"

// serverDocOf is what a server's user must know: what is its own, and what both have.
func serverDocOf(name, own string) string { return own + strings.ReplaceAll(serverDoc, "TYPE", name) }

const serverDoc = `
Every client is a connection of its own, with its own codec and processors. It
carries bytes: where a message begins and ends, the first preprocessor finds, and the
last postprocessor marks it; lines, with ` + "`separate`" + `, when the flow names none and the
codec has no framing of its own. What is left at the end of a connection without its
separator counts as a message, unless the connection was cut off.

An event that came from a client and reaches this connector's ` + "`in`" + ` goes back to
that client; the aggregate of several goes to each of them. An edge with
` + "`deliver = \"broadcast\"`" + ` sends each event to all clients, with ` + "`\"topic\"`" + ` to those that have
subscribed, with ` + "`\"identity\"`" + ` to the connections of a session key, as ws_server has it. To
address another connection, a flow writes ` + "`meta.TYPE.peer`" + `: its id.

What a flow writes into ` + "`meta.TYPE.close`" + ` = ` + "`{}`" + ` ends the connections of the event when
it is written to them; with ` + "`{ abort = true }`" + ` they are reset, and what has not reached
the client by then is lost.

Delivered means: handed to the client's socket, or put into its ` + "`queue`" + ` when the
event is not a reply to the message just read. Whether the client has read it, nobody
knows: what is on its way when a connection breaks is lost. A client that takes what it
is sent too slowly, by ` + "`queue`" + `, is reset, so that it does not take half of a message for
a whole one.

A client that has sent all and shuts its side down (FIN) gets the answers to that,
also those that other clients of the flow fetch within a second; then this side
ends, too.

With ` + "`lifecycle_events`" + `, ` + "`meta.TYPE.event`" + ` is ` + "`open`" + ` or ` + "`close`" + ` in events of their own,
of which the payload is null: one before the first message of a connection, and one
behind the last, with ` + "`reason`" + `: ` + "`peer`, `lost`, `slow`, `idle`, `flow`, `drain`, `replaced`" + ` or
` + "`violation`" + `. A flow that answers every message wants ` + "`where = meta.TYPE.event == null`" + `.

On a graceful end, and when a reload replaces the connector, what has arrived from each client is delivered and answered,
what is queued is written, and this side ends; what the client still sends is
delivered until it has ended, too, or for ` + "`close_timeout`" + `, as far as those it is for have not ended. Who connects too late, and who is never
sent anything and is not heard any more, is told so by a reset. The ` + "`message`" + ` of a ` + "`drain`" + `
block is not sent.
`

const clientsDoc = `
One connection, both directions: events that reach ` + "`in`" + ` are sent, what arrives leaves
by ` + "`out`" + `. It carries bytes: where a message begins and ends, the first preprocessor
finds, and the last postprocessor marks it; lines, with ` + "`separate`" + `, when the flow names
none and the codec has no framing of its own. A connection that is lost, or that the
server ends, is made again as ` + "`reconnect`" + ` says.

Delivered means: taken by the ` + "`queue`" + `, which is kept over a lost connection. A
message that the socket had taken when the connection broke is not sent again, and
nobody knows whether the server has read it; one that it had not taken, or not whole, is sent again. What is
still queued when the connector gives up or the process ends is counted and logged as
lost. A crash loses the queue.

With ` + "`persistent`" + ` the queue is on the disk, in a directory of its own. Delivered means on the disk then, so
that neither kill -9 nor the loss of power loses what was acknowledged; an event leaves the queue when the socket
has taken it, since a stream has no way to ask what has arrived. On a full disk events are refused, to be sent again by who has them; what
` + "`overflow`" + ` drops is counted and goes to ` + "`err`" + `. What a connection does not take in time when the process ends (` + "`linger`" + `: as ws_client
has it) stays for the next start.

With ` + "`per`" + `, there is a connection for each value of that expression, tied to the
connection that its first event came from, as ws_client has it: ` + "`per = peer.id`" + ` makes a
proxy.

On a graceful end, the queue is written, and answers are read until none has come for
100 ms, or for a second; then this side ends, and waits for the server to end, for
` + "`close_timeout`" + `. A client that was sent nothing does not wait for answers.
`

const tcpServerDoc = `
TCP clients, with TLS where there is a ` + "`tls`" + ` block. No other connector shares the address.
Events carry ` + "`meta.tcp_server`" + ` = ` + "`{ tls, binary, peer = { id, host, port } }`" + `, and ` + "`peer`" + `.
With ` + "`auth \"mtls\"`" + `, the client's certificate is ` + "`peer.claims`" + `, and the connection ends with
it. Behind a proxy that speaks the PROXY protocol, ` + "`peer.host`" + ` and the limits mean the
client's own address.
`

const unixServerDoc = `
Clients of this machine, at a socket in the file system; ` + "`mode`" + ` says who they are. A
socket that is there already is replaced if nobody serves it, its process having been killed.
` + "`peer.path`" + ` is the socket. On Linux, ` + "`peer.claims`" + ` = ` + "`{ pid, uid, gid }`" + ` of the process that has
connected, as the system vouches for it.
`

const tcpClientDoc = `
A TCP connection, with TLS where the URL says tls:// or there is a ` + "`tls`" + ` block.
` + clientsDoc

const unixClientDoc = `
A connection to a socket in the file system.
` + clientsDoc

const tcpServerExample = `connector "tcp_server" "in" {
  url   = "127.0.0.1:4242"
  codec = "json_lines"
}

connect "echo" {
  from = connector.in
  to   = connector.in
}
`

const unixServerExample = `connector "unix_server" "in" {
  path  = "in.sock"
  mode  = "0600"
  codec = "json_lines"
}

connect "echo" {
  from = connector.in
  to   = connector.in
}
`

const tcpClientExample = `connector "metronome" "tick" {
  interval = "1s"
  event    = jsonencode({ hello = "world" })
}

connector "tcp_client" "out" {
  url   = "127.0.0.1:4242"
  codec = "json_lines"
}

connect "send" {
  from = connector.tick
  to   = connector.out
}
`

const unixClientExample = `connector "metronome" "tick" {
  interval = "1s"
  event    = jsonencode({ hello = "world" })
}

connector "unix_client" "out" {
  path  = "in.sock"
  codec = "json_lines"
}

connect "send" {
  from = connector.tick
  to   = connector.out
}
`
