package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// several is a sink with as many connections, which it opens at once.
func several(n int, open chan<- struct{}) *sink {
	s := newSink()
	s.shape.Many, s.shape.Queue = true, &setting.Queue{MaxEvents: 100, MaxBytes: 1000, Overflow: "block"}
	s.run = func(ctx context.Context, h flow.Host) error {
		links := make([]flow.Link, n)
		for i := range links {
			l, err := h.Open(flow.Peer{}, s)
			if err != nil {
				return err
			}
			links[i] = l
		}
		close(open)
		<-ctx.Done()
		for _, l := range links {
			if err := l.Flush(context.Background()); err != nil {
				return err
			}
			l.Close(context.Background(), nil)
		}
		return nil
	}
	return s
}

// after is a source that waits before it begins.
func after(ready <-chan struct{}, events ...string) *parts {
	p := source(events, atOnce)
	emit := p.run
	p.run = func(ctx context.Context, h flow.Host) error {
		<-ready
		return emit(ctx, h)
	}
	return p
}

// An edge says how it delivers, also behind its pipelines.
func TestEdgesDeliverAsTheySay(t *testing.T) {
	open := make(chan struct{})
	clients, errs := several(3, open), newSink()
	errs.shape.Stream = true
	p := &flowfile.PipelineBlock{Name: "p", Ports: []string{"exit"}, Steps: []flowfile.StepBlock{{Type: "route", Label: "r", Config: route{"exit"}}}}
	to := []flowfile.PortRef{ref("connector.clients.in")}
	f := &flowfile.File{
		Name:       "f",
		Connectors: []*flowfile.ConnectorBlock{connector("in", after(open, "a", "x")), connector("clients", clients), connector("errs", errs)},
		Pipelines:  []*flowfile.PipelineBlock{p},
		Connects: []*flowfile.ConnectBlock{
			{Name: "all", From: []flowfile.PortRef{ref("connector.in.out")}, Via: []string{"p"}, To: to, Deliver: flow.Broadcast},
			{Name: "reply", From: []flowfile.PortRef{ref("pipeline.p.exit")}, To: to},
			connect("errs", "connector.clients.err > connector.errs.in"),
		},
	}
	if code := start(t, f).wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := clients.events(); len(got) != 3 || got[0] != "a" {
		t.Errorf("three clients got %q", got)
	}
	if len(errs.events()) != 1 {
		t.Errorf("a reply to nobody: %d problems", len(errs.events()))
	}
}

// What a best-effort edge does not deliver is no failure; what another does
// not, is.
func TestBestEffortIsNoPartOfTheAcknowledgement(t *testing.T) {
	for _, bestEffort := range []bool{true, false} {
		var acknowledged error
		in := &parts{shape: flow.Shape{Role: flow.Source, Out: true}, run: func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, nil)
			if err != nil {
				return err
			}
			acknowledged = l.Receive(ctx, []flow.Frame{{Data: []byte("a")}})
			l.Close(ctx, nil)
			return nil
		}}
		good, broken := newSink(), newSink()
		broken.run = func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, torn{})
			if err != nil {
				return err
			}
			<-ctx.Done()
			l.Close(ctx, nil)
			return nil
		}
		f := &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector("good", good), connector("broken", broken)},
			Connects: []*flowfile.ConnectBlock{
				{Name: "try", From: []flowfile.PortRef{ref("connector.in.out")}, To: []flowfile.PortRef{ref("connector.broken.in")}, BestEffort: bestEffort},
				connect("keep", "connector.in.out > connector.good.in"),
			},
		}
		r := start(t, f)
		r.wait(t)
		if len(good.events()) != 1 || (acknowledged == nil) != bestEffort {
			t.Errorf("best effort %v: the other got %d, the source is told %v", bestEffort, len(good.events()), acknowledged)
		}
		if n := r.logs.FilterMessageSnippet("best-effort").Len(); (n == 1) != bestEffort {
			t.Errorf("best effort %v: logged %d times", bestEffort, n)
		}
		passed := r.logs.FilterMessage("passed").FilterField(zap.String("connect", "try")).FilterField(zap.Uint64("failed", 1))
		if n := passed.Len(); n != 1 {
			t.Errorf("best effort %v: counted %d times", bestEffort, n)
		}
	}
}

// torn is a connection that cannot be written to.
type torn struct{}

func (torn) Write(context.Context, []flow.Frame, bool) error { return errors.New("torn") }
func (torn) Flush(context.Context) error                     { return nil }
