// Package reload has a process read its flows again while they run: at a signal,
// when it is asked to, or when files have changed. One goroutine does it all, so
// that what is read last is what runs.
package reload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/announce"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/systemd"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/watch"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/admin/metrics"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
)

// Options say what is reloaded.
type Options struct {
	Engine *engine.Engine
	Files  []*flowfile.File                                // that it runs
	Read   *flows.Report                                   // of their files
	Load   func() ([]*flowfile.File, *flows.Report, error) // reads the flows
	Report func(*flows.Report)                             // shows what is to be said about them
	// Systemd is told when a reload begins and when it is over.
	Systemd *systemd.Notifier
	// Restart tells whether something in files takes effect only when the process
	// starts anew.
	Restart func(files []*flowfile.File) bool
	// Loaded is told what runs now.
	Loaded   func(files []*flowfile.File)
	Announce announce.Announcer
	Log      *zap.Logger
}

// Reloader reads flows again while they run.
type Reloader struct {
	Options
	files []*flowfile.File // that run
	asked chan chan<- outcome
	ended chan struct{} // closed when Run has returned

	mu     sync.Mutex
	count  metrics.Reloads
	config []admin.ConfigFile // of what runs
}

// outcome is what has come of a reload.
type outcome struct {
	report *flows.Report // of the files
	done   *engine.Reloaded
	err    error
}

// why says what has gone wrong to who does not see what was written of the files.
func (o *outcome) why() string {
	if o.report != nil && o.report.HasErrors() {
		return "the files have errors, which are in the log"
	}
	return o.err.Error()
}

// written is why a watcher wants a reload.
const written = "the files have changed"

// New returns a Reloader, which does nothing before Run.
func New(o Options) *Reloader {
	return &Reloader{
		Options: o, files: o.Files, asked: make(chan chan<- outcome), ended: make(chan struct{}),
		config: configOf(o.Read),
		count:  metrics.Reloads{LastGood: true, LoadedAt: time.Now()},
	}
}

// reload makes the engine run what the files say now, and tells what came of
// it. Nothing changes when that is not possible.
func (r *Reloader) reload(ctx context.Context, why string) (o outcome) {
	r.Systemd.Reloading()
	defer func() { r.Systemd.Reloaded(o.err) }()
	start := time.Now()
	log := r.Log.With(zap.String("why", why))
	var files []*flowfile.File
	files, o.report, o.err = r.Load()
	if o.err == nil {
		r.Report(o.report)
		if o.report.HasErrors() {
			o.err = errors.New("the files have errors, which are listed above")
		}
	}
	restart := o.err == nil && r.Restart(files)
	if restart {
		log.Warn("the block admin has changed, which takes effect when the process starts anew")
	}
	if why == written {
		r.Announce.Saved(r.files, files, restart, o.err == nil)
	}
	if o.err == nil {
		o.done, o.err = r.Engine.Reload(ctx, files)
	}
	if o.err != nil && ctx.Err() != nil {
		o.err = engine.ErrNotRunning
	}
	if errors.Is(o.err, engine.ErrNotRunning) {
		log.Warn("no reload: the flows are about to end")
		return o
	}
	r.note(o, start)
	if o.err != nil {
		log.Error("the reload failed, the flows run on as they are", zap.Error(o.err))
		r.Announce.Failed(o.why())
		return o
	}
	r.files = files
	r.Loaded(files)
	r.Announce.Reloaded(o.done.Changes, restart)
	n := o.done.Count
	log.Info("reloaded", zap.Int("kept", n[graph.Keep]), zap.Int("rewired", n[graph.Rewire]), zap.Int("started", n[graph.Start]),
		zap.Int("restarted", n[graph.Restart]), zap.Int("stopped", n[graph.Stop]), zap.Duration("took", time.Since(start)))
	return o
}

// note counts a reload.
func (r *Reloader) note(o outcome, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.LastTook = time.Since(at)
	if r.count.LastGood = o.err == nil; r.count.LastGood {
		r.count.Good++
		r.count.LoadedAt = at
		r.config = configOf(o.report)
	} else {
		r.count.Bad++
	}
}

// configOf are the files that were read, without secrets.
func configOf(read *flows.Report) []admin.ConfigFile {
	all := []admin.ConfigFile{}
	for _, f := range read.Shown() {
		all = append(all, admin.ConfigFile(f))
	}
	return all
}

// Config are the files of the flows that run, without secrets. It may be called from
// any goroutine.
func (r *Reloader) Config() []admin.ConfigFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config
}

// Reloads says what has become of reloads so far. It may be called from any
// goroutine.
func (r *Reloader) Reloads() metrics.Reloads {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Run reloads at each SIGHUP, when it is asked to and, with a watcher, whenever
// what it watches has changed, until ctx ends.
func (r *Reloader) Run(ctx context.Context, hangups <-chan os.Signal, w *watch.Watcher) {
	defer close(r.ended)
	var changes <-chan struct{}
	if w != nil {
		go w.Run(ctx)
		changes = w.Changes
	}
	for {
		var why string
		var asks chan<- outcome
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			why = "SIGHUP"
		case <-changes:
			why = written
		case asks = <-r.asked:
			why = "the admin API"
		}
		o := r.reloadWatched(ctx, why, w)
		if asks != nil {
			asks <- o
		}
	}
}

// reloadWatched tells the watcher, if there is one, what has been read.
func (r *Reloader) reloadWatched(ctx context.Context, why string, w *watch.Watcher) outcome {
	if w == nil {
		return r.reload(ctx, why)
	}
	before := w.AboutToRead()
	o := r.reload(ctx, why)
	w.HasRead(before, o.report.Files())
	return o
}

// Ask has Run reload, and waits for what comes of it. It may be called from any
// goroutine.
func (r *Reloader) Ask(ctx context.Context) (admin.Reloaded, error) {
	answer := make(chan outcome, 1)
	select {
	case r.asked <- answer:
	case <-r.ended:
		return admin.Reloaded{}, engine.ErrNotRunning
	case <-ctx.Done():
		return admin.Reloaded{}, fmt.Errorf("other reloads are still at work: %w", ctx.Err())
	}
	var o outcome
	select {
	case o = <-answer:
	case <-ctx.Done():
		return admin.Reloaded{}, fmt.Errorf("the reload is still at work: %w", ctx.Err())
	}
	if o.report != nil && o.report.HasErrors() {
		return admin.Reloaded{}, errors.New(strings.TrimSpace(o.report.Text(false)))
	}
	if o.err != nil {
		return admin.Reloaded{}, o.err
	}
	n := o.done.Count
	return admin.Reloaded{Kept: n[graph.Keep], Rewired: n[graph.Rewire], Started: n[graph.Start], Restarted: n[graph.Restart], Stopped: n[graph.Stop]}, nil
}
