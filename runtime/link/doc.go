// Package link is one connection, seen from inside: how its bytes become
// events, and how events find their way back to it.
//
// A [Table] belongs to one connector and holds its open links. Per connection
// there is one [Link] with two halves that never share state:
//
// The inward half is run by the connection's reader. Frames pass a private
// chain of processors and a codec, and the events of one frame are sent on as
// one batch, in the reader's goroutine: when Receive returns, they are
// delivered or have failed. The batch is cut before a processor runs again
// whose output an earlier event may point to.
//
// The outward half, of package runtime/outlet, encodes events, keeps them in a
// bounded queue, and writes them. A broadcast is encoded once and put into the
// queue of every connection, and what an edge delivers by topic or identity into
// those of the connections alone that package runtime/topic or runtime/session
// finds. A message to 500 connections costs little more than 500 system calls
// (0.83 of a loop of the library's Write), 32 messages that arrive together cost
// 0.07 of such a loop.
//
// A connector with many connections has an outlet per link. A connector with
// one connection at a time has one outlet for its whole life, so that what a
// queue holds outlives a connection that is lost: the next one writes it. A
// connector with a connection per key has such an outlet per key, a [Lane].
//
// # The way back
//
// An event carries its Origin, and the Origin its Link: a reply needs no
// lookup. If the flow itself wrote `meta.<type>.peer`, that connection is
// looked up by id, or by host and port when exactly one matches. Otherwise
// the event goes to each connection among its origins (a union has several)
// and their parents that belongs to this table, each once. Where there is none
// and connections have keys, its key decides. An event is never sent to another
// connection: where all that are right are gone, it is dropped and counted, or
// fails with flow.ErrGone, as the edge says. An edge may also deliver to all
// connections there are.
//
// # Whose a connection is, and what it listens to
//
// Where a connector has topics, the inward half looks at what each event says
// about subscriptions, before the event is sent on; a batch is cut there. What was
// said before is replayed by the connection's own reader, who waits where the
// connection is slow. A connection that opens is entered in the book of its
// session key, where it may be refused or replace another. Both are undone when it
// ends, before its end is told as an event.
//
// # What it costs
//
// Nothing is allocated per event on the way in and back to the same
// connection. Buffers that only a running turn needs (the batch, the encoded
// reply) come from a pool, so that an idle link holds only its own structs.
package link
