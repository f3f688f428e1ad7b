// Package socket is a connection that carries bytes, TCP or unix, with TLS or
// without: package duplex says how it is read and written.
//
// # Reading
//
// What has come is read into a buffer from a pool, and handed to the connection's
// [Owner], which decides what it means.
//
// # Ends
//
// Each direction ends by itself. When the peer has sent all (FIN), what it has sent
// is answered, which the Owner's Settle waits for, and then this side ends, too. When
// this side parts ([Conn.Part]), it first deals with what has arrived, then says that
// it has sent all, and goes on reading until the peer has ended, or for
// CloseTimeout. A peer that has said more while Settle was waiting, and was never sent
// anything, is reset instead: it would miss no answer, and believe that it was heard. A
// peer that takes what it is sent too slowly is reset instead: it must not
// take the half of a message that it has got for a whole one.
package socket
