package peer

import (
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Kinds is the table of what can stand in a peer block, in any order and any
// number.
var Kinds = []flow.Spec[Step]{
	{
		Name: "send", Summary: "send a message, or several",
		Doc: `Sends one message: text, json (any value), hex, base64, a file as it is, or each line of
a file as a message of its own (lines). With count the same is sent that many times; n is
the number of the repetition, from 0, and every the time from one to the next. What is
computed may use event, the last message that an expect has taken.`,
		Example: "send {\n  json = { type = \"join\", name = \"client-${index}\" }\n}\n",
		Config:  func() Step { return &Send{Count: 1, Fragments: 1} },
	},
	{
		Name: "expect", Summary: "the next message must be this one",
		Doc: `Waits for the next message and compares it: everything that is written must hold. In
expressions event is the message: its value where it is JSON, otherwise its text, and bytes
where it is binary and no JSON; text is always its text. With skip messages that do not
match are passed over until one does. With count that many messages must match, one after
another. save keeps values for later steps: save = { id = event.id }, then saved.id.`,
		Example: "expect {\n  where  = event.type == \"welcome\"\n  within = \"2s\"\n}\n",
		Config:  func() Step { return &Expect{Count: 1} },
	},
	{
		Name: "expect_all", Summary: "these messages must come, in any order",
		Doc: `Each message block must be met by a message of its own, in whatever order they come; a
message that meets none of them fails, unless skip is true.`,
		Example: "expect_all {\n  message {\n    text = \"a\"\n  }\n  message {\n    text = \"b\"\n  }\n}\n",
		Config:  func() Step { return &ExpectAll{} },
	},
	{
		Name: "silence", Summary: "nothing may arrive for a while",
		Doc:     "Fails when a message arrives, or the connection ends, within the time. Pings do not count.",
		Example: "silence {\n  for = \"200ms\"\n}\n",
		Config:  func() Step { return &Silence{} },
	},
	{
		Name: "ping", Summary: "send a ping, and expect its pong",
		Doc:     "The pong must carry the same payload. Messages that arrive meanwhile wait for an expect.",
		Example: "ping {\n  payload = \"are you there\"\n}\n",
		Config:  func() Step { return &Ping{} },
	},
	{
		Name: "pong", Summary: "send a pong that nobody asked for",
		Doc:     "The other side must take no notice of it.",
		Example: "pong {\n}\n",
		Config:  func() Step { return &Pong{} },
	},
	{
		Name: "expect_ping", Summary: "the other side must send a ping",
		Doc:     "A ping counts once. It is answered as answer_pings says.",
		Example: "expect_ping {\n  within = \"30s\"\n}\n",
		Config:  func() Step { return &ExpectPing{} },
	},
	{
		Name: "close", Summary: "close the connection, and expect the answer",
		Doc: `Sends a close frame and waits until the other side has answered it with the same code.
Messages that arrive before are passed over. With wait = false nothing is waited for; code
0 sends a frame without a code.`,
		Example: "close {\n  code   = 1001\n  reason = \"going away\"\n}\n",
		Config:  func() Step { return &Close{Code: 1000, Wait: true} },
	},
	{
		Name: "expect_close", Summary: "the other side must end the connection",
		Doc: `Waits for the end of the connection. code is that of the close frame, 1005 when it carries
none, and 1006 when there was no close frame: the connection was cut. reason is a regular
expression. A message that comes before and that nobody has expected fails, unless skip is
true.`,
		Example: "expect_close {\n  code   = 1013\n  reason = \"slow\"\n}\n",
		Config:  func() Step { return &ExpectClose{} },
	},
	{
		Name: "cut", Summary: "end the connection without a word",
		Doc:     "Without a close frame: by a reset, as when a process or a machine dies, or by the end of the TCP stream (how = \"end\"), or of the half of it that is ours (how = \"half\"): what comes is still to be expected then.",
		Example: "cut {\n}\n",
		Config:  func() Step { return &Cut{How: "reset"} },
	},
	{
		Name: "dial", Summary: "connect, or connect once more, and check the answer",
		Doc: `A client connects by itself before the first step that needs a connection. dial does it
in its place: to expect another status than 101, to check the answer (where; event is
{status, headers, body, subprotocol}, names of headers in lower case), to send other
headers, or to come back after the connection has ended. refused expects that nobody
listens there; tcp connects without a handshake, for raw.`,
		Example: "dial {\n  status = 401\n  where  = has(event.headers[\"www-authenticate\"])\n}\n",
		Config:  func() Step { return &Dial{} },
	},
	{
		Name: "accept", Summary: "take the next connection, and check what it asks for",
		Doc: `A server takes a connection by itself before the first step that needs one. accept does
it in its place: to check the request (where; event is {method, path, query, headers,
subprotocols}), or to take the next one after a connection has ended. tcp takes it without
a handshake, for raw.`,
		Example: "accept {\n  where = event.headers.authorization == \"Bearer abc\"\n}\n",
		Config:  func() Step { return &Accept{} },
	},
	{
		Name: "refuse", Summary: "answer the next handshake with an error",
		Doc:     "Takes the next connection and answers its handshake with a status other than 101; with status 0 it is cut instead.",
		Example: "refuse {\n  status = 503\n}\n",
		Config:  func() Step { return &Refuse{Status: 503} },
	},
	{
		Name: "frame", Summary: "send one frame, well-formed or not",
		Doc: `opcode, fin, rsv (0 to 7) and the payload are as written; masked is by default what the
peer's role asks for, and length what the payload has. A length that is longer leaves the
frame unfinished. That the other side ends the connection meanwhile is no error: expect_close
says how it must.`,
		Example: "frame {\n  opcode = 1\n  fin    = false\n  text   = \"the first half\"\n}\n",
		Config:  func() Step { return &Frame{Fin: true, Opcode: rfc6455.Text, Length: -1} },
	},
	{
		Name: "raw", Summary: "send bytes as they are",
		Doc: `Below WebSocket, above TLS: for half handshakes (after dial or accept with tcp = true) and
what no frame is. That the other side ends the connection meanwhile is no error: expect_close
says how it must.`,
		Example: "raw {\n  text = \"GET / HTTP/1.1\\r\\n\"\n}\n",
		Config:  func() Step { return &Raw{} },
	},
	{
		Name: "expect_raw", Summary: "the bytes that come must match",
		Doc:     "On a connection without a handshake (dial or accept with tcp = true): waits until all that has arrived matches the regular expression.",
		Example: "expect_raw {\n  matches = \"^HTTP/1.1 400 \"\n}\n",
		Config:  func() Step { return &ExpectRaw{} },
	},
	{
		Name: "read", Summary: "read slowly, not at all, or freely again",
		Doc:     "What is set holds until the next read. A small receive_buffer makes it felt sooner.",
		Example: "read {\n  rate = \"0B\"\n}\n",
		Config:  func() Step { return &Read{} },
	},
	{
		Name: "pause", Summary: "do nothing for a while",
		Doc:     "To wait for another peer, use await: it is as fast as can be, and always long enough.",
		Example: "pause {\n  for = \"100ms\"\n}\n",
		Config:  func() Step { return &Pause{} },
	},
	{
		Name: "signal", Summary: "tell the other peers that this point is reached",
		Doc:     "The step `await` of any peer of the test waits for it, and so may a block interrupt.",
		Example: "signal \"joined\" {\n}\n",
		Config:  func() Step { return &Signal{} },
	},
	{
		Name: "await", Summary: "wait until a peer has signalled",
		Doc: `Signals are counted: with count it waits for that many, for instance of the many clients of
one peer. It fails at once when all peers that signal it have ended.`,
		Example: "await \"joined\" {\n  count = 100\n}\n",
		Config:  func() Step { return &Await{Count: 1} },
	},
	{
		Name: "repeat", Summary: "the steps in it, several times",
		Doc:     "In expressions, n is the number of the round, from 0.",
		Example: "repeat {\n  times = 10\n  send {\n    text = \"${n}\"\n  }\n  expect {\n    text = \"${n}\"\n  }\n}\n",
		Config:  func() Step { return &Repeat{} },
	},
}
