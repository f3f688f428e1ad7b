package telemetry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/flowrun/flowrun/runtime/bucket"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// Tracer follows some of the events through flows. It is the engine's: see there
// for its methods.
type Tracer struct {
	spans  trace.Tracer
	chance uint64 // of all that Uint64 may be, for an event that nobody has decided about
	follow bool
	rate   bucket.Bucket
	counts *Counts
}

func newTracer(spans trace.Tracer, s *flowfile.Traces, counts *Counts) *Tracer {
	t := &Tracer{spans: spans, follow: s.Follow, counts: counts}
	switch {
	case s.Sample >= 1:
		t.chance = math.MaxUint64
	case s.Sample > 0:
		t.chance = uint64(s.Sample * (1 << 63) * 2)
	}
	t.rate.SetRate(s.Rate)
	return t
}

// Named implements engine.Tracer.
func (t *Tracer) Named(p *flow.Peer) *flow.Trace {
	const field = "Traceparent" // as it is spelled in a Peer
	if !t.follow || p.Fields == nil && !strings.Contains(p.Header, field+": ") {
		return nil
	}
	header := p.HeaderFields()
	if header.Get(field) == "" {
		return nil
	}
	c := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(header)))
	if !c.IsValid() {
		return nil
	}
	return traceOf(c)
}

func traceOf(c trace.SpanContext) *flow.Trace {
	const known = trace.FlagsSampled | trace.FlagsRandom
	return &flow.Trace{ID: c.TraceID(), Span: c.SpanID(), Flags: byte(c.TraceFlags() & known), State: c.TraceState().String()}
}

func contextOf(t *flow.Trace, remote bool) trace.SpanContext {
	state, _ := trace.ParseTraceState(t.State) // as it was spelled by traceOf
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: t.ID, SpanID: t.Span, TraceFlags: trace.TraceFlags(t.Flags), TraceState: state, Remote: remote,
	})
}

// Begin implements wiring.Tracer.
func (t *Tracer) Begin(from *flow.Component, role flow.Role, port string, next flow.Sink) flow.Sink {
	p := &passage{
		Tracer: t, next: next, begins: true, name: from.Address() + "." + port, kind: trace.SpanKindConsumer,
		attributes: []attribute.KeyValue{
			attribute.String("flowrun.flow", from.Flow),
			attribute.String("flowrun.connector.type", from.Type),
		},
	}
	if role == flow.Server {
		p.kind = trace.SpanKindServer
	}
	return p
}

// Hop implements wiring.Tracer.
func (t *Tracer) Hop(flow, connect string, next flow.Sink) flow.Sink {
	return &passage{
		Tracer: t, next: next, name: "connect." + connect, kind: trace.SpanKindInternal,
		attributes: []attribute.KeyValue{attribute.String("flowrun.flow", flow)},
	}
}

// passage makes spans of the events that are followed, from before they are sent to
// next until that has taken them.
type passage struct {
	*Tracer
	next       flow.Sink
	begins     bool // to follow events, too
	name       string
	kind       trace.SpanKind
	attributes []attribute.KeyValue
}

// Send implements flow.Sink.
func (p *passage) Send(ctx context.Context, batch []flow.Event) error {
	for i := range batch {
		if p.looksAt(&batch[i]) {
			return p.look(ctx, batch, i)
		}
	}
	return p.next.Send(ctx, batch)
}

// looksAt decides about an event, once.
func (p *passage) looksAt(e *flow.Event) bool {
	if e.Trace == nil && !(p.begins && p.chosen(e)) {
		return false
	}
	if !p.rate.Take(time.Now().UnixNano()) {
		p.counts.overRate.Add(1)
		return false
	}
	return true
}

// chosen decides whether an event is followed.
func (t *Tracer) chosen(e *flow.Event) bool {
	if o := e.Origin; o != nil && o.Trace != nil {
		return o.Trace.Sampled()
	}
	return t.chance > 0 && rand.Uint64() <= t.chance //nolint:gosec // chance, not a secret
}

// look sends a batch, of which the event at first is looked at.
//
//go:noinline // keeps a large frame off the stack of every reader
func (p *passage) look(ctx context.Context, batch []flow.Event, first int) error {
	batch = slices.Clone(batch) // what follows is told by the events where to go on
	spans := make([]trace.Span, len(batch))
	for i := first; i < len(batch); i++ {
		if i == first || p.looksAt(&batch[i]) {
			spans[i] = p.start(&batch[i])
		}
	}
	err := p.next.Send(ctx, batch)
	flow.Failures(err, len(batch), func(i int, cause error) {
		if s := spans[i]; s != nil {
			s.SetStatus(codes.Error, "")
			s.SetAttributes(attribute.String("error.type", typeOf(cause)))
		}
	})
	for _, s := range spans {
		if s != nil {
			s.End()
		}
	}
	return err
}

// maxLinks bounds the links of a span.
const maxLinks = 16

// start begins a span and makes the event go on from there.
func (p *passage) start(e *flow.Event) trace.Span {
	ctx := context.Background()
	options := []trace.SpanStartOption{trace.WithSpanKind(p.kind), trace.WithAttributes(p.attributes...)}
	if before := e.OnwardTrace(); before != nil {
		ctx = trace.ContextWithSpanContext(ctx, contextOf(before, e.Trace == nil))
	}
	if o := e.Origin; p.begins && o != nil {
		options = append(options, trace.WithAttributes(p.whence(o)...))
	}
	if p.begins && e.Trace == nil && e.Time > 0 {
		options = append(options, trace.WithTimestamp(time.Unix(0, e.Time)))
	}
	if o := e.Origin; o != nil {
		for _, one := range o.Union[:min(len(o.Union), maxLinks)] {
			if one.Trace != nil {
				options = append(options, trace.WithLinks(trace.Link{SpanContext: contextOf(one.Trace, true)}))
			}
		}
	}
	_, s := p.spans.Start(ctx, p.name, options...)
	e.Trace = traceOf(s.SpanContext())
	return s
}

// whence says where an event came from.
func (p *passage) whence(o *flow.Origin) []attribute.KeyValue {
	if o.Connector == nil || o.Peer.Host == "" {
		return nil
	}
	who := "server.address"
	if p.kind == trace.SpanKindServer {
		who = "client.address"
	}
	return []attribute.KeyValue{attribute.String("flowrun.connection", o.ID()), attribute.String(who, o.Peer.Host)}
}

// errorTypes are what error.type is for errors that have a name here.
var errorTypes = []struct {
	err  error
	name string
}{
	{flow.ErrGone, "gone"}, {flow.ErrNoReturn, "no_return"}, {flow.ErrClosed, "closed"}, {flow.ErrFull, "full"}, {flow.ErrSlow, "slow"},
	{flow.ErrReplaced, "replaced"}, {flow.ErrDuplicate, "duplicate"},
	{context.DeadlineExceeded, "timeout"}, {context.Canceled, "canceled"},
}

// typeOf says what kind of error it is: its text may say what is in a message.
func typeOf(err error) string {
	for _, known := range errorTypes {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}
