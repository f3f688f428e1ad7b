package http

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

const (
	// retryAfter is when a client may come again that could not be served now.
	retryAfter = time.Second
	// defaultMore is how long a flow may take that has promised more, when nothing
	// says how long it may take at all.
	defaultMore = 30 * time.Second
)

// exchange is a request at work, and the writer of its link. What is not under mu
// belongs to the handler's goroutine.
type exchange struct {
	server  *server
	w       http.ResponseWriter
	r       *http.Request
	control http.ResponseController
	link    flow.Link
	ctx     handling
	frames  [1]flow.Frame
	ending  bool // the server was, when the request came
	written bool // the head of the answer is

	mu      sync.Mutex
	held    []byte        // of the answer: not written yet
	buffer  *[]byte       // the last one of bodies that held was put into
	head    wrote.Wrote   // what the first reply says of the answer
	replied bool          // there is one
	more    bool          // the last one has promised more
	over    bool          // what comes now comes too late
	cut     error         // why the runtime wants the connection to end
	changed chan struct{} // closed when somebody who waits should look again; made by those
}

// handling is the context of what the handler does for an exchange: a reply that is
// sent with it is sent by the handler itself.
type handling struct {
	context.Context
	of *exchange
}

type handlingKey struct{}

// Value implements context.Context.
func (c *handling) Value(key any) any {
	if key == (handlingKey{}) {
		return c.of
	}
	return c.Context.Value(key)
}

var errAborted = errors.New("the client has gone")

// serve receives the request and answers it.
func (x *exchange) serve(r *route, peer flow.Peer) {
	s := x.server
	x.ctx = handling{s.host.Abandon(), x}
	link, err := s.host.Open(peer, x)
	s.announced()
	if err != nil {
		x.refuse(refusalOf(err), err)
		return
	}
	x.link = link
	defer x.close(&err)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // it is a value of panic
				panic(p)
			}
			err = fmt.Errorf("the flow panicked: %v", p)
			s.host.Log().Error("the flow panicked on a request", zap.String("peer", peer.Addr()), zap.Error(err), zap.ByteString("stack", debug.Stack()))
			x.refuse(refusalOf(err), err)
		}
	}()
	if err = x.receive(r); err == nil {
		err = x.await()
	}
	if err == nil {
		x.conclude()
		return
	}
	if errors.Is(err, errAborted) {
		x.abort()
	}
	x.refuse(refusalOf(err), err)
}

func (x *exchange) close(err *error) {
	x.mu.Lock()
	x.over = true
	cut := x.cut
	x.release()
	x.wake()
	x.mu.Unlock()
	if *err == nil {
		x.link.Close(context.Background(), nil)
		return
	}
	x.link.Close(context.Background(), &flow.Ended{Err: *err, Torn: true, Cause: x.cause(*err, cut)})
}

// cause is why a request was not answered by the flow.
func (x *exchange) cause(err, cut error) flow.Cause {
	refusal, ended := (*access.Refusal)(nil), (*flow.Ended)(nil)
	switch {
	case errors.As(cut, &ended):
		return ended.Cause
	case x.ctx.Err() != nil || errors.As(err, &refusal) && refusal == goingAway:
		return flow.EndedDrain
	case errors.Is(err, errAborted):
		return flow.EndedLost
	case refusalOf(err).Status < http.StatusInternalServerError:
		return flow.EndedViolation
	}
	return flow.EndedFault
}

// await returns when the flow has replied to all of the request, or when it need
// not be waited for. An error is a refusal, or errAborted.
func (x *exchange) await() error {
	limit := time.Duration(x.server.config.ReplyTimeout)
	var timer *time.Timer
	var settled <-chan struct{}
	ending := x.server.ending
	for {
		x.mu.Lock()
		cut, replied, more, part := x.cut, x.replied, x.more, len(x.held) > 0 || !x.written
		var changed <-chan struct{}
		waits := cut == nil && (replied && more && !part || !replied && limit != 0)
		if waits {
			changed = x.waiter()
		}
		x.mu.Unlock()
		switch {
		case waits:
		case cut != nil:
			return cutBy(cut)
		case !more:
			return nil
		default:
			if err := x.push(); err != nil {
				return errAborted
			}
			if timer != nil {
				timer.Reset(cmp.Or(limit, defaultMore))
			}
			continue
		}
		if timer == nil {
			_ = x.control.SetReadDeadline(time.Time{}) // that of the body; a broken connection shows elsewhere
			timer = time.NewTimer(cmp.Or(limit, defaultMore))
			defer timer.Stop()
		}
		select {
		case <-changed:
		case <-timer.C:
			return x.unanswered(noReply)
		case <-ending:
			ending = nil
			var stop func()
			settled, stop = x.settle()
			defer stop()
		case <-settled:
			return x.unanswered(goingAway)
		case <-x.r.Context().Done():
			return errAborted
		case <-x.ctx.Done():
			return errAborted
		}
	}
}

// unanswered is the end of a wait. A reply that has come at the same time counts.
func (x *exchange) unanswered(why *access.Refusal) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.replied && !x.more {
		return nil
	}
	return why
}

// settle returns a channel that is closed when no reply can come any more, and those
// that have come are written; stop ends the wait for that.
func (x *exchange) settle() (settled <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(x.server.host.Abandon())
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.link.Settle(ctx)
		_ = x.link.Flush(ctx) // what could not be written is counted by the link
	}()
	return done, func() {
		cancel()
		<-done
	}
}

// waiter returns what is closed when something has changed. The caller holds mu.
func (x *exchange) waiter() <-chan struct{} {
	if x.changed == nil {
		x.changed = make(chan struct{})
	}
	return x.changed
}

// wake makes those look again who wait. The caller holds mu.
func (x *exchange) wake() {
	if x.changed != nil {
		close(x.changed)
		x.changed = nil
	}
}

// abandon implements served.
func (x *exchange) abandon() {
	_ = x.control.SetReadDeadline(past)  // what these break shows where it is used
	_ = x.control.SetWriteDeadline(past) //
}

// Write implements flow.Writer.
func (x *exchange) Write(ctx context.Context, frames []flow.Frame, _ bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range frames {
		if err := x.room(ctx, len(frames[i].Data)); err != nil {
			return &flow.WriteError{Written: i, Err: err}
		}
		said := wroteOf(frames[i].Meta)
		if !x.replied {
			x.head = said
		}
		x.hold(frames[i].Data)
		x.replied, x.more = true, said.Is("more")
	}
	x.wake()
	return nil
}

// hold adds to what is held. The caller holds mu.
func (x *exchange) hold(data []byte) {
	if x.held == nil {
		x.buffer = bodies.Get().(*[]byte)
		x.held = (*x.buffer)[:0]
	}
	x.held = append(x.held, data...)
}

// release gives the memory of what was held to others, once nothing is held any more.
// The caller holds mu.
func (x *exchange) release() {
	if x.held != nil && cap(x.held) <= largeBody {
		*x.buffer = x.held[:cap(x.held)]
		bodies.Put(x.buffer)
	}
	x.held = nil
}

// room returns nil when n more bytes can be held. The handler itself writes what is
// held to make room; others wait for it. The caller holds mu, which is given up
// meanwhile.
func (x *exchange) room(ctx context.Context, n int) error {
	most := int(x.server.config.Queue.MaxBytes)
	var timeout <-chan time.Time
	for !x.over && len(x.held) > 0 && len(x.held)+n > most {
		if mine, _ := ctx.Value(handlingKey{}).(*exchange); mine == x {
			x.mu.Unlock()
			err := x.push()
			x.mu.Lock()
			if err != nil {
				return err
			}
			continue
		}
		if timeout == nil {
			timer := time.NewTimer(time.Duration(x.server.config.Queue.WriteTimeout))
			defer timer.Stop()
			timeout = timer.C
		}
		changed := x.waiter()
		x.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-timeout:
			err = os.ErrDeadlineExceeded
		case <-ctx.Done():
			err = ctx.Err()
		}
		x.mu.Lock()
		if err != nil {
			return err
		}
	}
	if x.over {
		return flow.ErrGone
	}
	return nil
}

// Flush implements flow.Writer: the handler writes what is held when the request
// has been read.
func (x *exchange) Flush(context.Context) error { return nil }

// Disconnect implements flow.Disconnecter.
func (x *exchange) Disconnect(reason error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cut == nil {
		x.cut = reason
	}
	x.wake()
	_ = x.control.SetReadDeadline(past) // who reads the body looks
}

// parted is why the runtime wants the request to end; nil when it does not.
func (x *exchange) parted() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cut == nil {
		return nil
	}
	return cutBy(x.cut)
}

// cutBy is how a request ends that the runtime wants to: a client to blame is
// told.
func cutBy(reason error) error {
	if unreadable := (*flow.Unreadable)(nil); errors.As(reason, &unreadable) {
		return reason
	}
	return errAborted
}
