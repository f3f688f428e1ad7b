package flowfile

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Drain is the `drain` block of a flow: how it ends when its process is told
// to.
type Drain struct {
	Delay   setting.Duration `hcl:"delay" doc:"how long everything goes on, new connections included, after the process has said that it is not ready: load balancers notice in the meantime. After it, handshakes are answered 503 with Retry-After"`
	Spread  setting.Duration `hcl:"spread" doc:"servers close their connections one by one, evenly over this time, so that not all clients come back at once; until its turn comes a connection is served as ever"`
	Timeout setting.Duration `hcl:"timeout" min:"1ms" doc:"hard stop, counted from the signal: what is still there is cut off, and when that loses events, the exit code is 1. It must be longer than delay and spread together"`
	Code    int              `hcl:"code" doc:"close code that clients of servers get: 1001 (going away), or 1012 (service restart: come back)"`
	Reason  string           `hcl:"reason" doc:"reason in the close frame, 123 bytes at most; when not given, \"server is shutting down\" or \"server is restarting\", as the code says"`
	Message string           `hcl:"message" doc:"text message that clients of servers get before the close frame, as it is written here"`
}

// maxReason is what a close frame can hold beside its code.
const maxReason = 123

// DefaultDrain returns the defaults of Drain.
func DefaultDrain() Drain {
	return Drain{Timeout: setting.Duration(10 * time.Second), Code: flow.GoingAway}
}

// Check reports, as a *setting.Error, what does not fit together.
func (d *Drain) Check() error {
	switch {
	case d.Code != flow.GoingAway && d.Code != flow.ServiceRestart:
		return &setting.Error{Field: "code", Err: fmt.Errorf("code %d is neither %d (going away) nor %d (service restart)", d.Code, flow.GoingAway, flow.ServiceRestart)}
	case len(d.Reason) > maxReason:
		return &setting.Error{Field: "reason", Err: fmt.Errorf("the reason has %d bytes, and a close frame holds %d: tell more in message", len(d.Reason), maxReason)}
	case !utf8.ValidString(d.Reason):
		return &setting.Error{Field: "reason", Err: errors.New("the reason is not UTF-8")}
	case d.Timeout <= d.Delay+d.Spread:
		return &setting.Error{Field: "timeout", Err: fmt.Errorf("the hard stop after timeout (%s) would come before delay (%s) and spread (%s) are over: make timeout longer", d.Timeout, d.Delay, d.Spread)}
	}
	return nil
}

// Farewell is how servers of the flow take leave when the process ends.
func (d *Drain) Farewell() flow.Farewell {
	f := flow.Farewell{Spread: time.Duration(d.Spread), Code: d.Code, Reason: d.Reason, Message: d.Message}
	if f.Reason == "" {
		f.Reason = reasons[d.Code]
	}
	return f
}

// Restart is how servers take leave that are started anew while the process
// goes on.
func (d *Drain) Restart() flow.Farewell {
	r := *d
	if r.Code != flow.ServiceRestart {
		r.Code, r.Reason = flow.ServiceRestart, ""
	}
	return r.Farewell()
}

var reasons = map[int]string{
	flow.GoingAway:      "server is shutting down",
	flow.ServiceRestart: "server is restarting",
}
