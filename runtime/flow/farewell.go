package flow

import "time"

// Farewell is what a server does and says when it takes leave of its peers.
type Farewell struct {
	Spread  time.Duration // the closes are spread evenly over it; 0 for all at once
	Code    int           // WebSocket close code
	Reason  string        // that the close frame gives
	Message string        // a text message before it; "" for none
}

// The close codes of a Farewell (RFC 6455 section 7.4.1, and IANA's registry).
const (
	GoingAway      = 1001
	ServiceRestart = 1012
)
