package link

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/encode"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/outlet"
	"github.com/flowrun/flowrun/runtime/queue"
	"github.com/flowrun/flowrun/runtime/session"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/topic"
	"go.uber.org/zap"
)

// Config is what the links of one connector have in common.
type Config struct {
	Component *flow.Component // its Coding is set by NewTable
	Shape     flow.Shape
	Codec     flow.CodecUse
	Pre, Post []flow.ProcessorUse
	OnDecode  string         // "err", "drop" or "close"
	Problems  *flow.Problems // its Port is the connector's err
	Log       *zap.Logger    // rate-limited
	// Settle waits until nothing more comes for a connection that is to end, or
	// until ctx ends; nil where nobody knows.
	Settle func(ctx context.Context)
	// Seq counts the connections of the connector. Tables that follow each other
	// in one place of a flow share it: no id is given twice, and the connections
	// of the one before are known as such. nil where there is one only.
	Seq *atomic.Uint64
	// Serve, where the shape says Per, sees to it that a new lane has its
	// connection. It returns at once; an error refuses the lane.
	Serve func(*Lane) error
	// Entered and Removed, where they are set, are told of each connection that
	// opens, once it is in the table and its session, and of its end, with the
	// reason that Link.Close was given: nil when all went well, a *flow.Ended when
	// the transport can say more. The connection's reader calls them, and waits.
	Entered func(*flow.Origin)
	Removed func(o *flow.Origin, reason error)
	// Queues are where persistent queues are opened, nil for a set of its own: tables
	// that follow each other in one place of a flow share it, and so the queue.
	Queues *queue.Set
	// Trace, where it is set, reads the trace that a client has named; nil for none.
	Trace func(*flow.Peer) *flow.Trace
}

// Table holds the open links of one connector. All methods may be called from
// any goroutine.
type Table struct {
	cfg  Config
	out  flow.Port
	gate gate
	// addressed says that an edge has led to the connector.
	addressed atomic.Bool
	terms     outlet.Terms
	framed    bool // frames have a type that the transport tells
	single    *outlet.Outlet
	seq       *atomic.Uint64

	topics   *flow.Topics // nil where nobody can subscribe
	board    *topic.Board[*outlet.Outlet]
	sessions *session.Book[*outlet.Outlet] // nil where connections are nobody's

	mu       sync.RWMutex
	closed   bool
	shut     bool               // no connection opens any more
	prepared bool               // its persistent queue is open
	links    map[uint64]*Link   // until their own end, which may be after the table's
	past     inward             // of those that were there
	ends     map[end][]*Link    // see linksOf
	open     []*outlet.Outlet   // see outlets
	lanes    map[string]*Lane   // by key: those that take events
	allLanes map[*Lane]struct{} // with those that are ending

	opened, failed, unheard, refused atomic.Uint64
	endings                          endings
}

// NewTable returns an empty table.
func NewTable(cfg Config) *Table {
	cfg.Component.Coding = encode.Coding(cfg.Pre, cfg.Codec.Type, false)
	t := &Table{
		cfg:    cfg,
		terms:  outlet.Terms{Terms: encode.NewTerms(cfg.Component.Type, cfg.Shape, cfg.Codec, cfg.Post), Queue: cfg.Shape.Queue, Keep: cfg.Shape.Keep, Log: cfg.Log},
		framed: !cfg.Shape.Stream,
		links:  map[uint64]*Link{},
		seq:    cfg.Seq,
	}
	if t.seq == nil {
		t.seq = new(atomic.Uint64)
	}
	t.terms.Undelivered = t.undelivered
	if len(t.terms.Tail) > 0 && t.terms.Keep == nil {
		t.terms.Keep = &setting.Keep{} // they wait for each other there
	}
	if t.topics = cfg.Shape.Topics; t.topics != nil {
		t.board = topic.NewBoard[*outlet.Outlet](topic.Match(t.topics.Match), t.topics.History)
	}
	if cfg.Shape.Sessions != nil {
		t.sessions = session.NewBook[*outlet.Outlet](cfg.Shape.Sessions)
	}
	switch {
	case cfg.Shape.Per != nil:
		t.lanes, t.allLanes = map[string]*Lane{}, map[*Lane]struct{}{}
	case !cfg.Shape.Many:
		t.single = outlet.New(&t.terms, outlet.OfConnector)
	}
	return t
}

// Out is the connector's `out` port.
func (t *Table) Out() *flow.Port { return &t.out }

// In is the connector's `in` port as one edge uses it: a sink that encodes and
// writes. deliver says which of several connections get an event; lostErr, that
// an event whose connections are all gone is a problem for the err port instead
// of being dropped and counted.
func (t *Table) In(deliver flow.Delivery, lostErr bool) flow.Sink {
	t.addressed.Store(true)
	if deliver == flow.Broadcast && t.cfg.Shape.Many {
		return newFanout(t, nil, lostErr)
	}
	return &replies{table: t, lostErr: lostErr}
}

// Addressed reports whether anything can come for connections of the connector: an
// edge leads to it, or did.
func (t *Table) Addressed() bool { return t.addressed.Load() }

// Open implements flow.Host's. It fails with flow.ErrClosed after Shut or Close.
func (t *Table) Open(peer flow.Peer, w flow.Writer) (flow.Link, error) {
	if t.single != nil {
		return t.add(&Link{table: t, out: t.single}, peer, w)
	}
	both := new(struct { // they live as long as each other: one piece of memory
		link Link
		out  outlet.Outlet
	})
	both.out.Make(&t.terms, outlet.OfConnection)
	both.link.table, both.link.out = t, &both.out
	return t.add(&both.link, peer, w)
}

// OpenFor implements flow.Host's. What leads to an answer by way of other answers is
// not remembered: a reply is never for those.
func (t *Table) OpenFor(question *flow.Frame, peer flow.Peer) (flow.Link, error) {
	cause := question.Origin
	for cause != nil {
		l, ok := cause.Link.(*Link)
		if !ok || !l.answers {
			break
		}
		cause = cause.Parent
	}
	return t.add(&Link{table: t, out: t.single, answers: true, origin: flow.Origin{Parent: cause, Trace: question.Trace}}, peer, nil)
}

// Heard implements flow.Host's.
func (t *Table) Heard() bool { return t.out.Heard() }

func (t *Table) add(l *Link, peer flow.Peer, w flow.Writer) (flow.Link, error) {
	if err := t.enter(l, peer, w); err != nil {
		return nil, err
	}
	if err := l.enterSession(); err != nil {
		t.remove(l)
		l.out.Close(err)
		return nil, err
	}
	if entered := t.cfg.Entered; entered != nil {
		entered(&l.origin)
	}
	l.opened()
	return l, nil
}

func (t *Table) enter(l *Link, peer flow.Peer, w flow.Writer) error {
	l.origin = flow.Origin{Link: l, Connector: t.cfg.Component, Peer: peer, Seq: t.seq.Add(1), Parent: l.origin.Parent, Trace: l.origin.Trace}
	if l.lane != nil {
		l.origin.Parent = l.lane.parent
	}
	switch parent := l.origin.Parent; {
	case l.origin.Trace != nil:
	case parent != nil:
		l.origin.Trace = parent.Trace
	case t.cfg.Trace != nil && !l.answers: // who answers names none
		l.origin.Trace = t.cfg.Trace(&l.origin.Peer)
	}
	l.reader.Own, l.since = l.out, time.Now().UnixNano()
	if l.out.Lasting() {
		before := l.out.Counts()
		l.eventsBefore, l.bytesBefore = before.Events, before.Bytes
	}
	t.opened.Add(1)
	l.inlet.init(l)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.shut {
		return flow.ErrClosed
	}
	t.links[l.origin.Seq] = l
	t.open = nil
	t.index(l)
	if w != nil {
		l.writes = true
		l.out.Attach(w, &l.origin)
	}
	return nil
}

// MediaType implements flow.Host's.
func (t *Table) MediaType() string { return t.terms.MediaType() }

// Shut implements flow.Host's.
func (t *Table) Shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shut = true
}

// Receives reports whether anything may still come: a connection is to be received
// from or, until Shut, to open. Once it is false, it stays so.
func (t *Table) Receives() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.closed || !t.shut {
		return !t.closed
	}
	for _, l := range t.links {
		if !l.settles.Load() {
			return true
		}
	}
	return false
}

// Close says that the connector has ended for good: waiting and later Sends
// fail with flow.ErrClosed, and what is queued is counted as lost.
func (t *Table) Close(reason error) {
	t.mu.Lock()
	t.closed, t.open = true, nil
	links := slices.Collect(maps.Values(t.links))
	t.mu.Unlock()
	for _, l := range links {
		l.out.Close(reason)
	}
	if t.single != nil {
		t.single.Close(reason)
	}
	for _, o := range t.laneOutlets() {
		o.Close(reason)
	}
}

func (t *Table) remove(l *Link) {
	if len(l.patterns) > 0 {
		t.board.Leave(l.out, l.patterns...)
		l.setPatterns(nil)
	}
	l.Leave()
	t.mu.Lock()
	delete(t.links, l.origin.Seq)
	t.settle(l)
	t.open = nil
	t.unindex(l)
	tied := l.tied
	l.tied = nil
	t.mu.Unlock()
	for _, lane := range tied {
		lane.parentGone()
	}
}
