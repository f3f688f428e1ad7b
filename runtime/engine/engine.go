package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/engine/internal/boot"
	"github.com/flowrun/flowrun/runtime/engine/internal/ending"
	"github.com/flowrun/flowrun/runtime/engine/internal/hearing"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/queue"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// Options say what an engine runs.
type Options struct {
	Files []*flowfile.File // their Drain says how the engine ends
	// Log is limited by its owner: what goes wrong with every event is logged
	// for every event. nil for none.
	Log *zap.Logger
	// Ready, when it is set, is called by Run when all connectors are prepared and
	// about to run, with what is listened on; and by Reload, with what has been
	// added.
	Ready func([]status.Listener)
	// Notices is told what becomes of connectors and their connections. Together
	// with the records of the log, it is heard by connectors that ask for it.
	// Either may be nil.
	Notices, Records *feed.Feed[notice.Notice]
	// Scrape spells how all connectors are, as JSON, for connectors that ask for it.
	Scrape func(status.Health) []byte
}

// Engine runs flows in this process.
type Engine struct {
	log       *zap.Logger
	ready     func([]status.Listener)
	listeners *listen.Set
	queues    *queue.Set
	boot      string
	notices   *feed.Feed[notice.Notice]
	records   *feed.Feed[notice.Notice]
	scrape    func(status.Health) []byte
	circle    hearing.Circle // of connectors that hear of the others
	several   atomic.Bool    // flows, so that names need the flow's
	end       *ending.Ending
	now       atomic.Pointer[state]
	taps      taps

	// stages holds what ends the connectors of each role.
	stages [flow.Target + 1]stage
	// abandon ends the time for a graceful end.
	abandoned context.Context
	abandon   context.CancelFunc
	// settle tells servers that nothing more comes for their connections.
	settled context.Context
	settle  context.CancelFunc

	begun      chan struct{}      // closed when the flows run, so that they can be reloaded
	reloading  sync.Mutex         // held while a reload is at work, and when none may be
	reloadable context.Context    // ends with the beginning of the end
	endReloads context.CancelFunc // of that
	retiring   sync.WaitGroup     // what reloads have left out

	mu        sync.Mutex
	phase     status.Phase
	sequences map[string]*atomic.Uint64 // see sequence
	paused    map[part]bool             // flows and connectors
	leaving   []*group                  // what reloads have left out and has not ended
	past      link.Stats                // of what has ended since
	beforeCut link.Stats                // when abandon was called

	unfinished bool // an instance could not let go what it holds
}

// stage is the part of the process that ends at one time.
type stage struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// New builds the flows. It has no effect outside of the process, except that
// components read the files they are configured with. The error names the
// connector or pipeline that could not be made.
func New(opts Options) (*Engine, error) {
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	if opts.Scrape == nil {
		opts.Scrape = func(status.Health) []byte { return []byte("null") }
	}
	e := &Engine{
		log:       opts.Log,
		ready:     opts.Ready,
		listeners: listen.New(opts.Log),
		queues:    queue.NewSet(),
		notices:   cmp.Or(opts.Notices, new(feed.Feed[notice.Notice])),
		records:   cmp.Or(opts.Records, new(feed.Feed[notice.Notice])),
		scrape:    opts.Scrape,
		boot:      boot.ID(),
		end:       ending.New(),
		begun:     make(chan struct{}),
		sequences: map[string]*atomic.Uint64{},
		paused:    map[part]bool{},
		phase:     status.Starting,
	}
	e.reloadable, e.endReloads = context.WithCancel(context.Background())
	e.abandoned, e.abandon = context.WithCancel(context.Background())
	e.settled, e.settle = context.WithCancel(context.Background())
	for i := range e.stages {
		s := &e.stages[i]
		s.ctx, s.cancel = context.WithCancel(context.Background())
	}
	e.now.Store(&state{})
	e.circle.Now = func() hearing.Running { return e.now.Load() }
	p, err := e.plan(opts.Files)
	if err != nil {
		return nil, err
	}
	for _, b := range p.builders {
		b.connect(false)
	}
	for _, u := range p.next.units {
		u.findSource()
	}
	e.now.Store(p.next)
	return e, nil
}

// Run runs the flows until they end, or until ctx ends and the drain that
// follows is over. It returns the process's exit code. The error says why the
// flows could not start; then nothing has run and nothing is left behind. It
// may be called once.
func (e *Engine) Run(ctx context.Context) (code int, err error) {
	defer e.abandon()
	defer e.settle()
	defer e.end.Stop()
	defer e.endReloads()
	start := time.Now()
	first := e.now.Load()
	serve := e.listeners.Hold()
	defer serve()
	if err := e.prepare(ctx, first.units); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return 0, nil // told to end before it began
		}
		return 1, err
	}
	serve()
	e.tellRoutes(first.units)
	e.log.Info("running", zap.Int("connectors", len(first.units)), zap.Duration("started_in", time.Since(start)))
	for _, i := range first.instances {
		i.Start()
	}
	for _, u := range first.units {
		go u.supervise(u.running, u.feeding)
	}
	e.setPhase(status.Running)
	close(e.begun)
	why := "told to end"
	select {
	case <-ctx.Done():
		e.end.Decide(0)
	case <-e.end.Begin:
		why = e.end.Reason()
	case <-e.abandoned.Done():
		e.end.Decide(0)
	}
	e.setPhase(status.Draining)
	e.endReloads()
	e.reloading.Lock() // the last one is over; no other begins
	defer e.reloading.Unlock()
	return e.drain(why, func() bool { return why != allEnded || ctx.Err() != nil }), nil
}

// Stop ends a drain, or skips it: what is in flight is dropped. It returns at
// once; Run returns soon after. It may be called at any time, more than once.
func (e *Engine) Stop() { e.cut() }

// prepare acquires what units need, or nothing.
func (e *Engine) prepare(ctx context.Context, units []*unit) error {
	for i, u := range units {
		err := u.prepare(ctx)
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			for _, prepared := range slices.Backward(units[:i+1]) {
				prepared.release()
			}
			for _, u := range units {
				u.table.Close(err)
			}
			return e.named(u, err)
		}
	}
	return nil
}

// named says which connector an error concerns.
func (e *Engine) named(u *unit, err error) error {
	if e.several.Load() {
		return fmt.Errorf("%s: %s: %w", u.component.Flow, u.component.Address(), err)
	}
	return fmt.Errorf("%s: %w", u.component.Address(), err)
}

// tellRoutes tells what units listen on.
func (e *Engine) tellRoutes(units []*unit) {
	var all []status.Listener
	for _, u := range units {
		all = append(all, u.listeners()...)
	}
	if e.ready != nil {
		e.ready(all)
	}
}

func (e *Engine) setPhase(p status.Phase) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.phase = p
}

// allEnded is why a drain begins that nobody has asked for.
const allEnded = "all sources have ended"

// sourceEnded is told when a source has ended, or sources are no more; with the
// last one, the process ends.
func (e *Engine) sourceEnded() {
	code, none := 0, true
	for _, u := range e.now.Load().units {
		if !u.isSource() {
			continue
		}
		none = false
		ended, failed := u.sourceState()
		if !ended {
			return
		}
		if failed {
			code = 1
		}
	}
	if !none {
		e.end.Exit(code, 0, allEnded)
	}
}
