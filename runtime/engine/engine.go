package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/listen"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"go.uber.org/zap"
)

// Options say what an engine runs.
type Options struct {
	Files []*flow.File // their Drain says how the engine ends
	// Log is limited by its owner: what goes wrong with every event is logged
	// for every event. nil for none.
	Log *zap.Logger
	// Ready, when it is set, is called once by Run when all connectors are
	// prepared and about to run, with what is listened on.
	Ready func([]Listener)
}

// Listener is a route on which the flows can be reached.
type Listener struct {
	Flow      string
	Connector string // the block's name
	Scheme    string // "ws", "wss"
	Address   string // as bound: with the port that the system chose for port 0
	Path      string // "" where the flow names none
}

// String spells the listener as a URL.
func (l Listener) String() string { return l.Scheme + "://" + l.Address + l.Path }

// Engine runs flows in this process.
type Engine struct {
	log        *zap.Logger
	files      []*flow.File
	ready      func([]Listener)
	listeners  *listen.Set
	units      []*unit // in the order of start
	instances  []*instance
	bestEffort []*pipeline.BestEffort
	several    bool // flows, so that names need the flow's
	end        ending

	// stages holds what ends the connectors of each role.
	stages [flow.Target + 1]stage
	// abandon ends the time for a graceful end.
	abandoned context.Context
	abandon   context.CancelFunc
	// settle tells servers that nothing more comes for their connections.
	settled context.Context
	settle  context.CancelFunc

	mu        sync.Mutex
	running   bool
	beforeCut link.Stats // when abandon was called

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
	e := &Engine{
		log:       opts.Log,
		files:     opts.Files,
		ready:     opts.Ready,
		listeners: listen.New(opts.Log),
		several:   len(opts.Files) > 1,
		end:       ending{begin: make(chan struct{})},
	}
	e.abandoned, e.abandon = context.WithCancel(context.Background())
	e.settled, e.settle = context.WithCancel(context.Background())
	for i := range e.stages {
		s := &e.stages[i]
		s.ctx, s.cancel = context.WithCancel(context.Background())
	}
	boot := bootID()
	for _, f := range opts.Files {
		b := builder{engine: e, file: f, boot: boot}
		if err := b.build(); err != nil {
			return nil, err
		}
		b.addInstances()
	}
	// Of several flows, too, all targets start before any client, and so on.
	slices.SortStableFunc(e.units, func(a, b *unit) int { return int(b.shape.Role) - int(a.shape.Role) })
	return e, nil
}

// Run runs the flows until they end, or until ctx ends and the drain that
// follows is over. It returns the process's exit code. The error says why the
// flows could not start; then nothing has run and nothing is left behind. It
// may be called once.
func (e *Engine) Run(ctx context.Context) (code int, err error) {
	defer e.abandon()
	defer e.settle()
	defer e.end.stopTimers()
	start := time.Now()
	if err := e.prepare(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return 0, nil // told to end before it began
		}
		return 1, err
	}
	if e.ready != nil {
		e.ready(e.routes())
	}
	e.setRunning(true)
	e.log.Info("running", zap.Int("connectors", len(e.units)), zap.Duration("started_in", time.Since(start)))
	e.startInstances()
	for _, u := range e.units {
		go u.supervise(u.running, e.stages[flow.Source].ctx)
	}
	why := "told to end"
	select {
	case <-ctx.Done():
		e.end.decide(0)
	case <-e.end.begin:
		why = e.end.reason()
	case <-e.abandoned.Done():
		e.end.decide(0)
	}
	e.setRunning(false)
	return e.drain(why), nil
}

// Stop ends a drain, or skips it: what is in flight is dropped. It returns at
// once; Run returns soon after. It may be called at any time, more than once.
func (e *Engine) Stop() { e.cut() }

// prepare acquires what all connectors need, or nothing.
func (e *Engine) prepare(ctx context.Context) error {
	for i, u := range e.units {
		err := u.prepare(ctx)
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			for _, prepared := range slices.Backward(e.units[:i+1]) {
				prepared.release()
				prepared.table.Close(err)
			}
			for _, rest := range e.units[i+1:] {
				rest.table.Close(err)
			}
			return e.named(u, err)
		}
	}
	return nil
}

// named says which connector an error concerns.
func (e *Engine) named(u *unit, err error) error {
	if e.several {
		return fmt.Errorf("%s: %s: %w", u.component.Flow, u.component.Address(), err)
	}
	return fmt.Errorf("%s: %w", u.component.Address(), err)
}

// routes lists what the connectors listen on.
func (e *Engine) routes() []Listener {
	var all []Listener
	for _, u := range e.units {
		all = append(all, u.listeners()...)
	}
	return all
}

func (e *Engine) setRunning(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = on
}

// sourceEnded is told by each source that has ended; the last one ends the
// process.
func (e *Engine) sourceEnded() {
	code := 0
	for _, u := range e.units {
		if !u.source {
			continue
		}
		ended, failed := u.sourceState()
		if !ended {
			return
		}
		if failed {
			code = 1
		}
	}
	e.end.exit(code, 0, "all sources have ended")
}
