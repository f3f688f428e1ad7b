// Package socket is a connection that carries bytes, TCP or unix, with TLS or
// without: how it is read, written and ended.
//
// # Reading
//
// A connection has one goroutine. It reads what has come into a buffer from a pool,
// hands it to its [Owner], which decides what it means, and gives the buffer back
// before it waits: an idle connection holds none. What the owner replies meanwhile
// is corked, and leaves when there is nothing more to read.
//
// # Ends
//
// Each direction ends by itself. When the peer has sent all (FIN), what it has sent
// is answered, which the Owner's Settle waits for, and then this side ends, too. When
// this side parts ([Conn.Part]), it first deals with what has arrived, then says that
// it has sent all, and goes on reading until the peer has ended, or for
// CloseTimeout. A peer that takes what it is sent too slowly is reset instead: it must not
// take the half of a message that it has got for a whole one.
//
// # The sweep
//
// Deadlines are kept by one goroutine for all connections of a [Group], so that a
// message costs no timer.
package socket
