package link

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/runtime/flow"
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
}

// Table holds the open links of one connector. All methods may be called from
// any goroutine.
type Table struct {
	cfg    Config
	out    flow.Port
	coding string // of the outward side, to compare with Component.Coding
	binary bool   // the frame type when nothing else says it
	framed bool   // frames have a type that the transport tells
	single *outlet
	seq    atomic.Uint64

	mu    sync.RWMutex
	links map[uint64]*Link
	ends  map[end][]*Link // see linksOf

	in, sent, lost, dropped, failed atomic.Uint64
}

// Stats are counters of one connector since its start.
type Stats struct {
	Open      uint64 // connections now
	Opened    uint64 // connections ever
	EventsIn  uint64 // decoded
	EventsOut uint64 // handed to a writer
	Lost      uint64 // accepted for a connection that ended before they were written, or replies to one that was gone
	Dropped   uint64 // by the overflow policy of a queue
	Failed    uint64 // events in that no sink and no err port took
	Queued    uint64 // waiting now, in the queue that outlives connections
}

// NewTable returns an empty table.
func NewTable(cfg Config) *Table {
	cfg.Component.Coding = coding(cfg.Pre, cfg.Codec.Type, false)
	t := &Table{
		cfg:    cfg,
		coding: coding(cfg.Post, cfg.Codec.Type, true),
		binary: !cfg.Codec.Text,
		framed: !cfg.Shape.Stream,
		links:  map[uint64]*Link{},
	}
	for _, p := range cfg.Post {
		t.binary = t.binary || !p.Text
	}
	if !cfg.Shape.Many {
		t.single = newOutlet(t)
	}
	return t
}

// coding names processors and codec in the order of the way in.
func coding(ps []flow.ProcessorUse, codec string, outward bool) string {
	names := make([]string, len(ps), len(ps)+1)
	for i, p := range ps {
		if outward {
			i = len(ps) - 1 - i
		}
		names[i] = p.Type
	}
	return strings.Join(append(names, codec), " ")
}

// Out is the connector's `out` port.
func (t *Table) Out() *flow.Port { return &t.out }

// In is the connector's `in` port: a sink that encodes and writes.
func (t *Table) In() flow.Sink { return t }

// Stats returns the counters.
func (t *Table) Stats() Stats {
	t.mu.RLock()
	open := len(t.links)
	t.mu.RUnlock()
	s := Stats{
		Open:      uint64(open),
		Opened:    t.seq.Load(),
		EventsIn:  t.in.Load(),
		EventsOut: t.sent.Load(),
		Lost:      t.lost.Load(),
		Dropped:   t.dropped.Load(),
		Failed:    t.failed.Load(),
	}
	if t.single != nil {
		s.Queued = uint64(t.single.queued())
	}
	return s
}

// Open announces a new connection. It fails with flow.ErrClosed after Close.
func (t *Table) Open(peer flow.Peer, w flow.Writer) (flow.Link, error) {
	l := &Link{table: t, out: t.single}
	l.origin = flow.Origin{Link: l, Connector: t.cfg.Component, Peer: peer, Seq: t.seq.Add(1)}
	l.inlet.init(l)
	if l.out == nil {
		l.out = newOutlet(t)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links == nil {
		return nil, flow.ErrClosed
	}
	t.links[l.origin.Seq] = l
	t.index(l)
	if w != nil {
		l.writes = true
		l.out.attach(w, &l.origin)
	}
	return l, nil
}

// Close says that the connector has ended for good: waiting and later Sends
// fail with flow.ErrClosed, and what is queued is counted as lost.
func (t *Table) Close(reason error) {
	t.mu.Lock()
	links := t.links
	t.links = nil
	t.mu.Unlock()
	for _, l := range links {
		l.out.close(reason)
	}
	if t.single != nil {
		t.single.close(reason)
	}
}

func (t *Table) remove(l *Link) {
	t.mu.Lock()
	delete(t.links, l.origin.Seq)
	t.unindex(l)
	t.mu.Unlock()
}

// Send implements flow.Sink: the connector's `in`.
func (t *Table) Send(ctx context.Context, batch []flow.Event) error {
	var err error
	own := reader(ctx)
	for i := 0; i < len(batch); {
		j := i + 1
		e := &batch[i]
		if e.Meta.Wrote == nil {
			for j < len(batch) && batch[j].Origin == e.Origin && batch[j].Meta.Wrote == nil {
				j++
			}
		}
		t.route(ctx, own, batch[i:j], i, &err)
		i = j
	}
	return err
}

// route delivers a run of events that take the same way.
func (t *Table) route(ctx context.Context, own *Link, run []flow.Event, base int, err *error) {
	e := &run[0]
	if address, ok := t.address(e); ok {
		l, cause := t.lookup(address)
		if cause != nil {
			t.refuse(ctx, run, base, "write", cause, err)
			return
		}
		l.out.send(ctx, own, run, base, err)
		return
	}
	if t.single != nil {
		t.single.send(ctx, own, run, base, err)
		return
	}
	if e.Origin == nil || e.Origin.Union == nil {
		l := t.wayBack(e.Origin)
		if l == nil {
			t.refuse(ctx, run, base, "write", flow.ErrNoReturn, err)
			return
		}
		l.out.send(ctx, own, run, base, err)
		return
	}
	links := t.waysBack(e.Origin.Union)
	if len(links) == 0 {
		t.refuse(ctx, run, base, "write", flow.ErrNoReturn, err)
		return
	}
	t.sendToAll(ctx, own, links, run, base, err)
}

// sendToAll delivers a run to several links. An event counts as failed, once,
// when one of them failed.
func (t *Table) sendToAll(ctx context.Context, own *Link, links []*Link, run []flow.Event, base int, err *error) {
	causes := make([]error, len(run))
	for _, l := range links {
		var each error
		l.out.send(ctx, own, run, 0, &each)
		flow.Failures(each, len(run), func(i int, cause error) { causes[i] = cause })
	}
	for i, cause := range causes {
		if cause != nil {
			flow.Fail(err, base+i, cause)
		}
	}
}

// refuse reports events that cannot be delivered; the err port may take them.
//
//go:noinline // keeps a large frame off the stack of every reader
func (t *Table) refuse(ctx context.Context, run []flow.Event, base int, kind string, cause error, err *error) {
	for i := range run {
		problem := flow.Problem{Kind: kind, Err: cause, Event: run[i]}
		if unhandled := t.cfg.Problems.Handle(ctx, problem); unhandled != nil {
			flow.Fail(err, base+i, unhandled)
		}
	}
}
