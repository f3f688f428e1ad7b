package http

const serverDoc = `
Every request is a connection of its own. Its body is a message, and so an event;
what the flow sends back to it is the body of the answer. A request without a body,
like most GETs, is an event of which the payload is null. ` + "`peer`" + ` tells of the request:
` + "`path, params, query, headers, cookies, claims`" + `; and ` + "`meta.http_server`" + ` = ` + "`{ tls, peer, request = { method, route } }`" + `.

A reply says by ` + "`meta.http_server`" + `, which a map writes, how it is to be answered:

| written | |
|---|---|
| ` + "`status`" + ` | 200 to 599 |
| ` + "`headers`" + ` | an object of strings, or of lists of strings where a field comes several times |
| ` + "`more`" + ` | true: this is a part of the answer, and more will follow |
| ` + "`peer`" + ` | the id of the request that is answered, instead of the one that the event came from |

## When a request is answered

When its body has been read and all its events are delivered. What the flow has
replied by then is the answer; if it is nothing, the answer is ` + "`status`" + ` (200) and an empty
body. So a flow that only passes events on says yes for what it passes them to: to a
file, when it is written; to a queue on disk, when it is there. A client that gets no
answer sends its request again, and nothing is lost.

A flow that replies later, since it asks somebody else by a ws_client or collects
events in a window, needs ` + "`reply_timeout`" + ` (and is warned of when it has none): so long is waited for the reply, and 504 is the
answer when none has come. The first reply that comes is the answer, and what comes
after it too late, unless it says ` + "`more = true`" + `. A broadcast is a reply to all requests that
wait: long polling.

When events cannot be delivered, the answer is an error, with a body
` + "`{\"error\": word, \"message\": text}`" + `: 400 ` + "`unreadable`" + ` when a message cannot be decoded, 500 or 503
` + "`not_delivered`" + ` when something is wrong here, of which the log tells. But what the ` + "`err`" + ` port
takes counts as handled: then the flow says what is answered, by a reply to the err
event, or the answer is ` + "`status`" + `.

Several messages in a body, as with ` + "`body = \"stream\"`" + ` or a preprocessor that splits, are
several events, and all that is replied to them, in this order, is the answer; its
status and header fields are what the first reply says. If one of them fails, all else
is still done (a client that sends the request again sends everything again), unless the
flow itself is in trouble.

## Bodies

With ` + "`body = \"whole\"`" + `, a body is held until it is complete, up to ` + "`max_body`" + `. With
` + "`body = \"stream\"`" + ` it never is: it is taken piece by piece, each when the events of the one
before it are delivered, so that a client cannot send faster than the flow can take it. What
is replied meanwhile is held up to ` + "`queue.max_bytes`" + `; then the answer begins, while the
body is still being read. Of a body that breaks off, what has come in whole messages has been
delivered, and the rest is dropped.

A body that says it is compressed, by ` + "`Content-Encoding: gzip`" + ` or ` + "`zstd`" + `, is decompressed, and what it unpacks
to has the limit ` + "`max_body`" + ` too. So the http output of Fluent Bit may have ` + "`compress gzip`" + `, and nothing is to be said here. Any other encoding is
answered 415 with the ones that are known. Where a preprocessor unpacks, say ` + "`decompress = false`" + `. A body that is compressed
and does not say so is for a preprocessor in any case: ` + "`preprocessors = [\"decompress\"]`" + `.

The type of an answer is ` + "`application/json`" + ` with the codec json and no postprocessors,
` + "`application/octet-stream`" + ` where it is binary, and else ` + "`text/plain`" + `; what the flow writes as
header field ` + "`content-type`" + `, or ` + "`headers`" + ` says, comes before that.

## Routes

` + "`routes`" + ` says which requests a connector takes. Others may share its address: http_servers
with other routes, ws_servers with other paths. Different requests that are to be dealt with
in different ways are best taken by different connectors, each with codec, limits and ports of
its own. A path that nobody takes is answered 404, a method that nobody takes there 405; HEAD is
answered as GET, and OPTIONS with the methods that there are.

Who may send requests, ` + "`limits`, `origins`, `auth` and `trusted_proxies`" + ` decide as for ws_server. A
page of one of ` + "`origins`" + ` may also see the answers (CORS, without cookies).

## Streams

With ` + "`sse`" + `, a request (by GET) opens a stream of Server-Sent Events, as the EventSource of
browsers does. What the flow sends to it, each message is an event there: by ` + "`deliver = \"broadcast\"`, `\"topic\"`" + ` or
` + "`\"identity\"`" + `, or as a reply to the ` + "`open`" + ` of ` + "`lifecycle_events`" + `. A message of several lines
is one event of several lines. The codec's text is what is sent: it must be UTF-8. ` + "`meta.http_server.sse = { event, id, retry }`" + ` gives an event
these fields, and ` + "`meta.http_server.close = true`" + ` ends the stream after it. What a client has seen last is
` + "`peer.headers[\"last-event-id\"]`" + `. ` + "`topics.initial`" + ` says what a stream is told, computed of ` + "`peer`" + `: its query, or its
claims. What waits for a client that does not read, ` + "`queue`" + ` bounds; ` + "`disconnect`" + ` cuts the stream, and the
client comes back.

## Delivered

A reply is delivered when it is a part of the answer, an event when it is handed to the
stream's socket, or in its ` + "`queue`" + `. A reply to a request that has been answered, or whose
client has gone, is dropped, counted and logged; with ` + "`on_lost_peer = \"err\"`" + ` at the edge, it goes to
` + "`err`" + `. On a graceful end, the requests that have come are answered, those
that come later with 503; streams are written what is queued for
them, and end.
`

const serverExample = `connector "http_server" "items" {
  url    = "127.0.0.1:4242/items/{id}"
  routes = ["GET|PUT|PATCH"]
  codec  = "json"
}

pipeline "answer" {
  map "answer" {
    event = { id = peer.params.id, got = event }
    meta = {
      http_server = { status = event == null ? 404 : 200 }
    }
  }
}

connect "answer" {
  from = connector.items
  via  = [pipeline.answer]
  to   = connector.items
}
`
