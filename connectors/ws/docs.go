package ws

const serverDoc = `
Every client is a connection of its own, with its own codec and processors. An
event that came from a client and reaches this connector's ` + "`in`" + ` goes back to
that client; the aggregate of several goes to each of them. To address another
connection, a flow writes ` + "`meta.ws_server.peer`" + `: its id, or host and port. An edge
with ` + "`deliver = \"broadcast\"`" + ` sends each event to all clients, the one that it
came from among them; only what the flow has addressed still goes to that one
alone.

Events carry ` + "`meta.ws_server`" + ` = ` + "`{ tls, binary, peer = { id, host, port } }`" + `, and ` + "`peer`" + `,
in which the handshake is: ` + "`path, params, query, headers, cookies, subprotocol`" + `
(` + "`flowrun doc block connect`" + ` tells more). A reply is sent as
the type of frame its message came in, when codec and processors are the same
both ways; else as text for text codecs, and binary for binary ones. Writing
` + "`meta.ws_server.binary`" + ` decides otherwise.

Several ws_servers may share an address, with different paths.

Who may connect is decided before the upgrade: by ` + "`limits`" + ` on connections (503 in
all, 429 for one address or identity, both with Retry-After), by ` + "`origins`" + ` (403),
and by the ` + "`auth`" + ` blocks (401, 403; 503 while there are no keys), of which one must
be satisfied. The body says why, ` + "`{\"error\": word, \"message\": text}`" + `, and so does
the log, which never holds a credential. What a client has shown to be is
` + "`peer.claims`" + `: the claims of a signed token, the object that belongs to a token,
` + "`{ sub }`" + ` of a user, ` + "`{ sub, subject, names, iss, serial, fingerprint, exp }`" + ` of a
certificate. The connection closes with 1008 when that expires. Where ` + "`auth`" + ` looks
for credentials, the flow sees none: the Authorization header, or the query
parameter, cookie or sub-protocol that is named, is left out of ` + "`peer`" + `.

Behind a proxy, ` + "`peer.host`" + ` and the limits mean the client's own address when
` + "`trusted_proxies`" + ` names the proxy. ` + "`peer.port`" + ` is null where it does not tell that.

Delivered means: handed to the client's socket, or put into its ` + "`queue`" + ` when the
event is not a reply to the message just read. A broadcast is delivered when
each client's queue has taken it, or dropped it as ` + "`overflow`" + ` says; nobody
connected is delivered, and counted. With ` + "`overflow = \"block\"`" + ` alone does one slow
client hold back what all others get.

An edge with ` + "`deliver = \"topic\"`" + ` sends each event to those clients that have
subscribed to one of its topics. ` + "`topics`" + ` says how: what a connection has from its
start (` + "`initial`" + `), and what its messages ask for (` + "`subscribe`, `unsubscribe`" + `), computed
for each of them, so that a client's own way to say it is understood. A message that
subscribes still leaves by ` + "`out`" + `, for the flow to answer; by then the subscription is
in force and what ` + "`history`" + ` holds has been sent, so who has the answer misses nothing
from then on. Of several subscriptions in one message, what each would replay comes
once and in the order in which it was delivered. A client that does not read is waited for
by its own reader alone. A subscription that is refused, by ` + "`allow`" + ` or a limit, is
counted and goes to ` + "`err`" + ` (kind ` + "`subscribe`" + `); the message goes on. Subscriptions and
history live as long as the connector: a reload that leaves it alone leaves them alone.

An edge with ` + "`deliver = \"identity\"`" + ` sends each event to the connections whose session
key it names. With ` + "`on_conflict = \"reject\"`" + `, one connection too many of a key is refused
with status 409; when several come at once, and it turns out after the handshake, with
close code 1008. A connection is out of its session before its last word: who sees its end
may come back at once. With ` + "`replace`" + `, the oldest is closed with 4409 and the reason "replaced
by a new connection"; it is out of its session at once, and its ` + "`close`" + ` event may come
after the ` + "`open`" + ` of the one that replaced it.

What a flow writes into ` + "`meta.ws_server.close`" + ` = ` + "`{ code, reason, abort }`" + ` closes the
connections of the event when it is written to them, whatever way it is delivered: a
broadcast with it closes all. All three may be left out; code is 1000 then. Nothing
more is written after it. With ` + "`abort = true`" + `, the connection is cut instead, with no
close frame. A code that must not be sent is a problem for ` + "`err`" + `, and nothing is
written. An event that ` + "`overflow`" + ` drops closes nothing, and nothing is replayed with
it by ` + "`history`" + `.

With ` + "`lifecycle_events`" + `, ` + "`meta.ws_server.event`" + ` is ` + "`open`" + ` or ` + "`close`" + ` in events
of their own, of which the payload is null: one before the first message of a connection,
and one behind the last, with ` + "`meta.ws_server.code`" + ` (1006 when there was no close frame)
and ` + "`reason`" + `. They are sent by the connection's own reader and hold back nobody else. A
flow that answers every message wants ` + "`where = meta.ws_server.event == null`" + `.

An event whose client has gone, found by its way back or addressed by the flow,
is dropped, counted and logged; with ` + "`on_lost_peer = \"err\"`" + ` at the edge, it goes to
` + "`err`" + `. Of an aggregate, those who are still there get it. An address that was never
that of a client, or that means several, is a problem for ` + "`err`" + ` either way.

On a graceful end, every client gets the answers to what it has sent, also those
that a ws_client fetches within a second, and a close frame with code 1001, or what
the flow's ` + "`drain`" + ` block says.
` + compressionDoc

const compressionDoc = `
` + "`compression`" + ` (permessage-deflate, RFC 7692) is used where both sides want it. With
` + "`no_context_takeover`" + ` each message is compressed by itself; with ` + "`context_takeover`" + ` it may
refer to those before it, so that short messages of one kind become much smaller.
JSON messages of 190 bytes, all alike, became 0.95 of their length by themselves,
in 4 us each; 0.21 in 15 us with a look at 4 KiB of those before (window_bits = 12),
and 0.06 in 33 us with 32 KiB (15). A broadcast is compressed once for all who have
agreed on ` + "`no_context_takeover`" + `, if that is what the flow says.

What a connection takes in memory beside that of one without: for what it sends,
nothing, or 2^window_bits bytes with ` + "`context_takeover`" + `; once it has received a compressed
message, 9 KiB, or 37 KiB with ` + "`context_takeover`" + `. ` + "`max_message`" + ` bounds a message as it is when
inflated. A smaller window that a client asks for is kept to, at a level of its own.
`

const serverExample = `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

const clientDoc = `
One connection, both directions: events that reach ` + "`in`" + ` are sent, messages that
arrive leave by ` + "`out`" + `. A connection that is lost, noticed on reading or writing,
is made again as ` + "`reconnect`" + ` says.

Delivered means: taken by the ` + "`queue`" + `, which is kept over a lost connection. A
message that the socket had taken when the connection broke is not sent again;
one that it had not taken is. What is still queued when the connector gives up
or the process ends is counted and logged as lost. A crash loses the queue.

` + keepDoc + `

With ` + "`per`" + `, there is a connection for each value of that expression, opened when the
first event with it comes, and tied to the connection that this event came from:
what the server sends back belongs to that one, and when it closes, so does this,
after what is queued is written. ` + "`per = peer.id`" + ` makes a proxy: every client has a
connection of its own to the server behind. Each has its own queue, and is made
again by itself while something waits in it; after ` + "`max_retries`" + ` this is lost. An
event whose key is null, or that needs more than ` + "`max_connections`" + `, goes to ` + "`err`" + `.
An event that came from one of these connections goes back there whatever its
key is.

The environment's HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured. User and
password in the URL become an Authorization header. They, the query, the values of header fields and what
` + "`on_open`" + ` says are in no log and in no error, also where a server repeats them.

On a graceful end, the queue is written, and answers are read until none has
come for 100 ms, or for a second. A client that was sent nothing does not wait.
` + compressionDoc

const keepDoc = `With ` + "`confirm = \"pong\"`" + ` an event leaves the queue when the peer has answered a ping that
was sent after it. What was not confirmed when a connection is lost is sent again by
the next one, oldest first and in order: some may come twice, none is missing. It is
the default where the queue says how much may wait and blocks, and where it is persistent.
A peer that answers no pings, as RFC 6455 wants it to, gets what is in the queue and no more.
A message that it closes the connection for, like one that is longer than it takes (1009), is sent
again by the next connection, and all that is behind it waits: the log says so, until the peer takes it.

With ` + "`persistent`" + ` the queue is on the disk, in a directory of its own. Delivered means:
on the disk (fdatasync; events that come together are written together), so that
neither kill -9 nor the loss of power loses what was acknowledged: an http_server
in front answers 200 then. The next process goes on where this one was. On a full disk events
are refused, to be sent again by who has them. ` + "`max_events` and `max_bytes`" + ` bound the
disk; what ` + "`overflow`" + ` drops is counted and goes to ` + "`err`" + ` ("raw" when it is the oldest).
When the process is told to end, or a reload ends the connector, a connection that is there has ` + "`linger`" + ` to take what waits,
and the rest stays for the next start. When the process ends since its inputs have, all is sent first, as long as
the drain's ` + "`timeout`" + ` allows and while the peer is there. What stays, the log tells, with the directory. A part that is damaged is told of in the log and skipped. Where there is ` + "`persistent` or `confirm = \"pong\"`" + `,
what a flow wrote into meta about an event does not wait with it, except whether it is binary.
`

const clientExample = `connector "file" "in" {
  path  = "in.json"
  mode  = "read"
  codec = "json"
}

connector "ws_client" "feed" {
  url            = "ws://127.0.0.1:4242/"
  codec          = "json"
  postprocessors = ["separate"]
  reconnect {
    interval    = "500ms"
    max_retries = 3
  }
}

connector "stdio" "console" {
  codec = "json"
}

connect "send" {
  from = connector.in
  to   = connector.feed
}

connect "show" {
  from = connector.feed
  to   = connector.console
}
`
