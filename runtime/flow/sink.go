package flow

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Sink takes events, as io.Writer takes bytes.
//
// Send blocks until each event of batch is delivered, taken by a declared
// holding point, or refused. It keeps nothing of batch and does not change it.
// A nil error is the acknowledgement: the caller may forget the events. A
// *BatchError names those that failed; any other error means all of them.
//
// Send is called from any goroutine, several at once unless the sink's owner
// promises otherwise. A wait inside Send ends with ctx.
type Sink interface {
	Send(ctx context.Context, batch []Event) error
}

// Failure is one event of a batch that was not delivered.
type Failure struct {
	Index int // in the batch
	Err   error
}

// BatchError says which events of a batch failed, in ascending order of Index;
// the others are delivered.
type BatchError struct{ Failed []Failure }

// Error describes the first failure and counts the others.
func (e *BatchError) Error() string {
	if len(e.Failed) == 1 {
		return e.Failed[0].Err.Error()
	}
	return fmt.Sprintf("%v (and %d more events)", e.Failed[0].Err, len(e.Failed)-1)
}

// Unwrap returns the first failure, so that errors.Is finds its cause.
func (e *BatchError) Unwrap() error { return e.Failed[0].Err }

// Fail adds a failure to *err, a *BatchError or nil. Failures are added in
// ascending order of index.
func Fail(err *error, index int, cause error) {
	var be *BatchError
	if *err == nil || !errors.As(*err, &be) {
		be = &BatchError{}
		*err = be
	}
	be.Failed = append(be.Failed, Failure{index, cause})
}

// Failures calls f for each event of a batch of n that err, the result of a
// Send, says has failed.
func Failures(err error, n int, f func(index int, cause error)) {
	if err == nil {
		return
	}
	if be, ok := err.(*BatchError); ok { //nolint:errorlint // a wrapped one speaks of another batch
		for _, fail := range be.Failed {
			f(fail.Index, fail.Err)
		}
		return
	}
	for i := range n {
		f(i, err)
	}
}

// Errors that a Send may return or wrap. The text completes "action object:".
var (
	ErrGone     = errors.New("the connection is no longer open")
	ErrNoReturn = errors.New("the event came from no connection of this connector, so there is none to reply to")
	ErrClosed   = errors.New("the connector has ended")
	ErrFull     = errors.New("the queue is full")
	// ErrDuplicate is Open's, see [Host].
	ErrDuplicate = errors.New("another connection has the same session key")
	// ErrSlow and ErrReplaced are reasons to disconnect, and of type *Ended.
	ErrSlow     error = &Ended{Err: errors.New("slow consumer"), Cause: EndedSlow}
	ErrReplaced error = &Ended{Err: errors.New("replaced by a new connection"), Cause: EndedReplaced}
)

// Port is a place where a component gives events away: `out`, `err`, or a
// named exit of a pipeline. What it is connected to can be swapped at any
// time, from any goroutine, while events pass.
//
// A port that nothing is connected to counts and drops what it is given.
type Port struct {
	to      atomic.Pointer[Sink]
	aside   atomic.Pointer[Sink]
	dropped atomic.Uint64
}

// Connect makes s the port's target; nil disconnects it.
func (p *Port) Connect(s Sink) { set(&p.to, s) }

// Aside makes s hear what is sent while nothing is connected, which is dropped all
// the same; nil ends that.
func (p *Port) Aside(s Sink) { set(&p.aside, s) }

func set(at *atomic.Pointer[Sink], s Sink) {
	if s == nil {
		at.Store(nil)
		return
	}
	at.Store(&s)
}

// Connected reports whether events that are sent go anywhere.
func (p *Port) Connected() bool { return p.to.Load() != nil }

// Heard reports whether anybody hears of events that are sent.
func (p *Port) Heard() bool { return p.Connected() || p.aside.Load() != nil }

// Dropped counts the events that were sent while nothing was connected.
func (p *Port) Dropped() uint64 { return p.dropped.Load() }

// Send implements Sink.
func (p *Port) Send(ctx context.Context, batch []Event) error {
	if s := p.to.Load(); s != nil {
		return (*s).Send(ctx, batch)
	}
	p.dropped.Add(uint64(len(batch)))
	if s := p.aside.Load(); s != nil {
		_ = (*s).Send(ctx, batch) // of no consequence here
	}
	return nil
}
