package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
)

// version gives a connector another fingerprint.
func version(c *flowfile.ConnectorBlock, n byte) *flowfile.ConnectorBlock {
	c.Fingerprint[0] = n
	return c
}

func reload(t *testing.T, r *running, files ...*flowfile.File) *Reloaded {
	t.Helper()
	for _, f := range files {
		if f.Drain == (flowfile.Drain{}) {
			f.Drain = flowfile.DefaultDrain()
		}
	}
	done, err := r.Reload(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (r *running) unit(name string) *unit {
	for _, u := range r.now.Load().units {
		if u.component.Name == name {
			return u
		}
	}
	return nil
}

// untilRuns waits until a reload is possible.
func (r *running) untilRuns() {
	for !r.isRunning() {
		time.Sleep(time.Millisecond)
	}
}

// tap is a source that sends what it is told, and says what became of it.
type tap struct {
	parts
	send chan string
	sent chan error
}

func newTap() *tap {
	s := &tap{send: make(chan string), sent: make(chan error)}
	s.shape = flow.Shape{Role: flow.Source, Out: true}
	s.run = func(ctx context.Context, h flow.Host) error {
		l, err := h.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		defer l.Close(h.Abandon(), nil)
		for {
			select {
			case <-ctx.Done():
				return nil
			case text := <-s.send:
				err := l.Receive(h.Abandon(), []flow.Frame{{Data: []byte(text)}})
				select {
				case s.sent <- err:
				case <-ctx.Done():
				}
			}
		}
	}
	return s
}

func (s *tap) New() (flow.Connector, error) { return s, nil }

func (s *tap) tell(t *testing.T, text string) {
	t.Helper()
	s.send <- text
	if err := <-s.sent; err != nil {
		t.Errorf("%s: %v", text, err)
	}
}

func TestAReloadKeepsWhatHasNotChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, a, b := newTap(), newSink(), newSink()
		file := func(to string, more ...*flowfile.ConnectorBlock) *flowfile.File {
			return &flowfile.File{
				Name:       "f",
				Connectors: append([]*flowfile.ConnectorBlock{connector("in", in)}, more...),
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector."+to+".in")},
			}
		}
		r := start(t, file("a", connector("a", a)))
		r.untilRuns()
		in.tell(t, "1")
		before := r.unit("in")
		done := reload(t, r, file("b", connector("b", b)))
		if got := done.String(); got != "0 kept, 1 rewired, 1 started, 0 restarted, 1 stopped" {
			t.Error(got)
		}
		in.tell(t, "2")
		<-done.Ended
		in.tell(t, "3")
		if r.unit("in") != before {
			t.Error("the source is another one")
		}
		if got := fmt.Sprint(a.events(), b.events()); got != "[1] [2 3]" {
			t.Error(got)
		}
		done = reload(t, r, file("b", connector("b", b)))
		if got := done.String(); got != "2 kept, 0 rewired, 0 started, 0 restarted, 0 stopped" {
			t.Error(got)
		}
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if s := r.Total(); s.EventsIn != 3 || s.EventsOut != 3 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAReloadThatFailsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := newTap(), newSink()
		var d diary
		fine := &parts{
			shape:   flow.Shape{Role: flow.Target, In: true},
			prepare: func(context.Context, flow.Host) error { d.note("prepared"); return nil },
			release: func() { d.note("released") },
		}
		bad := &parts{shape: flow.Shape{Role: flow.Source, Out: true}, prepare: func(context.Context, flow.Host) error { return errors.New("no such thing") }}
		good := &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector("out", out)},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")},
		}
		r := start(t, good)
		r.untilRuns()
		before := r.now.Load()
		for want, f := range map[string]*flowfile.File{
			"connector.bad: no such thing": {
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", in), version(connector("out", fine), 1), connector("bad", bad)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out connector.bad.out > connector.out.in")},
			},
			"flow f: there is nothing to run in it any more: to end a flow, leave it out, or end the process": {Name: "f"},
			"connector.out: cannot be": {
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", in), version(connector("out", &parts{newErr: errors.New("cannot be")}), 1)},
			},
		} {
			if _, err := r.Reload(t.Context(), []*flowfile.File{f}); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		if r.now.Load() != before {
			t.Error("something has changed")
		}
		in.tell(t, "1")
		if got := d.String() + fmt.Sprint(out.events()); got != "prepared\nreleased[1]" {
			t.Error(got)
		}
	})
}

// lists collects three events, for longer than these tests take.
func lists() *flowfile.PipelineBlock {
	return &flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{{Type: "batch", Label: "three", Config: &pipeline.Batch{
		MaxEvents: 3, MaxWait: setting.Duration(24 * time.Hour), MaxBytes: 1 << 20,
	}}}}
}

// spelled is a codec of anything.
type spelled struct{ text }

func (spelled) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	for _, part := range v.List() {
		dst = append(dst, part.Text()...)
	}
	return append(dst, v.Text()...), err
}

func spelling(c *flowfile.ConnectorBlock) *flowfile.ConnectorBlock {
	c.Codec.New = func() flow.Codec { return spelled{} }
	return c
}

func TestWindowsSurviveAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, a, b := newTap(), newSink(), newSink()
		p := lists()
		file := func(changed byte, via ...string) *flowfile.File {
			p := *p
			p.Fingerprint[0] = changed
			empty := &flowfile.PipelineBlock{Name: "empty"}
			return &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", in), spelling(connector("a", a)), spelling(connector("b", b))},
				Pipelines:  []*flowfile.PipelineBlock{&p, empty},
				Connects: []*flowfile.ConnectBlock{
					{Name: "e", From: []flowfile.PortRef{ref("connector.in.out")}, Via: via, To: []flowfile.PortRef{ref("connector.a.in")}},
				},
			}
		}
		r := start(t, file(0, "p"))
		r.untilRuns()
		in.tell(t, "1")
		reload(t, r, file(0, "empty", "p")) // another one before it
		in.tell(t, "2")
		elsewhere := file(0, "empty", "p")
		elsewhere.Connects[0].To[0] = ref("connector.b.in")
		reload(t, r, elsewhere)
		in.tell(t, "3")
		in.tell(t, "4")
		<-reload(t, r, file(1, "p")).Ended // which ends that window, and leads elsewhere
		in.tell(t, "5")
		r.cancel()
		r.wait(t)
		if got := fmt.Sprint(a.events(), b.events()); got != "[5] [123 4]" {
			t.Error(got)
		}
	})
}

// An event that is on its way when a reload takes its target away arrives.
func TestEventsOnTheirWayArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, slow, next := newTap(), newSink(), newSink()
		goOn := make(chan struct{})
		hold := &holding{sink: slow, goOn: goOn}
		slow.run = func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, hold)
			if err != nil {
				return err
			}
			<-ctx.Done()
			l.Close(h.Abandon(), nil)
			return nil
		}
		file := func(to string, c flow.ConnectorConfig) *flowfile.File {
			return &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector(to, c)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector."+to+".in")},
			}
		}
		r := start(t, file("slow", slow))
		r.untilRuns()
		in.send <- "1"
		synctest.Wait() // it is inside Write
		left := r.unit("slow")
		done := reload(t, r, file("next", next))
		synctest.Wait()
		if left.running.Err() != nil {
			t.Error("the target was ended while an event was on its way to it")
		}
		close(goOn)
		if err := <-in.sent; err != nil {
			t.Error(err)
		}
		<-done.Ended
		in.tell(t, "2")
		if got := fmt.Sprint(slow.events(), next.events()); got != "[1] [2]" {
			t.Error(got)
		}
	})
}

// holding is a sink whose writes wait.
type holding struct {
	*sink
	goOn chan struct{}
}

func (h *holding) Write(ctx context.Context, frames []flow.Frame, corked bool) error {
	<-h.goOn
	return h.sink.Write(ctx, frames, corked)
}

// Who waits for a target that never takes its event is answered when the target
// has ended, and the reload does not wait for longer than it says.
func TestWhoIsStuckIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, next := newTap(), newSink()
		never := &parts{shape: flow.Shape{Role: flow.Target, In: true}} // opens no connection, so that senders wait
		file := func(to string, c flow.ConnectorConfig) *flowfile.File {
			return &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector(to, c)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector."+to+".in")},
			}
		}
		r := start(t, file("never", never))
		r.untilRuns()
		in.send <- "1"
		synctest.Wait()
		began := time.Now()
		done := reload(t, r, file("next", next))
		if err := <-in.sent; !errors.Is(err, flow.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took < turnTimeout || took > turnTimeout+time.Second {
			t.Errorf("after %v", took)
		}
		<-done.Ended
		in.tell(t, "2")
	})
}

func TestAConnectorThatHasFailedIsTriedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		works := false
		up := &parts{shape: flow.Shape{Role: flow.Source, Out: true}, run: func(ctx context.Context, h flow.Host) error {
			if !works {
				return errors.New("not yet")
			}
			l, err := h.Open(flow.Peer{}, nil)
			if err != nil {
				return err
			}
			<-ctx.Done()
			l.Close(ctx, nil)
			return nil
		}}
		file := &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("up", up, func(c *flowfile.Common) { c.Reconnect.MaxRetries = 1 })}}
		r := start(t, file)
		r.untilRuns()
		synctest.Wait()
		if got := r.unit("up").state(); got != status.Failed || r.Health().Ready {
			t.Fatalf("%s", got)
		}
		works = true
		done := reload(t, r, file)
		synctest.Wait()
		if done.Count[graph.Restart] != 1 || r.unit("up").state() != status.Open || !r.Health().Ready {
			t.Errorf("%s, %s", done, r.unit("up").state())
		}
	})
}

// A connector that waits for its next attempt goes on waiting, or makes room for
// another version at once.
func TestAReloadWhileAConnectorBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		lost := func() *parts {
			return &parts{shape: flow.Shape{Role: flow.Client, In: true, Out: true}, run: func(context.Context, flow.Host) error {
				attempts++
				return errors.New("lost")
			}}
		}
		slow := func(c *flowfile.Common) {
			c.Reconnect.Interval, c.Reconnect.MaxInterval = setting.Duration(time.Hour), setting.Duration(time.Hour)
		}
		file := func(n byte) *flowfile.File {
			return &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{version(connector("up", lost(), slow), n)}}
		}
		r := start(t, file(0))
		r.untilRuns()
		synctest.Wait()
		first := r.unit("up")
		reload(t, r, file(0))
		if r.unit("up") != first || first.state() != status.BackingOff || attempts != 1 {
			t.Errorf("%s after %d attempts", first.state(), attempts)
		}
		began := time.Now()
		<-reload(t, r, file(1)).Ended
		synctest.Wait()
		if first.state() != status.Ended || r.unit("up").state() != status.BackingOff || attempts != 2 || time.Since(began) > time.Second {
			t.Errorf("%s, %s after %d attempts and %v", first.state(), r.unit("up").state(), attempts, time.Since(began))
		}
	})
}

func TestFlowsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSink(), newSink()
		one := &flowfile.File{Name: "one", Connectors: []*flowfile.ConnectorBlock{connector("out", a)}}
		two := &flowfile.File{Name: "two", Connectors: []*flowfile.ConnectorBlock{connector("out", b)}}
		r := start(t, one)
		r.untilRuns()
		first := r.unit("out")
		if got := reload(t, r, one, two).String(); got != "1 kept, 0 rewired, 1 started, 0 restarted, 0 stopped" {
			t.Error(got)
		}
		if len(r.Health().Connectors) != 2 || r.unit("out") != first {
			t.Error("the first one is not there any more")
		}
		done := reload(t, r, two)
		if got := done.String(); got != "1 kept, 0 rewired, 0 started, 0 restarted, 1 stopped" {
			t.Error(got)
		}
		<-done.Ended
		if got := first.state(); got != status.Ended {
			t.Error(got)
		}
	})
}

// What is left when the other sources are no more has ended: so does the process.
func TestSourcesThatAreNoMoreAreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newSink()
		file := func(in ...*flowfile.ConnectorBlock) *flowfile.File {
			f := &flowfile.File{Name: "f", Connectors: append(in, connector("out", out))}
			for _, c := range in {
				f.Connects = append(f.Connects, connect(c.Name, "connector."+c.Name+".out > connector.out.in"))
			}
			return f
		}
		short, long := connector("short", source([]string{"1"}, atOnce)), connector("long", source([]string{"2"}, untilEnd))
		r := start(t, file(short, long))
		r.untilRuns()
		synctest.Wait()
		reload(t, r, file(short))
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if _, err := r.Reload(t.Context(), nil); !errors.Is(err, ErrNotRunning) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Who asks for a reload while the flows are starting gets it when they run, or
// hears that they could not start.
func TestReloadsWaitForTheStart(t *testing.T) {
	for _, fault := range []error{nil, errors.New("out of luck")} {
		synctest.Test(t, func(t *testing.T) {
			goOn := make(chan struct{})
			slow, out, other := source(nil, untilEnd), newSink(), newSink()
			slow.prepare = func(context.Context, flow.Host) error { <-goOn; return fault }
			r := start(t, &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("slow", slow), connector("out", out)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.slow.out > connector.out.in")},
			})
			reloaded := make(chan error, 1)
			go func() {
				_, err := r.Reload(t.Context(), []*flowfile.File{{
					Name:       "f",
					Connectors: []*flowfile.ConnectorBlock{connector("slow", slow), version(connector("out", other), 1)},
					Connects:   []*flowfile.ConnectBlock{connect("e", "connector.slow.out > connector.out.in")},
					Drain:      flowfile.DefaultDrain(),
				}})
				reloaded <- err
			}()
			synctest.Wait()
			close(goOn)
			if err := <-reloaded; (fault == nil) != (err == nil) || fault != nil && !errors.Is(err, ErrNotRunning) {
				t.Errorf("with %v: %v", fault, err)
			}
			r.cancel()
			<-r.ended
		})
	}
}
