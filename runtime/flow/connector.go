package flow

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Connector moves bytes between the world and the runtime. It never retries,
// frames, decodes or routes.
//
// Run serves until ctx ends and returns when its last connection is closed;
// one goroutine of the engine calls it. The end of ctx asks for a graceful
// end: stop reading, let what is in flight finish, take leave of the peers,
// close. When [Host.Abandon] ends as well, everything is dropped at once.
//
// Run returns nil when the connector's work is done (a file is read to its
// end, ctx has ended), and an error when it lost its world. The engine then
// calls Run again as the flow's `reconnect` block says, unless the error is an
// *Ended: the work is done then, as far as it could be.
type Connector interface {
	Run(ctx context.Context, host Host) error
}

// Preparer is implemented by connectors that acquire something which can
// fail at the start: a listener, a file. The engine prepares all connectors
// before it runs any, so that nothing is half-started; after a Run that
// failed it prepares again. Release gives back what Prepare acquired, whether
// Run was called or not; it may be called more than once.
type Preparer interface {
	Prepare(ctx context.Context, host Host) error
	Release()
}

// Host is what the runtime offers to one connector. Its methods may be called
// from any goroutine.
type Host interface {
	// Open announces a new connection, with its own codec and processors. w
	// gets what the flow sends to this connection; nil when it cannot be
	// written to. The goroutine that calls it calls Receive next: what the flow
	// makes of the opening is done then. ErrDuplicate refuses a session too many.
	Open(peer Peer, w Writer) (Link, error)
	// OpenFor is Open, for a connection that cannot be written to and brings what
	// comes of a frame that the connector was given to write: what it brings can be
	// a reply to where that came from, and goes on with its trace.
	OpenFor(question *Frame, peer Peer) (Link, error)
	// Heard reports whether anybody hears what connections bring in.
	Heard() bool
	// Admit tells, before a handshake, whether Open would refuse the connection
	// at this moment. Open has the last word.
	Admit(peer Peer) error
	// Shut is called by a server, once the ctx of Run has ended: all that it has let in
	// is open, and nothing else will be, so that Open fails with ErrClosed from now on.
	// The runtime waits for that, or for the end of Run, before it ends those who take
	// what the server's connections bring: what is accepted later is to be closed
	// unread, in a way by which its peer is told. It may be called more than once.
	Shut()
	// Handle serves HTTP requests on a listener that is shared, by address,
	// with other connectors. It binds the address on first use and returns
	// when requests can arrive; stop ends the route. The listener closes with
	// its last route. See [Answerer] for handlers that answer by HTTP.
	Handle(spec ListenSpec, h http.Handler) (stop func(), err error)
	// Accept takes all connections of a listener as they are: the address is the
	// connector's alone, and spec has no Path. take is called with each, must
	// return at once, and owns it. TLS handshake and PROXY header are still to come,
	// with the first Read or question for RemoteAddr, and with them the wait. stop
	// ends it, as that of Handle does.
	Accept(spec ListenSpec, take func(net.Conn)) (stop func(), err error)
	// Packets binds an address for datagrams, which is the connector's alone. A
	// successor, at a reload, reads beside it until stop is called, which closes conn.
	Packets(spec ListenSpec) (conn *net.UDPConn, stop func(), err error)
	// Exit asks the process to drain and end with code after delay. It
	// returns at once.
	Exit(code int, delay time.Duration)
	// Farewell is how a server takes leave of its peers, asked for when the ctx
	// of Run has ended: why that is decides what it says.
	Farewell() Farewell
	// Abandon ends when the time for a graceful end is over.
	Abandon() context.Context
	// MediaType is what the connector's messages are on their way out, in MIME's
	// words: "application/json".
	MediaType() string
	// Log is the connector's log, rate-limited per message.
	Log() *zap.Logger
}

// Halter is implemented by hosts that can end the process without a drain.
type Halter interface {
	// Halt ends the process with code after delay, in spite of a drain that
	// is going on. What is in flight then is lost. It returns at once.
	Halt(code int, delay time.Duration)
}

// Frame is a piece of what a connection carries: one message, or for
// connectors that carry bytes, some of them.
//
// Inwards, Data belongs to the connector, which may reuse it when Receive has
// returned. Outwards, it belongs to the link, and to the writer only until
// Write returns.
type Frame struct {
	Data   []byte
	Binary bool // the frame's type, where the transport has types
	// Empty says that there is no message, but something to tell: an event with a
	// null payload, which passes no processor and no codec. Outwards, there is none
	// but for an Asker.
	Empty bool
	// Meta is what the transport says of an incoming frame, or what the flow
	// wrote about an outgoing one; nil when there is nothing to say.
	Meta *Object
	// Time is when the event came that an outgoing frame is made of, in nanoseconds
	// since 1970; 0 where that says nothing.
	Time int64
	// Trace goes into the headers of an outgoing frame, where there are any; nil for
	// none.
	Trace *Trace
	// Shared is there when the frame goes to several connections of a connector
	// whose Shape asks for it.
	Shared *Shared
	// Origin is where the event came from that a frame for an Asker is made of; nil
	// for others.
	Origin *Origin
}

// Link is one connection, seen by its connector.
type Link interface {
	// Receive takes what was read, in order, from one goroutine at a time. It
	// returns when the events in frames are delivered or have failed; nil is
	// the acknowledgement. The connection goes on after an error. An *Unreadable
	// in it says that the peer is to blame for all that failed.
	Receive(ctx context.Context, frames []Frame) error
	// Held is how many of the last bytes received belong to messages that have
	// not ended: where to begin again in a stream that is read a second time. known
	// is false while that cannot be told, since a message began in an earlier one.
	// It is called by whoever calls Receive.
	Held() (n int64, known bool)
	// Finish says that nothing more will be received: the processors give what
	// they hold. It returns as Receive does. Close does the same where nobody
	// waits for what comes of it.
	Finish(ctx context.Context) error
	// Flush waits until all that was queued for the connection is written.
	Flush(ctx context.Context) error
	// Settle is called by a server, in a graceful end, when it has received what
	// had arrived by this connection and will receive nothing more. It waits
	// until nothing more can come for the connection: answers may still be on
	// their way, and what others say to it. The wait ends with ctx.
	Settle(ctx context.Context)
	// Leave is called before the connection's last word, by whoever calls Receive,
	// maybe more than once: it is in no session any more, so that its client can
	// come back as soon as it sees the end.
	Leave()
	// Close says that the connection has ended, for reason (nil when all went
	// well; an *Ended when the transport can say more): the processors give what they hold, and what is queued and can
	// no longer be written is counted as lost. Called once, by whoever calls
	// Receive.
	Close(ctx context.Context, reason error)
	// ID is the connection's id, for logs.
	ID() string
}

// Writer is the mirror of Link: the link calls it with what is to be written
// to the connection, in order, from one goroutine at a time.
type Writer interface {
	// Write returns when the frames are delivered, as the connector defines
	// it. It may hold them back for Flush when corked is true: the link
	// promises to call Flush, or the connection's own reader to look for what
	// is held back before it blocks. With ErrGone, of a connector that has one
	// connection at a time, whoever waits for the frames gives the rest of them to
	// the next connection.
	Write(ctx context.Context, frames []Frame, corked bool) error
	// Flush writes what is held back.
	Flush(ctx context.Context) error
}

// Trier is implemented by writers that can write without waiting.
type Trier interface {
	// TryWrite is a Write and a Flush as far as the connection takes them at
	// once. taken is false when somebody else is writing: then none of the
	// frames was taken. sent is false when some of what was taken is held back,
	// for Flush to write.
	TryWrite(frames []Frame) (taken, sent bool, err error)
}

// Asker is implemented by the writers of connectors that ask, as their Shape says:
// each frame is a question of its own. They have no queue, or one that keeps what is in
// it, see [setting.Keep].
type Asker interface {
	// Ask returns when each of the frames is delivered, or has failed: those that
	// have, a *BatchError names by their places. Several goroutines call it at a
	// time, each with frames of its own, and with a ctx that is to be that of what
	// is received as the answers, by the same goroutine: so whoever waits for what
	// comes of an event, has it when Ask returns. Of a queue's events, those that fail
	// with ErrClosed stay in it; the others are done with.
	Ask(ctx context.Context, frames []Frame) error
}

// Remote is implemented by writers that are there while their peer may not be.
type Remote interface {
	// Away reports whether the peer could not be reached, or took nothing, when it was
	// last tried, and is not being tried again yet. Anyone may call it.
	Away() bool
}

// Disconnecter is implemented by writers whose connection can be ended by the
// runtime: because its peer is too slow ([ErrSlow]) or sends what it must not.
// Disconnect returns at once and may be called from any goroutine; the
// connector ends the connection and closes its link as usual.
type Disconnecter interface {
	Disconnect(reason error)
}

// Confirmer is implemented by writers that can ask their peer whether something has
// arrived: those of connectors whose Shape says Confirms.
type Confirmer interface {
	// Confirm sends a question behind what Write has taken, or holds it back for
	// Flush. confirmed is called once, by the connection's reader, when the peer has
	// answered: all that Write had taken has arrived. It is not called when the
	// connection is lost before, nor when Confirm is called again before.
	Confirm(ctx context.Context, confirmed func()) error
}

// WriteError is returned by a Write or Flush that delivered some frames: the
// first Written of those not yet acknowledged are delivered, the others not.
type WriteError struct {
	Written int
	Err     error
}

// Error describes the cause.
func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// Adopter is implemented by handlers that can take a connection which begins
// with WebSocket frames where a handshake should be.
type Adopter interface {
	// Adopt returns at once: true when conn, of which already has been read, is
	// the handler's from now on, false when it does not want it.
	Adopt(conn net.Conn, already []byte) bool
}

// Answerer is implemented by handlers that answer requests, where others take
// over the connections that requests come by: the listener counts them as served
// instead of as about to become something else, and keeps their connections when
// it hands an address over.
type Answerer interface {
	http.Handler
	// Begin is called before ServeHTTP and returns at once. It is false when the
	// handler has ended: the request is answered 503 then, and ServeHTTP not called.
	Begin() bool
}

// ListenSpec names a route on a listener.
type ListenSpec struct {
	Scheme  string // what is spoken there, for people: "ws", "wss"
	Network string // "unix" for a socket in the file system; TCP when empty
	Address string // host:port, or the path of the socket
	// Mode is who may connect to a socket in the file system.
	Mode fs.FileMode
	Path string // exact, or a pattern of net/http
	// Methods are those of HTTP that the route is for, GET meaning HEAD, too; nil
	// for any. Others of its path are answered 405, and OPTIONS is as the listener
	// says.
	Methods []string
	TLS     *setting.TLSServer
	Socket  setting.SocketOptions
	// Backlog is the system's queue of connections that wait to be accepted;
	// 0 leaves it to the system.
	Backlog int
	// Proxies are the networks from which each connection begins with a header
	// of the PROXY protocol; nil where none does.
	Proxies []netip.Prefix
	// Timeout bounds TLS handshake and request.
	Timeout time.Duration
	// Handshakes is how many connections may be at that on the address, the
	// largest of its routes'; of more, the oldest is cut. 0 for the default.
	Handshakes int
}

// Role says how a connector takes part in a drain.
type Role int

// The roles, in the order in which they are told to end.
const (
	Source Role = iota // brings events in and takes none
	Server             // others connect to it: says goodbye to each, when the clients have ended
	Client             // connects to others: reads on for answers to what it sent
	Target             // only takes events
)

// Shape is what the runtime must know of a connector before it exists.
type Shape struct {
	Role Role
	// Stream means that the connector carries bytes without borders, so that
	// the first processor must be one that frames.
	Stream bool
	// Datagrams means that the messages it carries may be lost or overtake each
	// other, so that none of the flow's goes on in the next.
	Datagrams bool
	// In and Out say which of the ports `in` and `out` there are.
	In, Out bool
	// Many means that it has several connections at a time, so that a reply
	// must find its own; otherwise everything goes to the one connection.
	Many bool
	// Per, when it is not nil, gives each key of what the connector is sent a
	// connection of its own, opened when the first event comes, on behalf of
	// where that came from, its origin's Parent: what comes from it can be a
	// reply to that one. Run is then called for each of these connections,
	// several at a time, each with a host of its own, and serves that one; the
	// connector is no Preparer and no Feeder.
	Per *Per
	// Asks says that each event which the connector is sent is a question: its
	// writer is an Asker, and what comes of it, by Host.OpenFor, comes before the
	// event is delivered.
	Asks bool
	// Topics, when it is not nil, lets connections subscribe to topics.
	Topics *Topics
	// Sessions, when it is not nil, tells whose connections they are.
	Sessions *Sessions
	// Lifecycle says that the opening and the end of each connection leave by
	// `out` as events.
	Lifecycle bool
	// Wrote checks what a flow writes into meta.<type> of an event: how its
	// writer, who finds it in Frame.Meta, is to deliver it. nil where there is
	// nothing that could be wrong.
	Wrote func(v Value) error
	// Hurried names the argument that makes a connection wait for replies that come
	// later, where it ends as soon as what it has received is delivered; "" where it
	// does not.
	Hurried string
	// MaxFrame is the longest frame that can be written, in bytes: a longer one is a
	// problem of its event. 0 for no limit.
	MaxFrame int
	// Queue holds events for a connection that is not ready to take them;
	// nil writes directly, and the sender waits.
	Queue *setting.Queue
	// Keep says how Queue keeps events until they are confirmed; nil where they
	// leave it when they are written. It is for connectors with one connection at a
	// time.
	Keep *setting.Keep
	// Confirms says that the connector's writers are Confirmers.
	Confirms bool
	// Shares says that a frame which goes to several connections gets a Shared.
	Shares bool
	// Background says of a source that the process does not go on for its sake: it
	// never ends by itself, and tells of what others do.
	Background bool
	// Claims are the resources that the connector needs for itself.
	Claims []Claim
}

// Per says how events share out connections that are opened for them.
type Per struct {
	Key            Expr          // its value chooses the connection; null is refused
	MaxConnections int           // at a time; events that need one more are refused
	IdleTimeout    time.Duration // closes a connection on which nothing has passed for so long; 0 for never
}

// Claim is a resource of the machine that a configuration takes. Two claims
// of the same Resource conflict when their Part is the same or their Terms
// differ.
type Claim struct {
	Resource string // "listener 127.0.0.1:80", "file /tmp/out.log"
	Part     string // what of it: the path of a listener
	Terms    string // on what terms it can be shared: the TLS settings
	Field    string // the argument that claims it, for the diagnostic; "" where none does
	Port     string // the claim counts only where this port is connected; "" for always
}
