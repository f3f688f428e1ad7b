package client

const doc = `
Every event that reaches ` + "`in`" + ` is a request, and the body of the answer is an event, which
leaves by ` + "`out`" + `: a reply to where the event came from. So what comes by a ws_server or an
http_server, is asked elsewhere, and goes back there, finds the connection that it came from.
An event of which the payload is null is a request without a body, and so is any by GET or
HEAD; an answer without a body is an event of which the payload is null.

What is asked, an event says by ` + "`meta.http_client`" + `, which a map writes:

| written | |
|---|---|
| ` + "`method`" + ` | instead of ` + "`method`" + ` |
| ` + "`params`" + ` | an object: a value for each parameter in the path of ` + "`url`" + `. A value is one part of the path, whatever is in it; of ` + "`{name...}`" + ` it may be several, and never ` + "`..`" + ` |
| ` + "`query`" + ` | an object: query parameters, beside those of ` + "`url`" + `; a list is several of one name, null is none |
| ` + "`headers`" + ` | an object of strings, or of lists of strings where a field comes several times, instead of those of ` + "`headers`" + ` |
| ` + "`context`" + ` | anything: it is not sent, and is ` + "`meta.http_client.context`" + ` of the answer |

Scheme, host and port are always those of ` + "`url`" + `, so that no event, whoever has sent it, can
make the process ask another server.

Of an answer, ` + "`meta.http_client.status`" + ` is the status, and ` + "`peer.headers`" + ` are the header fields.

## Delivered

An event is delivered when it has been answered by one of ` + "`success_on`" + ` (2xx), and the flow has
taken the answer. Who sends it waits for that: a file is read, and a client's connection is
read, as fast as the server answers; an http_server answers its client what the server behind
has answered, without a ` + "`reply_timeout`" + `. Events that come together are asked several at a
time, up to ` + "`concurrency`" + ` in all, and their answers are received in the order of the events.

A request is made again, with the waits of ` + "`retry`" + `, after an answer of ` + "`retry_on`" + ` and when there
is none: the server cannot be reached, breaks off, or takes longer than ` + "`timeout`" + `. So a server
may get it twice. When the server names a time by Retry-After, this is waited for. What fails
for good, by a status that is in neither list or after ` + "`retry.max_retries`" + ` attempts, goes to ` + "`err`" + `
with the reason, and where that is not connected, to who has sent it.

To pass on whatever a server says, as a proxy does, take ` + "`success_on = [\"2xx\", \"3xx\", \"4xx\", \"5xx\"]`" + `, ` + "`retry_on = []`" + ` and
` + "`max_redirects = 0`" + `.

Answers compressed with gzip are asked for, and decompressed. To compress requests, take
` + "`postprocessors = [\"gzip\"]`" + ` and ` + "`headers = { content-encoding = \"gzip\" }`" + `.

A server may take one type of body only: the http input of Fluent Bit takes ` + "`application/json`" + `, which is what the codec json
without a postprocessor says, of one record or of a list from the step ` + "`batch`" + `. What else is in the body, ` + "`headers = { content-type = \"…\" }`" + ` says.

What is followed goes on with the headers traceparent and tracestate (W3C Trace Context).

On a graceful end, what has been asked is waited for, as long as the drain's timeout allows.

## Queue

With ` + "`queue { persistent = \"dir\" }`" + ` events wait on the disk, in a directory of their own, and who sends
does not wait for the server: an event is acknowledged when it is on the disk, with what the flow wrote into
` + "`meta.http_client`" + ` of it, and leaves the queue when it has been answered by one of ` + "`success_on`" + `. Until then it is tried, with the
waits of ` + "`retry`" + ` and without an end, unless ` + "`queue.max_retries`" + ` says one; the log tells why it waits. What is not answered when the process
ends, or is killed, is asked by the next one: the server may get it twice, and with ` + "`concurrency = 1`" + ` in order. What fails for good goes
to ` + "`err`" + ` with the reason, and so does what ` + "`overflow`" + ` drops.

An answer is no reply then: where its question came from has long been told that all is well. It leaves by ` + "`out`" + ` as an event of the
client's own, and when the flow does not take it, its question goes to ` + "`err`" + `. When the process is told to end, it goes on
for ` + "`linger`" + `; then the requests that are at work are waited for, until they are as old as that, and all others stay. Where requests
take longer than a second, and must not be made twice, make it longer. When the process ends since its inputs have, all is asked
first, as long as the drain's ` + "`timeout`" + ` allows and while the server is there.

## Connections

They are kept for the next request, up to ` + "`concurrency`" + ` of them, for ` + "`idle_timeout`" + `. HTTP/2 is spoken
where a server of https does; then many requests share a connection, and one on which nothing has come for as
long as socket_options has for ` + "`keepalive`" + ` is asked by a ping, and given up without an answer within
` + "`connect_timeout`" + `. The environment's HTTP_PROXY, HTTPS_PROXY and NO_PROXY are
honoured. A redirect is followed to the same host only, and never from https to http: others
would be told what is meant for this server. There are no cookies. User and password in the
URL become an Authorization header; they, the query and the values of header fields are in no log and in
no error, also where a server repeats them.

The answer to a question may lead to another question, as with pages of a list; such a chain may have
200 questions.

## Poll

With ` + "`poll`" + `, it asks by itself, and has no ` + "`in`" + `. Every answer of ` + "`success_on`" + ` is an event. What a server has
said of its version (ETag, Last-Modified), it is told the next time; when nothing has changed (304), there
is no event. Any other answer, or none, is waited after as ` + "`reconnect`" + ` says, and the connector is
not open meanwhile; ` + "`retry`" + ` and ` + "`retry_on`" + ` are for questions of events. An answer that the flow has not
taken is asked for again.
`

const example = `connector "http_server" "edge" {
  url   = "127.0.0.1:8080/users/{id}"
  codec = "json"
}

connector "http_client" "users" {
  url    = "http://127.0.0.1:8081/v1/users/{id}"
  method = "GET"
  codec  = "json"
}

pipeline "ask" {
  map "whom" {
    event = event
    meta = {
      http_client = { params = { id = peer.params.id } }
    }
  }
}

connect "ask" {
  from = connector.edge
  via  = [pipeline.ask]
  to   = connector.users
}

connect "answer" {
  from = connector.users
  to   = connector.edge
}
`
