// Package duplex is what connections have in common that read and write their
// sockets themselves, whatever they carry. The connection of a [Protocol] embeds a
// [Conn], and adds what passes and how its end is said.
//
// # Reading
//
// A connection has one goroutine, its reader, which alone ends it. It reads what has
// come, and before it waits, replies are sent, and its buffers are given back: an
// idle connection holds none.
//
// # Writing
//
// What is written is collected on a [Page], which leaves at once: a reader's replies
// when there is nothing more to read. A connection that cannot be written to is given
// up; how many frames of the last Write the socket has taken is known.
//
// # Parting
//
// Whoever wants the connection to end puts down why, and rouses the reader by a
// deadline. Before it says its last word, it looks once more: what has already
// arrived is answered, and maybe what is about to come ([Conn.AwaitAnswers]).
//
// # The sweep
//
// There are no timers per connection or message. Who reads and writes notes what
// passes, and one goroutine for all connections of a [Group] sees which writes are
// stuck and who is idle.
package duplex
