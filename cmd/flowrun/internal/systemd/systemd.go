// Package systemd tells systemd how the process is, where systemd asks for that
// by setting NOTIFY_SOCKET: a unit of Type=notify or notify-reload
// (sd_notify(3), systemd.service(5)).
//
//	READY=1       the flows listen; after a reload: it is over, for better or worse
//	RELOADING=1   the flows are being read again, for whatever reason
//	STOPPING=1    the drain has begun; systemd is asked for the time that it may take
//	WATCHDOG=1    the engine has answered how it is, at least twice per WatchdogSec
//	STATUS=…      what `systemctl status` shows: readiness, and who is not up
//
// A process whose engine does not answer any more sends no WATCHDOG=1, and systemd
// ends it by SIGABRT, at which Go prints what all goroutines are doing.
package systemd

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// lookEvery is how often the status is looked at, at least.
const lookEvery = time.Second

// margin is what the process may need beyond the time for a drain.
const margin = 5 * time.Second

// Notifier tells systemd about one process. A nil one tells nobody. Its methods
// may be called from any goroutine.
type Notifier struct {
	engine  Engine
	log     *zap.Logger
	socket  string
	beat    time.Duration // between two WATCHDOG=1; 0 for none
	mu      sync.Mutex
	phase   phase
	failed  bool   // the last reload
	status  string // that was told last
	trouble bool   // which has been logged
}

type phase int

const (
	starting phase = iota
	running
	reloading
	stopping
)

// Engine is what runs in the process.
type Engine interface {
	Health() status.Health
	DrainTimeout() time.Duration
}

// New returns a Notifier where systemd asks for one, else nil.
func New(e Engine, log *zap.Logger) *Notifier {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	return &Notifier{engine: e, log: log, socket: socket, beat: watchdog() / 2}
}

// Ready says that the flows listen. Only the first call counts.
func (n *Notifier) Ready() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase == starting {
		n.phase = running
		n.send("READY=1")
	}
}

// Reloading says that a reload has begun.
func (n *Notifier) Reloading() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase == running {
		n.phase = reloading
		n.send("RELOADING=1\n" + now())
	}
}

// Reloaded says that the reload is over.
func (n *Notifier) Reloaded(err error) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase == reloading {
		n.phase, n.failed = running, err != nil
		n.send("READY=1")
	}
}

// stop says that the end has begun, which may take a while. Only the first call
// counts.
func (n *Notifier) stop() {
	while := n.engine.DrainTimeout() + margin
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase != stopping {
		n.phase = stopping
		n.send(fmt.Sprintf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%d", while.Microseconds()))
	}
}

// Watch tells what changes by itself, and that the process is alive, until end is
// called. told ends when the process is told to end.
func (n *Notifier) Watch(told context.Context) (end func()) {
	if n == nil {
		return func() {}
	}
	done := make(chan struct{})
	go n.watch(told.Done(), done)
	return func() { close(done) }
}

func (n *Notifier) watch(told, done <-chan struct{}) {
	every := lookEvery
	if n.beat > 0 {
		every = min(every, n.beat)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-told:
			told = nil
			n.stop()
		case <-tick.C:
			h := n.engine.Health() // for ever, where the engine is stuck
			if h.Phase == status.Draining {
				n.stop()
			}
			n.alive(describe(&h))
		}
	}
}

// alive sends WATCHDOG=1, and the status where it has changed.
func (n *Notifier) alive(status string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed {
		status += "; the last reload failed"
	}
	var lines []string
	if n.beat > 0 && n.phase != starting {
		lines = append(lines, "WATCHDOG=1")
	}
	if status != n.status {
		n.status = status
		lines = append(lines, "STATUS="+status)
	}
	if len(lines) > 0 {
		n.send(strings.Join(lines, "\n"))
	}
}

// describe says in a line how the engine is.
func describe(h *status.Health) string {
	if h.Phase != status.Running {
		return string(h.Phase)
	}
	var down []string
	for i := range h.Connectors {
		if c := &h.Connectors[i]; c.Required && !c.State.Up() {
			down = append(down, fmt.Sprintf("%s is %s", c.Address(), c.State))
		}
	}
	if len(down) > 0 {
		return strings.ReplaceAll("running, not ready: "+strings.Join(down, ", "), "\n", " ")
	}
	return fmt.Sprintf("running and ready, connectors: %d", len(h.Connectors))
}
