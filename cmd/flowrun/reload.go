package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/watch"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/graph"
)

// reloader reads flows again while they run. One goroutine calls it.
type reloader struct {
	engine *engine.Engine
	in     *inputs
	paths  []string
	log    *zap.Logger
	stderr io.Writer
}

func newReloader(cmd *cobra.Command, e *engine.Engine, in *inputs, paths []string, log *zap.Logger) *reloader {
	return &reloader{engine: e, in: in, paths: paths, log: log, stderr: cmd.ErrOrStderr()}
}

// reload makes the engine run what the files say now, and tells what came of
// it. Nothing changes when that is not possible. The report is that of the
// files.
func (r *reloader) reload(ctx context.Context, why string) *flows.Report {
	start := time.Now()
	log := r.log.With(zap.String("why", why))
	files, report, err := r.in.load(r.paths)
	if err == nil {
		fmt.Fprint(r.stderr, report.Text(colourful(r.stderr)))
		if report.HasErrors() {
			err = errors.New("the files have errors, which are listed above")
		}
	}
	var done *engine.Reloaded
	if err == nil {
		done, err = r.engine.Reload(ctx, files)
	}
	if errors.Is(err, engine.ErrNotRunning) || ctx.Err() != nil {
		log.Warn("no reload: the flows are about to end")
		return report
	}
	if err != nil {
		log.Error("the reload failed, the flows run on as they are", zap.Error(err))
		return report
	}
	n := done.Count
	log.Info("reloaded", zap.Int("kept", n[graph.Keep]), zap.Int("rewired", n[graph.Rewire]), zap.Int("started", n[graph.Start]),
		zap.Int("restarted", n[graph.Restart]), zap.Int("stopped", n[graph.Stop]), zap.Duration("took", time.Since(start)))
	return report
}

// run reloads at each SIGHUP and, with a watcher, whenever what it watches has
// changed, until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal, w *watch.Watcher) {
	if w == nil {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				r.reload(ctx, "SIGHUP")
			}
		}
	}
	go w.Run(ctx)
	for {
		var why string
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			why = "SIGHUP"
		case <-w.Changes:
			why = "the files have changed"
		}
		before := w.AboutToRead()
		w.HasRead(before, r.reload(ctx, why).Files())
	}
}
