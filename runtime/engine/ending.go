package engine

import (
	"sync"
	"time"
)

// ending is the decision to end the process: who asks first decides the code.
type ending struct {
	begin chan struct{} // closed when the drain is to begin

	mu      sync.Mutex
	decided bool
	code    int
	why     string
	halted  bool // the code was given by Halt: nothing changes it
	timers  []*time.Timer
	over    bool
}

// exit asks for the end after delay, unless it has been decided already.
func (x *ending) exit(code int, delay time.Duration, why string) {
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

// decide sets the code of an end that begins without being asked for here.
func (x *ending) decide(code int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.decided {
		x.decided, x.code = true, code
	}
}

// halt calls stop after delay and sets the code, whatever was decided before.
func (x *ending) halt(code int, delay time.Duration, stop func()) {
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

func (x *ending) reason() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.why
}

// final is the exit code; lost says that the drain was cut short and lost
// something.
func (x *ending) final(lost bool) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if lost && x.code == 0 && !x.halted {
		return 1
	}
	return x.code
}

// stopTimers ends what is still waiting to happen.
func (x *ending) stopTimers() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for _, t := range x.timers {
		t.Stop()
	}
}
