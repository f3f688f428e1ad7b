// Package admin serves the management of a running process over HTTP: whether it
// is healthy, what it does, and what an operator may tell it to do.
//
//	GET  /healthz              the process answers
//	GET  /readyz               200 when it is ready for traffic, 503 and who is not up otherwise
//	GET  /metrics              counters in the format of Prometheus: README.md lists them
//	GET  /api/v1/version       how the binary was built
//	GET  /api/v1/status        phase, readiness and all connectors
//	GET  /api/v1/connectors    the connectors alone
//	GET  /api/v1/ws            what happens, over WebSocket: package stream
//	GET  /api/v1/events        the same as Server-Sent Events
//	GET  /api/v1/logs/stream   the log, as Server-Sent Events
//	GET  /api/v1/loglevel      the lowest level that is logged; PUT changes it
//	GET  /api/v1/tap/{place}   the events that pass at a connect or a port: package look
//	GET  /api/v1/flows         the flows; {name} for one
//	PATCH /api/v1/flows/{name} {"status": "paused"} or "running"
//	POST /api/v1/reload        reads the flows again
//	POST /api/v1/drain         ends the process gracefully
//
// It has a listener of its own, which is there before the flows start and until
// they have ended: who asks during a drain is answered that it drains. Nothing of
// what it tells is counted for it: it reads [engine.Engine.Health] when it is asked.
//
// Answers are JSON. An error is {"code", "message"}: a word for programs and a
// sentence for people.
//
// # Who may do what
//
// Without tokens the address must be of the loopback interface, and the API is to
// look at. With tokens, all but the two probes needs one, in the header
// Authorization (as "Bearer T" or T alone) or, where a client cannot send headers,
// as ?token=T or in a cookie. A token has roles, and a route needs one of them (the
// table in routes.go says which): [Read], [Tap] or [Control]. Who changes something or
// taps is logged, with the name of the token and the client's address.
//
// A page that someone on this machine looks at must not reach the API through
// their browser. Its Origin is refused unless it is of this very listener, or allowed
// by name. A name
// that a foreign page has made to mean 127.0.0.1 (DNS rebinding) is known by the
// Host that the browser sends: a request without a token must name the host by an
// IP address, as localhost, or as the address was configured.
//
// # What a stranger can do
//
// The listener takes a bounded number of connections: of those on which nothing is
// being answered, the oldest has to go, so that probes always find room.
// Heads and bodies of requests are bounded in size and time, answers in time.
package admin
