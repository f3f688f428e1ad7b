// Package socket is a WebSocket connection after its handshake, on either side,
// and the handshakes that lead to it, on github.com/coder/websocket. Package duplex
// says how it is read, written and swept.
//
// # The data path
//
// The library does the handshake, and fragmented, compressed and malformed
// messages. What a connection does all day, whole messages in, replies out, a
// ping now and then, goes past it: [Conn] reads ahead, deals with all simple
// frames itself, and calls the library only for a frame that is not simple.
// Replies are framed into a buffer, which is written when the reader is about
// to block (a cork): 32 messages that arrive together leave together.
//
// What this is worth, in CPU per message against a loop of the library's Read
// and Write in the same run: writing corked through the library 1.05 with one
// message in flight and 0.4 with 32; framing the replies here 0.95 and 0.3;
// reading simple frames here too 0.9 and 0.16. With one message in flight four
// fifths of what is left are the system calls of any server: a read, a read
// that finds nothing, a write. With 32, a third is the JSON check.
//
// The goroutine of net/http ends with the handshake, buffers are held only
// while there is something in them, and a server makes the library's part of a
// connection when it is first needed: an idle connection costs about 10 KiB,
// of which 4 are the goroutine's stack. A frame of 400 bytes in the functions
// that every message passes would double that; what is rare and large is kept
// out of line.
//
// # Compression
//
// Compressed messages are read by the library, and written here, so that they
// are corked like all others (package deflate).
//
// # Who does what
//
// One goroutine per connection calls [Conn.Receive], which reads, gives whole
// messages to the connection's [Owner], and writes the replies. When it
// returns, the same goroutine says [Conn.Goodbye] and hangs up. Others write
// by [Conn.Write] and [Conn.TryWrite], from one goroutine at a time and the
// reader's at any time; and everyone may end the connection by [Conn.Part],
// [Conn.Disconnect] and [Conn.Abandon], which return at once.
//
// The sweep ends writes that are stuck, sends pings, and parts from peers that are
// dead or idle. One over 10,000 connections takes half a millisecond when no ping is
// due (BenchmarkSweep).
//
// A connection that is to end answers what has come. A client that has sent something
// waits a moment for answers; a server waits until nothing more comes for its peer,
// from clients or other peers. Then it says goodbye with a close frame, and goes on
// reading until the peer's close frame or the close timeout.
package socket
