package flow

import "time"

// Stopwatch is implemented by hosts that keep the times which a connector takes.
// Its methods may be called from any goroutine, and return at once.
type Stopwatch interface {
	// Handshake is told how long it took to open a connection: for a server since
	// the request came, for a client since it began to connect.
	Handshake(took time.Duration)
	// RoundTrip is told how long the answer to a ping took.
	RoundTrip(took time.Duration)
}
