package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/call"
	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// client is the connector http_client, and the writer of its link: a flow.Asker.
type client struct {
	config      *Config
	caller      *call.Caller
	target      *call.Target
	slots       chan struct{} // one is taken by each request that is made
	warned      atomic.Bool   // of insecure
	away        atomic.Int64  // until when a question waits that has failed, Unix nanoseconds
	host        flow.Host
	headers     http.Header // of every request, but for Host
	hostField   string
	contentType []string

	mu   sync.Mutex
	busy int           // calls of Ask
	idle chan struct{} // closed when there is none any more; made by who waits
}

// Run implements flow.Connector. It connects nowhere: the first event does.
func (c *client) Run(ctx context.Context, host flow.Host) error {
	c.begin(host)
	if c.config.Queue != nil {
		c.caller.Patience, c.caller.Failing = ctx, c.waits
	}
	defer c.caller.Client.CloseIdleConnections()
	link, err := host.Open(c.self(), c)
	if err != nil {
		return err
	}
	<-ctx.Done()
	c.await()                      // what answers lead to may be more questions
	_ = link.Flush(host.Abandon()) // what is not answered stays in the queue
	link.Close(context.Background(), &flow.Ended{Cause: flow.EndedDrain})
	c.await()
	return nil
}

// begin is the beginning of Run. It tells once of what is not safe.
func (c *client) begin(host flow.Host) {
	c.host, c.contentType = host, []string{host.MediaType()}
	c.caller.Until, c.caller.Patience = host.Abandon(), host.Abandon()
	if c.config.TLS != nil && c.config.TLS.Insecure && c.warned.CompareAndSwap(false, true) {
		host.Log().Warn("insecure = true: the server's certificate is not checked, anybody on the way can read and change what is sent",
			zap.Stringer("url", c.config.URL))
	}
}

// waits tells why an event waits in the queue.
func (c *client) waits(err error, wait time.Duration) {
	c.away.Store(time.Now().Add(wait).UnixNano())
	c.host.Log().Warn("an event is not delivered yet, and stays in the queue", zap.Error(err), zap.Duration("again_in", wait))
}

func (c *client) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy++
}

func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy--; c.busy == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// await returns when nobody asks.
func (c *client) await() {
	c.mu.Lock()
	if c.busy == 0 {
		c.mu.Unlock()
		return
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	c.mu.Unlock()
	<-idle
}

// inAnswer is the context of what an answer is received with. An answer may lead to
// a question, in the same goroutine.
type inAnswer struct {
	context.Context
	depth int
}

type inAnswerKey struct{}

// Value implements context.Context.
func (c *inAnswer) Value(key any) any {
	if key == (inAnswerKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// maxDepth is how long a chain may be of answers that lead to questions: it is a chain
// of calls, in memory.
const maxDepth = 200

var errDeep = fmt.Errorf("this is a question that an answer has led to, and so on for %d times, which is the longest such chain: let a pipeline that holds events break it, like a batch", maxDepth)

// Ask implements flow.Asker. Of several frames, some are asked ahead of others whose
// answers are waited for, but the answers are received in the order of the questions.
func (c *client) Ask(ctx context.Context, frames []flow.Frame) error {
	c.enter()
	defer c.leave()
	depth := 1
	if outer, ok := ctx.Value(inAnswerKey{}).(*inAnswer); ok {
		depth = outer.depth + 1
	}
	if depth > maxDepth {
		return errDeep
	}
	inner := &inAnswer{ctx, depth}
	if len(frames) == 1 || c.config.Concurrency == 1 {
		return c.askInTurn(inner, frames)
	}
	return c.askAhead(inner, frames)
}

func (c *client) askInTurn(ctx *inAnswer, frames []flow.Frame) (failed error) {
	for i := range frames {
		answer, err := c.ask(ctx, &frames[i])
		if err == nil {
			err = c.receive(ctx, &frames[i], &answer)
		}
		if err != nil {
			flow.Fail(&failed, i, err)
		}
	}
	return failed
}

func (c *client) askAhead(ctx *inAnswer, frames []flow.Frame) (failed error) {
	type outcome struct {
		answer call.Answer
		err    error
		done   chan struct{}
	}
	outcomes := make([]outcome, len(frames))
	begun := 0
	for i := range frames {
		for ; begun < len(frames) && begun < i+c.config.Concurrency; begun++ {
			o, f := &outcomes[begun], &frames[begun]
			o.done = make(chan struct{})
			go func() {
				defer close(o.done)
				o.answer, o.err = c.ask(ctx, f)
			}()
		}
		o := &outcomes[i]
		<-o.done
		if o.err == nil {
			o.err = c.receive(ctx, &frames[i], &o.answer)
		}
		if o.err != nil {
			flow.Fail(&failed, i, o.err)
		}
	}
	return failed
}

// ask gets the answer to one frame.
func (c *client) ask(ctx context.Context, f *flow.Frame) (call.Answer, error) {
	q, err := c.question(f)
	if err != nil {
		return call.Answer{}, err
	}
	if c.caller.Patience.Err() != nil {
		return call.Answer{}, flow.ErrClosed
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return call.Answer{}, context.Cause(ctx)
	case <-c.caller.Until.Done():
		return call.Answer{}, flow.ErrClosed
	}
	defer func() { <-c.slots }()
	if c.config.Queue == nil {
		return c.caller.Call(ctx, q)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	defer context.AfterFunc(c.caller.Patience, func() {
		sleep(ctx, time.Until(began.Add(time.Duration(c.config.Queue.Linger))))
		cancel(flow.ErrClosed) // it stays in the queue
	})()
	answer, err := c.caller.Call(ctx, q)
	c.away.Store(0)
	return answer, err
}

// Away implements flow.Remote.
func (c *client) Away() bool { return time.Now().UnixNano() < c.away.Load() }

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// receive lets an answer leave by out, as one that can be a reply to where its
// question came from.
func (c *client) receive(ctx context.Context, f *flow.Frame, a *call.Answer) error {
	defer a.Release()
	if a.Deaf {
		return nil
	}
	link, err := c.host.OpenFor(f, c.peer(a))
	if err != nil {
		return err
	}
	frames := [1]flow.Frame{{Data: a.Body, Empty: len(a.Body) == 0, Meta: said(a, wrote.Of(f.Meta, typeName))}}
	err = link.Receive(ctx, frames[:])
	err = errors.Join(err, link.Finish(ctx))
	link.Close(ctx, nil)
	switch {
	case err == nil || c.config.Queue == nil:
		return err
	case c.caller.Patience.Err() != nil:
		return flow.ErrClosed
	}
	// That another connector has ended is no end of this one.
	return fmt.Errorf("the answer was not delivered: %v", err) //nolint:errorlint // see there
}

// Write implements flow.Writer; an outlet that asks does not call it.
func (c *client) Write(ctx context.Context, frames []flow.Frame, _ bool) error {
	return c.Ask(ctx, frames)
}

// Flush implements flow.Writer: nothing is held back.
func (c *client) Flush(context.Context) error { return nil }
