package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/status"
	"github.com/google/go-cmp/cmp"
)

func TestEventsArriveAndTheProcessEndsWithItsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, rest := newSink(), newSink()
		r := start(t, &flowfile.File{
			Name: "f",
			Connectors: []*flowfile.ConnectorBlock{
				connector("in", source([]string{"a", "b", "bad", "c"}, atOnce)),
				connector("out", out), connector("rest", rest),
			},
			Connects: []*flowfile.ConnectBlock{
				{Name: "b", From: []flowfile.PortRef{ref("connector.in.out")}, Where: is("b"), To: []flowfile.PortRef{ref("connector.out.in"), ref("connector.rest.in")}},
				connect("all", "connector.in.out > connector.out.in"),
			},
		})
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if diff := cmp.Diff([]string{"a", "b", "b", "bad", "c"}, out.events()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"b"}, rest.events()); diff != "" {
			t.Error(diff)
		}
		if n := r.logs.FilterMessage("drained").Len(); n != 1 {
			t.Errorf("%d lines say that it drained", n)
		}
	})
}

// roles makes a flow of one connector of each role that notes its life.
func roles(d *diary, name string) *flowfile.File {
	f := &flowfile.File{Name: name, Drain: flowfile.DefaultDrain()}
	for _, c := range []struct {
		name string
		role flow.Role
	}{{"source", flow.Source}, {"target", flow.Target}, {"server", flow.Server}, {"client", flow.Client}} {
		f.Connectors = append(f.Connectors, connector(c.name, &parts{
			shape:   flow.Shape{Role: c.role, In: c.role != flow.Source, Out: c.role != flow.Target, Many: true},
			prepare: func(context.Context, flow.Host) error { d.note("prepare %s.%s", name, c.name); return nil },
			release: func() { d.note("release %s.%s", name, c.name) },
			run: func(ctx context.Context, host flow.Host) error {
				l, err := host.Open(flow.Peer{}, nil)
				if err != nil {
					return err
				}
				<-ctx.Done()
				time.Sleep(time.Millisecond) // hears its peer out; time is that of the bubble
				if c.role == flow.Server {
					host.Shut()
					l.Settle(host.Abandon())
				}
				l.Close(host.Abandon(), nil)
				d.note("end %s.%s", name, c.name)
				return nil
			},
		}))
	}
	return f
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, roles(&d, "f"))
		synctest.Wait()
		if !r.Health().Ready {
			t.Error("not ready")
		}
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		want := `prepare f.target
prepare f.client
prepare f.server
prepare f.source
end f.source
release f.source
end f.client
release f.client
end f.server
release f.server
end f.target
release f.target`
		if diff := cmp.Diff(want, d.String()); diff != "" {
			t.Error(diff)
		}
		if r.Health().Ready {
			t.Error("still ready")
		}
	})
}

func TestNothingIsHalfStarted(t *testing.T) {
	var d diary
	f := roles(&d, "f")
	f.Connectors[2].Config.(*parts).prepare = func(context.Context, flow.Host) error {
		return errors.New("listen 127.0.0.1:80: permission denied")
	}
	e, err := New(Options{Files: []*flowfile.File{f}, Ready: func([]status.Listener) { t.Error("it said that it was ready") }})
	if err != nil {
		t.Fatal(err)
	}
	code, err := e.Run(context.Background())
	if code != 1 || err == nil || err.Error() != "connector.server: listen 127.0.0.1:80: permission denied" {
		t.Errorf("code %d, %v", code, err)
	}
	want := "prepare f.target\nprepare f.client\nrelease f.server\nrelease f.client\nrelease f.target"
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorOfSeveralFlowsNamesTheFlow(t *testing.T) {
	var d diary
	broken := &flowfile.File{Name: "g", Connectors: []*flowfile.ConnectorBlock{connector("x", &parts{
		prepare: func(context.Context, flow.Host) error { panic("ouch") },
	})}}
	e, err := New(Options{Files: []*flowfile.File{roles(&d, "f"), broken}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(context.Background()); err == nil || err.Error() != "g: connector.x: panic: ouch" {
		t.Errorf("got %v", err)
	}
	broken.Connectors[0].Config = &parts{newErr: errors.New("no certificate")}
	if _, err := New(Options{Files: []*flowfile.File{broken}}); err == nil || err.Error() != "connector.x: no certificate" {
		t.Errorf("got %v", err)
	}
}

func TestEndBeforeTheStart(t *testing.T) {
	var d diary
	e, err := New(Options{Files: []*flowfile.File{roles(&d, "f")}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, err := e.Run(ctx); code != 0 || err != nil {
		t.Errorf("code %d, %v", code, err)
	}
	if strings.Contains(d.String(), "end") {
		t.Errorf("something has run:\n%s", d.String())
	}
}

func TestSeveralFlowsEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		exit := &flowfile.File{Name: "g", Drain: flowfile.DefaultDrain(), Connectors: []*flowfile.ConnectorBlock{connector("x", &parts{
			shape: flow.Shape{Role: flow.Target},
			run: func(ctx context.Context, h flow.Host) error {
				time.Sleep(time.Second)
				h.Exit(7, time.Second)
				h.Exit(8, 0)
				<-ctx.Done()
				h.Exit(9, 0)
				return nil
			},
		})}}
		r := start(t, roles(&d, "f"), func(o *Options) { o.Files = append(o.Files, exit) })
		begin := time.Now()
		if code := r.wait(t); code != 7 {
			t.Errorf("exit code %d", code)
		}
		if took := time.Since(begin); took < 2*time.Second || took > 2100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if n := strings.Count(d.String(), "end f."); n != 4 {
			t.Errorf("%d connectors of the other flow ended", n)
		}
	})
}
