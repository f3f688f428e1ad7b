// Package outlet is the outward half of a connection: it encodes events, keeps
// what the connection cannot take yet, and writes.
//
// Who writes:
//
//   - A reply to the message that is being read is written by the reader
//     itself, corked: it leaves when the reader has nothing more to read, or
//     before the reader sends to anybody else. No goroutine, no copy.
//   - Everything else is put into the queue, encoded. The first one starts a
//     goroutine that writes the queue in bursts and ends when it is empty; an
//     idle connection has none.
//   - What is for several connections is encoded once, a [Share], put into the
//     queue of each, and written by the publisher, at the end of its [Turn], as
//     far as that goes without waiting. What a connection does not take at once
//     is left to a goroutine as above.
//   - Without a queue (a file, a program) the senders write, and wait for each
//     other, and for the next connection where one is gone.
//
// An outlet belongs to one connection, or outlives several, see [Life]: then
// what a queue holds when a connection is lost is written by the next one.
package outlet
