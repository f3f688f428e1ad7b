// Package ending decides that a process ends, and with which code. Several may ask
// for the end, at once or after a while: who asks first decides, unless somebody
// stops everything.
package ending

import (
	"sync"
	"time"
)

// Ending is the decision to end the process. Its methods may be called from any
// goroutine.
type Ending struct {
	Begin <-chan struct{} // closed when the drain is to begin

	begin   chan struct{} // Begin
	mu      sync.Mutex
	decided bool
	code    int
	why     string
	halted  bool // the code was given by Halt: nothing changes it
	timers  []*time.Timer
	over    bool
}

// New returns an Ending that nobody has asked for.
func New() *Ending {
	begin := make(chan struct{})
	return &Ending{Begin: begin, begin: begin}
}

// Exit asks for the end after delay, unless it has been decided already.
func (x *Ending) Exit(code int, delay time.Duration, why string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.decided || x.over {
		return
	}
	x.decided, x.code, x.why = true, code, why
	if delay <= 0 {
		close(x.begin)
		return
	}
	x.timers = append(x.timers, time.AfterFunc(delay, func() { close(x.begin) }))
}

// Decide sets the code of an end that begins without being asked for here.
func (x *Ending) Decide(code int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.decided {
		x.decided, x.code = true, code
	}
}

// Halt calls stop after delay and sets the code, whatever was decided before.
func (x *Ending) Halt(code int, delay time.Duration, stop func()) {
	now := func() {
		x.mu.Lock()
		if !x.halted {
			x.decided, x.code, x.halted = true, code, true
		}
		x.mu.Unlock()
		stop()
	}
	if delay <= 0 {
		now()
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.over {
		x.timers = append(x.timers, time.AfterFunc(delay, now))
	}
}

// Reason says why the drain was asked for; "" when it was not asked for here.
func (x *Ending) Reason() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.why
}

// Final is the exit code; lost says that the drain was cut short and lost
// something.
func (x *Ending) Final(lost bool) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if lost && x.code == 0 && !x.halted {
		return 1
	}
	return x.code
}

// Stop ends what is still waiting to happen.
func (x *Ending) Stop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for _, t := range x.timers {
		t.Stop()
	}
}
