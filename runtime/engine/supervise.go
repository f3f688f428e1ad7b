package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/flowrun/flowrun/runtime/engine/internal/waits"
	"go.uber.org/zap"
)

// supervise runs the connector, which is prepared, until it has ended or
// failed for good, or ctx has ended. sources is the ctx that ends Feed.
func (u *unit) supervise(ctx, sources context.Context) {
	defer close(u.done)
	between := waits.New(u.common.Reconnect)
	failures := 0 // in a row
	for prepared := true; ; prepared = false {
		err := u.attempt(ctx, sources, prepared)
		if err == nil || ctx.Err() != nil {
			u.ended(err)
			return
		}
		if u.hasSucceeded() {
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
		u.backsOff(err, failures, wait)
		if !sleep(ctx, wait) {
			u.ended(nil)
			return
		}
	}
}

// attempt is one try to do the connector's work.
func (u *unit) attempt(ctx, sources context.Context, prepared bool) error {
	u.connects()
	defer u.release()
	if err := ctx.Err(); err != nil {
		return nil //nolint:nilerr // the end was there first
	}
	if !prepared {
		if err := u.prepare(ctx); err != nil {
			return err
		}
	}
	u.listens()
	return u.run(ctx, sources)
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
