package flow

// Ended is a reason to close a link, or to disconnect, that says more about the end.
type Ended struct {
	Meta  *Object // what the transport says of it: a close code
	Err   error   // nil when all went well
	Torn  bool    // what came last is not whole: what the processors hold of it is dropped
	Code  int     // of the close frame that ended it, or that it ended without one (1006); 0 where there are none
	Cause Cause   // "" where Err is all that is known
}

// Error describes the end.
func (e *Ended) Error() string {
	if e.Err == nil {
		return "the connection was closed"
	}
	return e.Err.Error()
}

// Cause says in a word why a connection has ended, to be counted by.
type Cause string

// The causes there are.
const (
	EndedDone       Cause = "done"      // its work was done: a file was read to its end
	EndedByPeer     Cause = "peer"      // the peer took leave
	EndedByFlow     Cause = "flow"      // the flow wanted it
	EndedByOperator Cause = "operator"  // somebody asked for it
	EndedDrain      Cause = "drain"     // the connector has ended, or is started anew
	EndedReplaced   Cause = "replaced"  // by a new connection of the same session
	EndedExpired    Cause = "expired"   // who the peer was holds no longer
	EndedSlow       Cause = "slow"      // the peer took too long to take what was sent
	EndedIdle       Cause = "idle"      // nothing passed for too long
	EndedDead       Cause = "dead"      // the peer did not answer a ping
	EndedViolation  Cause = "violation" // the peer broke a rule of the protocol, or a limit
	EndedLost       Cause = "lost"      // it was cut off
	EndedFault      Cause = "fault"     // of flowrun
)

// Causes are all there are.
var Causes = [...]Cause{
	EndedDone, EndedByPeer, EndedByFlow, EndedByOperator, EndedDrain, EndedReplaced, EndedExpired,
	EndedSlow, EndedIdle, EndedDead, EndedViolation, EndedLost, EndedFault,
}

// Sendable reports whether a close frame may bear a code: those that RFC 6455 or
// the registry that it made has given a meaning in a frame, and those that are
// free for use.
func Sendable(code int64) bool {
	return 1000 <= code && code <= 1003 || 1007 <= code && code <= 1014 || 3000 <= code && code <= 4999
}
