package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/setting"
)

// room is a server whose peers stay. They are there when it runs, send what
// they are told to, and send their last words when it ends, before each is told
// goodbye.
type room struct {
	parts
	d         *diary
	lastWords string // of the first peer
	say       chan string
}

// newRoom is a room with n peers, who are told what to send as "1 text".
func newRoom(n int, d *diary) *room {
	r := &room{d: d, say: make(chan string)}
	r.shape = flow.Shape{Role: flow.Server, In: true, Out: true, Many: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "block"}}
	r.run = func(ctx context.Context, h flow.Host) error {
		links := make([]flow.Link, n)
		for i := range links {
			var err error
			if links[i], err = h.Open(flow.Peer{}, seat{d, i}); err != nil {
				return err
			}
		}
		receive := func(what string) {
			var i int
			var text string
			_, _ = fmt.Sscan(what, &i, &text)
			_ = links[i].Receive(h.Abandon(), []flow.Frame{{Data: []byte(text)}})
		}
		for {
			select {
			case what := <-r.say:
				receive(what)
				continue
			case <-ctx.Done():
			}
			break
		}
		if r.lastWords != "" {
			receive("0 " + r.lastWords)
		}
		for i, l := range links {
			_ = l.Flush(h.Abandon())
			d.note("%d goodbye", i)
			l.Close(h.Abandon(), nil)
		}
		return nil
	}
	return r
}

func (r *room) New() (flow.Connector, error) { return r, nil }

// seat writes to one peer.
type seat struct {
	d *diary
	i int
}

func (s seat) Flush(context.Context) error { return nil }
func (s seat) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	for _, f := range frames {
		s.d.note("%d %s", s.i, f.Data)
	}
	return nil
}

// eachPeer is what happened to one peer after the other.
func eachPeer(d *diary) string {
	lines := strings.Split(d.String(), "\n")
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[:1], b[:1]) })
	return strings.Join(lines, "\n")
}

// texts is an aggregate: the payloads, joined.
type texts struct{}

func (texts) New() flow.Accumulator { return new(textsOf) }
func (texts) At() string            { return "flow.hcl:1,1" }

type textsOf struct{ all []string }

func (a *textsOf) Add(e *flow.Event) error      { a.all = append(a.all, e.Value.Text()); return nil }
func (a *textsOf) Merge(other flow.Accumulator) { a.all = append(a.all, other.(*textsOf).all...) }
func (a *textsOf) Items() int                   { return 0 }
func (a *textsOf) Value(...flow.Value) (flow.Value, error) {
	return flow.TextOf(strings.Join(a.all, "+")), nil
}

// windowed is a pipeline of one window.
func windowed(name string, interval time.Duration) *flowfile.PipelineBlock {
	return &flowfile.PipelineBlock{Name: name, Steps: []flowfile.StepBlock{{Type: "window", Label: "w", Config: &pipeline.Window{
		Kind: "tumbling", Interval: setting.Duration(interval), Emit: texts{}, Origins: "all",
		MaxGroups: 10, MaxOrigins: 10, MaxItems: 10, OnOverflow: "err",
	}}}}
}

func via(name, wiring string, pipelines ...string) *flowfile.ConnectBlock {
	c := connect(name, wiring)
	c.Via = pipelines
	return c
}

func TestWindowsCloseOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		edge := newRoom(3, &d)
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("edge", edge)},
			Pipelines:  []*flowfile.PipelineBlock{windowed("p", time.Minute)},
			Connects:   []*flowfile.ConnectBlock{via("e", "connector.edge.out > connector.edge.in", "p")},
		})
		edge.say <- "0 a"
		edge.say <- "2 b"
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := eachPeer(&d); got != "0 a+b\n2 a+b" {
			t.Errorf("got:\n%s", got)
		}
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// The last aggregate reaches each peer that contributed, and no other, before
// the goodbye; and what is said after that is answered, too.
func TestWindowsOfServersCloseBeforeTheGoodbye(t *testing.T) {
	for lastWords, want := range map[string]string{
		"":     "0 a+b\n0 goodbye\n1 goodbye\n2 a+b\n2 goodbye",
		"late": "0 a+b\n0 late\n0 goodbye\n1 goodbye\n2 a+b\n2 goodbye",
	} {
		synctest.Test(t, func(t *testing.T) {
			var d diary
			edge := newRoom(3, &d)
			edge.lastWords = lastWords
			r := start(t, &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("edge", edge)},
				Pipelines:  []*flowfile.PipelineBlock{windowed("p", time.Hour)},
				Connects:   []*flowfile.ConnectBlock{via("e", "connector.edge.out > connector.edge.in", "p")},
			})
			edge.say <- "0 a"
			edge.say <- "2 b"
			synctest.Wait()
			begin := time.Now()
			r.cancel()
			if code := r.wait(t); code != 0 || time.Since(begin) > 100*time.Millisecond {
				t.Errorf("exit code %d after %v", code, time.Since(begin))
			}
			if got := eachPeer(&d); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// A window that goes to a target waits for all that servers still bring.
func TestWindowsOfTargetsCloseLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		edge, out := newRoom(1, &d), newSink()
		edge.lastWords = "late"
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("edge", edge), connector("out", out)},
			Pipelines:  []*flowfile.PipelineBlock{windowed("p", time.Hour)},
			Connects:   []*flowfile.ConnectBlock{via("e", "connector.edge.out > connector.out.in", "p")},
		})
		edge.say <- "0 a"
		synctest.Wait()
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if got := out.events(); len(got) != 1 || got[0] != "a+late" {
			t.Errorf("arrived: %v", got)
		}
	})
}

// Sources that have ended end the process, and what pipelines hold goes out,
// through all that come behind each other.
func TestWindowsOfSourcesThatHaveEnded(t *testing.T) {
	for _, private := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			out := newSink()
			f := &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", source([]string{"a", "b", "c"}, atOnce)), connector("out", out)},
				// Not in the order in which events pass them.
				Pipelines: []*flowfile.PipelineBlock{windowed("second", 2*time.Hour), windowed("first", time.Hour)},
				Connects: []*flowfile.ConnectBlock{
					connect("out", "pipeline.second.out > connector.out.in"),
					connect("between", "pipeline.first.out > pipeline.second.in"),
					connect("in", "connector.in.out > pipeline.first.in"),
				},
			}
			if private {
				f.Connects = []*flowfile.ConnectBlock{via("e", "connector.in.out > connector.out.in", "first", "second")}
			}
			r := start(t, f)
			if code := r.wait(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if got := out.events(); len(got) != 1 || got[0] != "a+b+c" {
				t.Errorf("arrived: %v", got)
			}
		})
	}
}

// What a client that has still to connect is to get waits for it.
func TestAWindowForAClientThatIsDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newDialling(time.Second)
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", source([]string{"a", "b"}, atOnce)), connector("out", out)},
			Pipelines:  []*flowfile.PipelineBlock{windowed("p", time.Hour)},
			Connects:   []*flowfile.ConnectBlock{via("e", "connector.in.out > connector.out.in", "p")},
		})
		if code := r.wait(t); code != 0 || len(out.events()) != 1 {
			t.Errorf("exit code %d, arrived: %v", code, out.events())
		}
	})
}

// What is held when there is no more time is lost, and counted.
func TestWhatIsHeldAtAHardStopIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		events []string
		lost   int64
	}{"a result": {[]string{"a", "b"}, 3}, "nothing": {nil, 2}} {
		synctest.Test(t, func(t *testing.T) {
			// The client's queue is full already: it takes no result.
			first := connector("first", source([]string{"x", "y"}, untilEnd))
			r := start(t, &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{first, connector("in", source(test.events, untilEnd)), connector("out", full())},
				Pipelines:  []*flowfile.PipelineBlock{windowed("p", time.Hour)},
				Connects: []*flowfile.ConnectBlock{
					connect("fill", "connector.first.out > connector.out.in"),
					via("e", "connector.in.out > connector.out.in", "p"),
				},
			}, timeout(time.Second))
			synctest.Wait()
			r.cancel()
			if code := r.wait(t); code != 1 {
				t.Errorf("%s: exit code %d", name, code)
			}
			lines := r.logs.FilterMessage("the drain was cut short").All()
			if len(lines) != 1 || lines[0].ContextMap()["events_lost"] != uint64(test.lost) {
				t.Errorf("%s: logged %v", name, lines)
			}
		})
	}
}

// A target that takes nothing and does not listen to any ctx does not hold up
// the end, nor what other pipelines hold; what is for it is counted.
func TestAResultThatNobodyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := windowed("p", time.Hour)
		stuck.Steps = append(stuck.Steps, flowfile.StepBlock{Type: "stuck", Label: "s", Config: sleeper{release}})
		out := newSink()
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", source([]string{"a"}, atOnce)), connector("out", out)},
			Pipelines:  []*flowfile.PipelineBlock{stuck, windowed("q", time.Hour)},
			Connects: []*flowfile.ConnectBlock{
				via("e", "connector.in.out > connector.out.in", "p"),
				via("behind", "connector.in.out > connector.out.in", "p", "q"),
				via("beside", "connector.in.out > connector.out.in", "q"),
			},
		}, timeout(time.Second))
		begin := time.Now()
		if code := r.wait(t); code != 1 || time.Since(begin) != time.Second+patience {
			t.Errorf("exit code %d after %v", code, time.Since(begin))
		}
		var lost []any
		for _, line := range r.logs.FilterMessageSnippet("could not be sent").All() {
			lost = append(lost, line.ContextMap()["instance"], line.ContextMap()["held"])
		}
		if got := fmt.Sprint(lost); got != "[connect.behind.via[0] 1 connect.behind.via[1] 0 connect.e.via[0] 1]" {
			t.Errorf("logged %v", got)
		}
		if n := r.logs.FilterMessage("drained").All()[0].ContextMap()["lost"]; n != uint64(2) {
			t.Errorf("%v lost", n)
		}
		if got := out.events(); len(got) != 1 || got[0] != "a" {
			t.Errorf("arrived: %v", got)
		}
		close(release)
	})
}

// sleeper is a step that waits.
type sleeper struct{ until chan struct{} }

func (sleeper) Ports() []string { return nil }
func (s sleeper) New(flow.StepEnv) (flow.Sink, error) {
	return stepFunc(func(context.Context, []flow.Event) error { <-s.until; return nil }), nil
}
