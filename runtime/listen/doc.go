// Package listen keeps the listeners of a process: one socket and one HTTP
// server per address, shared by all connectors that have a route there, and
// closed with the last of them.
//
// # What a stranger can do
//
// The accept loop only accepts. The TLS handshake and the reading of a
// request run in the connection's own goroutine; the Timeout of the first
// route bounds each of them, and the wait for a next request. A request's head
// may have 64 KiB. Errors of accept (no file descriptors left) are waited out,
// with a pause that grows up to a second. What goes wrong with strangers is
// logged with the same few messages, so that the log can limit them.
//
// HTTP/2 is not offered: a WebSocket takes over its connection, which HTTP/1.1
// alone allows.
//
// # Routes
//
// A path is exact, or a pattern of net/http ("/networks/{id}"). A request for
// any other path is answered 404, and 503 once the set drains; of a path whose
// routes are for other methods, 405 with Allow. OPTIONS, where no route is for
// it, is answered with Allow too, unless a browser asks whether a page may use a
// method (CORS): that one's handler answers.
//
// A handler that answers requests (flow.Answerer) has them for as long as it takes:
// they are not among the handshakes that are bounded, a change does not wait for
// them, and a listener that closes sends what the handlers have left behind. A
// connection
// that a handler has taken over (hijacked) is the handler's: closing a route or
// the listener does not touch it. Connections that are not, and whose
// listener closes, are cut.
//
// A connection, without TLS, that begins with a masked WebSocket frame never reaches
// the HTTP server: it goes to the first route whose handler adopts it
// (flow.Adopter), or is closed, counted, and warned of at most once a minute.
//
// # Connections as they are
//
// An address may also be one connector's alone, who takes its connections whole
// (Set.Accept) and speaks what it likes by them. TLS and the header of the PROXY
// protocol come with the first Read, in the taker's goroutine. Addresses change hands
// between such a one and HTTP, too: which it is, each connection finds when it is
// accepted.
//
// An address for datagrams is one connector's alone, too. Each owner has a copy of its
// socket, so that a successor reads beside the one before it while that ends.
//
// # Sockets
//
// A listener may be in the file system. A socket there that nobody serves is
// replaced; a lock on its folder lets one process at a time look. It is removed at
// the end, unless something else has that name by then.
//
// Routes on one address must agree on TLS, whose files are read again when they
// change, and on the proxies from which connections begin with a header of the
// PROXY protocol: then the client's address is the one in it, of every request
// and below TLS. Socket options, backlog and timeout
// are those of the route that came first. The backlog is set by listening
// once more on the bound socket, which Linux and the BSDs take as a change of
// its length; the system's limit (net.core.somaxconn) still holds. Options that
// a system does not know fail with an error that names them. Port 0 takes a
// free port, another one for each route.
package listen
