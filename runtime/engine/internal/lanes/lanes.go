// Package lanes gives a connector a connection per key of what it is sent, as `per`
// says: each is a Run of the connector, apart from all others.
package lanes

import (
	"context"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/waits"
	"go.uber.org/zap"
)

// Host is what the engine is to its connectors.
type Host interface {
	flow.Host
	flow.Halter
	flow.Stopwatch
}

// Lanes is a connector that has a connection per key of what it is sent: each
// is a Run of the connector that it stands for.
//
// A connection that is lost is tried again, as the `reconnect` block says and
// apart from all others, while something waits for it. When nothing does, its
// lane ends; the next event of the key opens another.
type Lanes struct {
	Host      Host
	Connector flow.Connector
	Reconnect flowfile.Reconnect
	Idle      time.Duration    // after which a connection ends; 0 for never
	Running   context.Context  // ends when the connector is told to
	Opened    func()           // is told that the connector is up
	Tried     func()           // is told of each attempt to connect
	Reopened  func()           // is told that a key has a connection again
	EndIdle   func(time.Time)  // ends the connections that are idle since
	Catch     func(err *error) // is deferred around the connector's code

	mu    sync.Mutex
	ended bool // no lane is served any more
	run   sync.WaitGroup
}

// Run implements flow.Connector. It ends the lanes that are idle until ctx
// ends, and returns when all of them have.
func (s *Lanes) Run(ctx context.Context, _ flow.Host) error {
	s.Opened() // to wait for events is all it has to do
	s.sweep(ctx)
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.run.Wait()
	return nil
}

func (s *Lanes) sweep(ctx context.Context) {
	if s.Idle <= 0 {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(min(max(s.Idle/4, 10*time.Millisecond), time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.EndIdle(now.Add(-s.Idle))
		}
	}
}

// Serve is link.Config's: it sees to a lane's connection.
func (s *Lanes) Serve(lane *link.Lane) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return flow.ErrClosed
	}
	s.run.Go(func() { lane.Close(s.connect(lane)) })
	return nil
}

// connect gives the lane connections until it ends, and returns why it did.
func (s *Lanes) connect(lane *link.Lane) error {
	ctx := s.Running
	between := waits.New(waits.Terms(s.Reconnect))
	limit := s.Reconnect.MaxRetries
	reopened := func() {}
	trace := lane.Trace()
	for failures := 0; ; {
		last := lane.Ending().Err() != nil
		opened, err := s.attempt(ctx, lane, trace, reopened)
		if err == nil || last || ctx.Err() != nil {
			return err
		}
		failures++
		if opened {
			failures, reopened, trace = 0, s.Reopened, nil // that event has gone
			between.Reset()
		}
		log := s.Host.Log().With(zap.Error(err), zap.Int("failed_attempts", failures), zap.Int("waiting", lane.Waiting()))
		if limit > 0 && failures >= limit {
			log.Error("one of the connections is given up")
			return err
		}
		log.Warn("one of the connections is lost")
		sleepBoth(ctx, lane.Ending(), between.Next())
		if ctx.Err() != nil || lane.Retire() {
			return err
		}
	}
}

// sleepBoth sleeps until one of two contexts ends.
func sleepBoth(a, b context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.Done():
	case <-b.Done():
	}
}

// attempt is one connection of a lane, from the dial to its end.
func (s *Lanes) attempt(ctx context.Context, lane *link.Lane, trace *flow.Trace, isOpen func()) (opened bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.Tried()
	h := &laneHost{Host: s.Host, lane: lane, trace: trace, isOpen: isOpen, end: cancel}
	defer context.AfterFunc(lane.Ending(), h.ending)()
	func() {
		defer s.Catch(&err)
		err = s.Connector.Run(ctx, h)
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open, err
}

// laneHost is the flow.Host of one connection of a lane. When the lane is to
// end, the connection ends as soon as it can write what waits for it.
type laneHost struct {
	Host
	lane   *link.Lane
	trace  *flow.Trace
	isOpen func() // is told so
	end    context.CancelFunc

	mu   sync.Mutex
	open bool // the connection has come to be
	last bool // the lane is to end
}

// Trace implements flow.Traced.
func (h *laneHost) Trace() *flow.Trace { return h.trace }

// Open implements flow.Host.
func (h *laneHost) Open(peer flow.Peer, w flow.Writer) (flow.Link, error) {
	l, err := h.lane.Open(peer, w)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.isOpen()
	h.open = true
	if h.last {
		h.end()
	}
	return l, nil
}

func (h *laneHost) ending() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = true
	if h.open || h.lane.Waiting() == 0 {
		h.end()
	}
}
