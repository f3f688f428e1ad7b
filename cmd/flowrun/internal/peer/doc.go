// Package peer plays the other side of a WebSocket: scripted clients and
// servers that talk with the flows under test, and say precisely what came
// instead of what was expected.
//
// A [Script] is one `peer` block of a test file: where it connects to or
// listens, and its steps in the order written. [Kinds] is the table of what a
// step can be. [Run] plays a script once for each of its clients or accepted
// connections, and returns a [Report]: nothing when all went as written,
// otherwise the step with its place in the file, what was expected, what came,
// and the last of what happened on the wire.
//
//	script                  the configuration of a peer, and what can be checked without running
//	kinds                   the table of steps
//	run                     the instances of a script, and the values that their expressions see
//	handshake, accept       the beginning of connections: dial, accept, refuse
//	content, send, expect   messages
//	control, order          everything else
//	report                  failures and the transcript
//	signals                 how peers wait for each other
//	wire                    one connection: frames, the inbox, slow reading, the end
//
// Each connection has one goroutine that reads. It answers pings and closes,
// as peers should unless told otherwise, and puts messages into an inbox that
// is bounded: when it is full, nothing more is read, and the other side feels
// what a slow peer is. Every step has a deadline, and the end of the context
// ends everything that Run has started before Run returns.
package peer
