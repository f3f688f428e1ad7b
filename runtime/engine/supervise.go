package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/waits"
	"go.uber.org/zap"
)

// supervise runs the connector, which is prepared, until it has ended or
// failed for good, or ctx has ended. sources is the ctx that ends Feed.
func (u *unit) supervise(ctx, sources context.Context) {
	defer close(u.done)
	between := waits.New(waits.Terms(u.common.Reconnect))
	failures := 0 // in a row
	for prepared := true; ; prepared = false {
		err := u.attempt(ctx, sources, prepared)
		if final := (*flow.Ended)(nil); err == nil || ctx.Err() != nil || errors.As(err, &final) {
			u.ended(err)
			return
		}
		if u.life.Succeeded() {
			failures = 0
			between.Reset()
		} else {
			failures++
		}
		if limit := u.common.Reconnect.MaxRetries; limit > 0 && failures >= limit {
			u.failed(err, failures)
			return
		}
		wait := between.Next()
		u.life.BackingOff(err, failures, wait, u.feeding.Err() != nil)
		if !sleep(ctx, wait) {
			u.ended(nil)
			return
		}
	}
}

// attempt is one try to do the connector's work.
func (u *unit) attempt(ctx, sources context.Context, prepared bool) error {
	u.life.Connecting()
	defer u.release()
	if err := ctx.Err(); err != nil {
		return nil //nolint:nilerr // the end was there first
	}
	if !prepared {
		if err := u.prepare(ctx); err != nil {
			return err
		}
	}
	u.life.Listening(u.listeners())
	return u.run(ctx, sources)
}

// failed: the connector has given up.
func (u *unit) failed(err error, failures int) {
	u.life.Failed(err, failures, u.common.OnFailure)
	u.table.Close(err)
	if u.common.OnFailure == "exit" {
		u.engine.end.Exit(1, 0, u.component.Address()+" has given up")
	} else if u.isSource() {
		u.engine.sourceEnded()
	}
}

// ended: the connector's work is done, or it was told to end. err is what it
// said then.
func (u *unit) ended(err error) {
	u.mu.Lock()
	u.spoilt = err != nil
	u.mu.Unlock()
	u.life.Ended(err)
	u.table.Close(err)
	if u.isSource() {
		u.engine.sourceEnded()
	}
}

// catch makes an error of a panic in the connector's code.
func (u *unit) catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
		u.log.Error("the connector panicked, which is a bug in it", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
	}
}

// sleep reports whether it lasted until its end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
