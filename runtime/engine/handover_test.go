package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// Two that read the same input do so one after the other.
func TestFeedsFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		input := func(name string) *fed {
			f := &fed{parts: parts{shape: flow.Shape{Role: flow.Target, In: true, Out: true}}}
			f.feed = func(ctx context.Context, _ flow.Host) error {
				d.note("%s begins", name)
				<-ctx.Done()
				d.note("%s ends", name)
				return nil
			}
			return f
		}
		out := newSink()
		file := func(n byte, in flow.ConnectorConfig) *flowfile.File {
			return &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{version(connector("in", in), n), connector("out", out)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")},
			}
		}
		r := start(t, file(0, input("first")))
		r.untilRuns()
		synctest.Wait()
		<-reload(t, r, file(1, input("second"))).Ended
		synctest.Wait()
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if got := d.String(); got != "first begins\nfirst ends\nsecond begins\nsecond ends" {
			t.Error(got)
		}
	})
}

// What a reload has left out, and has not ended, may send to what the next one
// leaves out.
func TestReloadsFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn, sent := make(chan struct{}), make(chan error, 1)
		slow := source(nil, untilEnd)
		slow.run = func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, nil)
			if err != nil {
				return err
			}
			<-ctx.Done()
			<-goOn
			sent <- l.Receive(h.Abandon(), []flow.Frame{{Data: []byte("last")}})
			l.Close(h.Abandon(), nil)
			return nil
		}
		out, other := newSink(), newSink()
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("slow", slow), connector("out", out)},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.slow.out > connector.out.in")},
		})
		r.untilRuns()
		synctest.Wait()
		first := reload(t, r, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("out", out)}})
		second := reload(t, r, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("other", other)}})
		synctest.Wait()
		close(goOn)
		if err := <-sent; err != nil {
			t.Error(err)
		}
		<-first.Ended
		<-second.Ended
		if got := fmt.Sprint(out.events()); got != "[last]" {
			t.Error(got)
		}
	})
}

func TestARouteIsHandedOverByAReload(t *testing.T) {
	ready, told := whenReady()
	file := func(w *web, n byte) *flowfile.File {
		return &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{version(connector("edge", w), n)},
			Connects:   []*flowfile.ConnectBlock{connect("echo", "connector.edge.out > connector.edge.in")},
			Drain:      flowfile.DefaultDrain(),
		}
	}
	address := flowtest.FreeAddress(t)
	r := start(t, file(newWeb(address, "/"), 0), told)
	<-ready
	r.untilRuns()
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if got := get(t, "http://"+address+"?hello"); got != "200 hello" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	for i := range 30 {
		done := reload(t, r, file(newWeb(address, "/"), byte(i+1)))
		<-ready
		<-done.Ended
	}
	cancel()
	clients.Wait()
	w := newWeb(address, "/other")
	<-reload(t, r, file(w, 99)).Ended
	<-ready
	if got := get(t, "http://"+address+"/"); !strings.HasPrefix(got, "404") {
		t.Errorf("the path of before: %s", got)
	}
	if got := get(t, "http://"+address+"/other?x"); got != "200 x" {
		t.Errorf("the new path: %s", got)
	}
	// No two connections had one id.
	opened := r.unit("edge").table.Stats().Opened
	if n := r.sequences["f/edge"].Load(); n <= opened {
		t.Errorf("%d connections in all, %d of them of the last one", n, opened)
	}
	moved := flowtest.FreeAddress(t)
	<-reload(t, r, file(newWeb(moved, "/"), 100)).Ended
	<-ready
	if got := get(t, "http://"+moved+"?x"); got != "200 x" {
		t.Errorf("the new address: %s", got)
	}
}

// An address that was left a moment ago, and is still held by who takes leave
// there, can be had again.
func TestAnAddressIsTakenBackFromWhoTakesLeave(t *testing.T) {
	ready, told := whenReady()
	goOn := make(chan struct{})
	here, there := flowtest.FreeAddress(t), flowtest.FreeAddress(t)
	file := func(address string, n byte) *flowfile.File {
		w := newWeb(address, "/")
		w.run = func(ctx context.Context, _ flow.Host) error {
			<-ctx.Done()
			<-goOn
			return nil
		}
		return &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{version(connector("edge", w), n)},
			Connects:   []*flowfile.ConnectBlock{connect("echo", "connector.edge.out > connector.edge.in")},
		}
	}
	r := start(t, file(here, 0), told)
	<-ready
	var leaving []*Reloaded
	for i, address := range []string{there, here, there, here} {
		leaving = append(leaving, reload(t, r, file(address, byte(i+1))))
		<-ready
		if got := get(t, "http://"+address+"?x"); got != "200 x" {
			t.Errorf("reload %d: %s", i, got)
		}
	}
	close(goOn)
	for _, l := range leaving {
		<-l.Ended
	}
	if got := get(t, "http://"+here+"?x"); got != "200 x" {
		t.Errorf("when the others have left: %s", got)
	}
}

// Random versions of a flow follow each other while a source sends: what it
// sends arrives once, in order, at the target of the time.
func TestManyReloads(t *testing.T) {
	in := newTap()
	sinks := []*sink{newSink(), newSink(), newSink()}
	file := func(n int) *flowfile.File {
		k := n % len(sinks)
		f := &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", in), version(connector(fmt.Sprint("out", k), sinks[k]), byte(n/2))},
			Connects:   []*flowfile.ConnectBlock{connect("e", fmt.Sprintf("connector.in.out > connector.out%d.in", k))},
		}
		return f
	}
	r := start(t, file(0))
	r.untilRuns()
	var sent sync.WaitGroup
	const events = 3000
	sent.Go(func() {
		for i := range events {
			in.tell(t, fmt.Sprint(i))
		}
	})
	for n := range 60 {
		reload(t, r, file(n))
	}
	sent.Wait()
	var got []string
	for _, s := range sinks {
		got = append(got, s.events()...)
	}
	if len(got) != events {
		t.Errorf("%d of %d events arrived", len(got), events)
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != events {
		t.Errorf("%d different events arrived", n)
	}
}
