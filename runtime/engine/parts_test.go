package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) {
	// After a refused request net/http sleeps for half a second before it
	// closes the connection, lest the answer gets lost.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// The components of these tests. A connector is made of functions; what it
// leaves out does nothing.
type parts struct {
	shape   flow.Shape
	newErr  error
	prepare func(context.Context, flow.Host) error
	release func()
	run     func(context.Context, flow.Host) error
}

func (p *parts) Shape() flow.Shape            { return p.shape }
func (p *parts) New() (flow.Connector, error) { return p, p.newErr }

func (p *parts) Prepare(ctx context.Context, h flow.Host) error {
	if p.prepare == nil {
		return nil
	}
	return p.prepare(ctx, h)
}

func (p *parts) Release() {
	if p.release != nil {
		p.release()
	}
}

func (p *parts) Run(ctx context.Context, h flow.Host) error {
	if p.run == nil {
		<-ctx.Done()
		return nil
	}
	return p.run(ctx, h)
}

// fed is a connector with a Feed.
type fed struct {
	parts
	feed func(context.Context, flow.Host) error
}

func (f *fed) New() (flow.Connector, error)                   { return f, nil }
func (f *fed) Feed(ctx context.Context, host flow.Host) error { return f.feed(ctx, host) }

// text is a codec of plain text.
type text struct{}

func (text) Decode(e *flow.Event, frame []byte) error {
	e.SetPayload(flow.TextOf(string(frame)))
	return nil
}

func (text) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	return append(dst, v.Text()...), err
}

// is is a condition: the payload is this text.
type is string

func (s is) Eval(e *flow.Event, _ ...flow.Value) (flow.Value, error) {
	b, err := s.Test(e)
	return flow.BoolOf(b), err
}
func (s is) At() string { return "flow.hcl:1,1" }
func (s is) Test(e *flow.Event, _ ...flow.Value) (bool, error) {
	v, err := e.Payload()
	if v.Text() == "bad" {
		return false, errors.New("cannot tell")
	}
	return v.Text() == string(s), err
}

func connector(name string, config flow.ConnectorConfig, change ...func(*flowfile.Common)) *flowfile.ConnectorBlock {
	common := flowfile.DefaultCommon()
	common.Reconnect.Randomized = false
	for _, f := range change {
		f(&common)
	}
	return &flowfile.ConnectorBlock{
		Type: "test", Name: name, Common: common, Config: config,
		Codec: flow.CodecUse{Type: "text", New: func() flow.Codec { return text{} }, Text: true},
	}
}

func ref(s string) flowfile.PortRef {
	p := strings.Split(s, ".")
	return flowfile.PortRef{Kind: p[0], Name: p[1], Port: p[2]}
}

// connect makes an edge: "connector.a.out connector.b.err > connector.c.in".
func connect(name, wiring string) *flowfile.ConnectBlock {
	c := &flowfile.ConnectBlock{Name: name}
	from, to, _ := strings.Cut(wiring, " > ")
	for s := range strings.FieldsSeq(from) {
		c.From = append(c.From, ref(s))
	}
	for s := range strings.FieldsSeq(to) {
		c.To = append(c.To, ref(s))
	}
	return c
}

// source emits events, then does rest.
func source(events []string, rest func(context.Context) error) *parts {
	return &parts{shape: flow.Shape{Role: flow.Source, Out: true}, run: func(ctx context.Context, h flow.Host) error {
		l, err := h.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		for _, e := range events {
			_ = l.Receive(ctx, []flow.Frame{{Data: []byte(e)}})
		}
		l.Close(ctx, nil)
		return rest(ctx)
	}}
}

func untilEnd(ctx context.Context) error { <-ctx.Done(); return nil }
func atOnce(context.Context) error       { return nil }

// sink notes what it is given.
type sink struct {
	parts
	mu  sync.Mutex
	got []string
}

func newSink() *sink {
	s := &sink{}
	s.shape = flow.Shape{Role: flow.Target, In: true}
	s.run = func(ctx context.Context, h flow.Host) error {
		l, err := h.Open(flow.Peer{}, s)
		if err != nil {
			return err
		}
		<-ctx.Done()
		l.Close(h.Abandon(), nil)
		return nil
	}
	return s
}

func (s *sink) New() (flow.Connector, error) { return s, nil }
func (s *sink) Flush(context.Context) error  { return nil }
func (s *sink) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		s.got = append(s.got, string(f.Data))
	}
	return nil
}

func (s *sink) events() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// diary notes what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, "\n")
}

// start runs a flow in the background; the result can be had once it has
// ended.
type running struct {
	*Engine
	cancel context.CancelFunc
	ended  chan struct{}
	code   int
	err    error
	logs   *observer.ObservedLogs
}

func start(t *testing.T, f *flowfile.File, change ...func(*Options)) *running {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	if f.Drain == (flowfile.Drain{}) {
		f.Drain = flowfile.DefaultDrain()
	}
	opts := Options{Files: []*flowfile.File{f}, Log: zap.New(core)}
	for _, c := range change {
		c(&opts)
	}
	e, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Engine: e, cancel: cancel, ended: make(chan struct{}), logs: logs}
	go func() {
		defer close(r.ended)
		r.code, r.err = e.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); e.Stop(); <-r.ended })
	return r
}

// wait returns the exit code.
func (r *running) wait(t *testing.T) int {
	t.Helper()
	<-r.ended
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.code
}

// state spells what a connector is doing.
func (r *running) state(name string) string {
	for _, c := range r.Health().Connectors {
		if c.Name == name {
			return fmt.Sprintf("%s, %d failed: %s", c.State, c.Attempts, c.LastError)
		}
	}
	return "unknown"
}

func timeout(d time.Duration) func(*Options) {
	return func(o *Options) { o.Files[0].Drain.Timeout = setting.Duration(d) }
}
