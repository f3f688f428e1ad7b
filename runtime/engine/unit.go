package engine

import (
	"context"
	"sync"

	"github.com/flowrun/flowrun/runtime/engine/internal/lifecycle"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/histogram"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// unit is one connector with what the engine keeps of it. It is the
// connector's flow.Host.
type unit struct {
	engine    *Engine
	connector flow.Connector
	component *flow.Component
	shape     flow.Shape
	common    flowfile.Common
	log       *zap.Logger
	life      lifecycle.Lifecycle
	table     *link.Table
	problems  *flow.Problems
	handshake histogram.Durations // how long it took to open connections
	roundTrip histogram.Durations // how long answers to pings took
	feeder    flow.Feeder         // set when Feed is to be called: it is the source then
	// running is the ctx of Run. It ends with the stage of its role, or before,
	// by end.
	running context.Context
	end     context.CancelFunc
	// feeding is the ctx of Feed, in the same way.
	feeding context.Context
	endFeed context.CancelFunc
	// abandoned is what flow.Host says.
	abandoned context.Context
	abandon   context.CancelFunc
	done      chan struct{} // closed when supervise returns

	mu        sync.Mutex
	change    *listen.Change // while the unit waits for a reload to make it run
	farewell  flow.Farewell  // how it takes leave of its peers, if it is a server
	source    bool           // the process ends when all of these have ended
	spoilt    bool           // its work has ended with an error
	listening []*status.Listener
	input     input
}

// input is the state of Feed.
type input struct {
	running <-chan struct{} // closed when Feed has returned, or may begin; nil before
	over    bool            // it returned by itself
	failed  bool            // ... with an error
}

// findSource decides, once the ports are connected, whether the unit is a
// source. One that is asked is none: it gives answers, and only as long as
// somebody else brings questions.
func (u *unit) findSource() {
	f, feeds := u.connector.(flow.Feeder)
	out := u.table.Out().Connected()
	u.mu.Lock()
	defer u.mu.Unlock()
	if feeds && out && u.feeder == nil {
		u.feeder = f
	}
	u.source = out && !u.shape.Background && !u.shape.Asks && (feeds || u.shape.Role != flow.Target)
}

func (u *unit) isSource() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.source
}

// sourceState reports whether a source has ended, and how.
func (u *unit) sourceState() (ended, failed bool) {
	now := u.state()
	failed = now == status.Failed
	ended = failed || now == status.Ended
	u.mu.Lock()
	defer u.mu.Unlock()
	failed = failed || u.spoilt
	if u.feeder != nil && u.input.over {
		return true, failed || u.input.failed
	}
	return ended, failed
}

// prepare acquires what Run needs.
func (u *unit) prepare(ctx context.Context) (err error) {
	if err := u.table.Prepare(); err != nil {
		return err
	}
	p, ok := u.connector.(flow.Preparer)
	if !ok {
		return nil
	}
	defer u.catch(&err)
	return p.Prepare(ctx, u)
}

// release gives back what prepare acquired.
func (u *unit) release() {
	p, ok := u.connector.(flow.Preparer)
	if !ok {
		return
	}
	var err error // a panic, which catch logs
	defer u.catch(&err)
	p.Release()
}

// run calls the connector's Run, and Feed beside it. A Feed that is still at
// it when Run returns has been told to end; the next one waits for it. It is
// not waited for here: what it sends may be for this very connector, which
// takes events again when it runs again.
func (u *unit) run(ctx, sources context.Context) (err error) {
	if u.feeder != nil {
		ctx, cancel := context.WithCancel(sources)
		defer cancel()
		u.feed(ctx)
	}
	defer u.catch(&err)
	return u.connector.Run(ctx, u)
}

// feed starts Feed.
func (u *unit) feed(ctx context.Context) {
	before := u.inputRunning()
	running := make(chan struct{})
	u.mu.Lock()
	defer u.mu.Unlock()
	if ctx.Err() != nil { // under mu, so that a drain sees either this or that Feed runs
		return
	}
	u.input = input{running: running}
	go func() {
		defer close(running)
		<-before
		if ctx.Err() != nil {
			return
		}
		err := u.callFeed(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			u.log.Error("the input ended with an error", zap.Error(err))
		}
		u.mu.Lock()
		u.input.over, u.input.failed = true, err != nil
		u.mu.Unlock()
		u.engine.sourceEnded()
	}()
}

// feedAfter puts Feed off until others have ended: there is one standard input.
func (u *unit) feedAfter(others <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.feeder != nil {
		u.input.running = others
	}
}

func (u *unit) callFeed(ctx context.Context) (err error) {
	defer u.catch(&err)
	return u.feeder.Feed(ctx, u)
}

// inputRunning is closed when no Feed is running.
func (u *unit) inputRunning() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.input.running == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return u.input.running
}

// setChange says that the unit listens by way of a change, or no more.
func (u *unit) setChange(c *listen.Change) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.change = c
}

// forget lets go what ties the unit to the engine's ends.
func (u *unit) forget() {
	u.end()
	u.endFeed()
	u.abandon()
}

func (u *unit) state() status.State { return u.life.Status().State }
