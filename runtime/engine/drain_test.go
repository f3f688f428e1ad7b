package engine

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestExitCodes(t *testing.T) {
	fail := func(context.Context) error { return errors.New("no world") }
	wire := []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")}
	for _, test := range []struct {
		name string
		in   *flowfile.ConnectorBlock
		out  *flowfile.ConnectorBlock
		want int
	}{
		{"sources ended", connector("in", source(nil, atOnce)), connector("out", newSink()), 0},
		{"a source failed for good", connector("in", source(nil, fail), retries(1)), connector("out", &parts{shape: flow.Shape{Role: flow.Target}}), 1},
		{"on_failure", connector("in", source(nil, untilEnd)), connector("out", &parts{
			run: func(context.Context, flow.Host) error { return errors.New("disk full") },
		}, retries(2), onFailure("exit")), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.name == "a source failed for good" {
					// Opening is a success, so this one must not open.
					test.in.Config.(*parts).run = func(ctx context.Context, _ flow.Host) error { return fail(ctx) }
				}
				r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{test.in, test.out}, Connects: wire})
				if code := r.wait(t); code != test.want {
					t.Errorf("exit code %d, want %d", code, test.want)
				}
			})
		})
	}
}

func TestAFailedTargetLeavesTheRestRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &flowfile.File{
			Name: "f",
			Connectors: []*flowfile.ConnectorBlock{
				connector("in", source(nil, untilEnd)),
				connector("out", &parts{
					shape: flow.Shape{Role: flow.Target, In: true},
					run:   func(context.Context, flow.Host) error { return errors.New("disk full") },
				}, retries(2)),
			},
			Connects: []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")},
		})
		time.Sleep(time.Hour)
		if got := r.state("out"); got != "failed, 2 failed: disk full" || r.Health().Ready {
			t.Errorf("state %q", got)
		}
		if got := r.state("in"); got != "open, 0 failed: " {
			t.Errorf("state %q", got)
		}
	})
}

// stubborn is a target whose Run lasts until the engine abandons it, or, when
// even that is not enough, until release is closed.
func stubborn(release chan struct{}) *parts {
	return &parts{shape: flow.Shape{Role: flow.Target, In: true}, run: func(_ context.Context, h flow.Host) error {
		<-h.Abandon().Done()
		if release != nil {
			<-release
		}
		return nil
	}}
}

func TestDrainTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", stubborn(nil))}}, timeout(3*time.Second))
		synctest.Wait()
		begin := time.Now()
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("nothing was lost, but the exit code is %d", code)
		}
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAConnectorThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", stubborn(release))}}, timeout(3*time.Second))
		synctest.Wait()
		begin := time.Now()
		r.cancel()
		if code := r.wait(t); code != 1 {
			t.Errorf("exit code %d", code)
		}
		if took := time.Since(begin); took != 3*time.Second+patience {
			t.Errorf("it took %v", took)
		}
		if r.logs.FilterMessageSnippet("did not end").Len() != 1 {
			t.Error("the log does not name it")
		}
		close(release)
	})
}

// full is a client that never connects, with events waiting for it.
func full() *parts {
	return &parts{
		shape: flow.Shape{Role: flow.Client, In: true, Queue: &setting.Queue{MaxEvents: 2, MaxBytes: 100, Overflow: "block"}},
		run: func(ctx context.Context, h flow.Host) error {
			<-h.Abandon().Done()
			return nil
		},
	}
}

func TestWhatACutDrainLosesIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", source([]string{"a", "b"}, untilEnd)), connector("out", full())},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")},
		}, timeout(time.Second))
		synctest.Wait()
		r.cancel()
		if code := r.wait(t); code != 1 {
			t.Errorf("exit code %d", code)
		}
		lines := r.logs.FilterMessage("the drain was cut short").All()
		if len(lines) != 1 || lines[0].ContextMap()["events_lost"] != uint64(2) {
			t.Errorf("logged %v", lines)
		}
	})
}

// dialling is a client that connects after a while.
type dialling struct {
	sink
	after time.Duration
}

func newDialling(after time.Duration) *dialling {
	c := &dialling{after: after}
	c.shape = flow.Shape{Role: flow.Client, In: true, Queue: &setting.Queue{MaxEvents: 100, MaxBytes: 1000, Overflow: "block"}}
	attempts := 0
	c.run = func(ctx context.Context, h flow.Host) error {
		select {
		case <-time.After(c.after):
		case <-ctx.Done():
			return nil
		}
		if attempts++; attempts == 1 {
			return errors.New("connection refused")
		}
		l, err := h.Open(flow.Peer{}, c)
		if err != nil {
			return err
		}
		<-ctx.Done()
		err = l.Flush(h.Abandon())
		l.Close(h.Abandon(), err)
		return nil
	}
	return c
}

func (c *dialling) New() (flow.Connector, error) { return c, nil }

// The source has ended, and the process with it, before the client could
// connect: what waits for the client is still delivered.
func TestADrainWaitsForWhatIsQueued(t *testing.T) {
	for _, test := range []struct {
		after time.Duration
		want  int // events
		code  int
	}{{time.Second, 3, 0}, {time.Minute, 0, 1}} {
		synctest.Test(t, func(t *testing.T) {
			out := newDialling(test.after)
			r := start(t, &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("in", source([]string{"a", "b", "c"}, atOnce)), connector("out", out)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")},
			})
			if code := r.wait(t); code != test.code || len(out.events()) != test.want {
				t.Errorf("after %v: exit code %d, arrived: %v", test.after, code, out.events())
			}
		})
	}
}

func TestStop(t *testing.T) {
	for _, test := range []struct {
		name  string
		first bool // the drain has begun
	}{{"now", false}, {"in a drain", true}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", stubborn(nil))}})
				synctest.Wait()
				begin := time.Now()
				if test.first {
					r.cancel()
					synctest.Wait()
				}
				r.Stop()
				r.Stop()
				if code := r.wait(t); code != 0 || time.Since(begin) != 0 {
					t.Errorf("exit code %d after %v", code, time.Since(begin))
				}
			})
		})
	}
}

func TestHalt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		halt := &parts{shape: flow.Shape{Role: flow.Target}, run: func(ctx context.Context, h flow.Host) error {
			h.(flow.Halter).Halt(5, time.Second)
			h.Exit(6, 0)
			<-h.Abandon().Done()
			return nil
		}}
		r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", halt), connector("y", stubborn(nil))}})
		begin := time.Now()
		if code := r.wait(t); code != 5 || time.Since(begin) != time.Second {
			t.Errorf("exit code %d after %v", code, time.Since(begin))
		}
	})
}

func TestFeed(t *testing.T) {
	// The input of a terminal, say, ends; what it asked for is still written.
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c := &fed{feed: func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, nil)
			if err != nil {
				return err
			}
			_ = l.Receive(ctx, []flow.Frame{{Data: []byte("a")}})
			l.Close(ctx, nil)
			d.note("input ends")
			return nil
		}}
		c.shape = flow.Shape{Role: flow.Target, In: true, Out: true}
		c.run = func(ctx context.Context, h flow.Host) error {
			<-ctx.Done()
			d.note("run ends")
			return nil
		}
		out := newSink()
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("io", c), connector("out", out)},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.io.out > connector.out.in")},
		})
		if code := r.wait(t); code != 0 || d.String() != "input ends\nrun ends" || len(out.events()) != 1 {
			t.Errorf("exit code %d:\n%s\n%v", code, d.String(), out.events())
		}
	})
}

func TestFeedEndsWithTheSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c := &fed{feed: func(ctx context.Context, _ flow.Host) error {
			<-ctx.Done()
			time.Sleep(time.Millisecond)
			d.note("feed")
			return ctx.Err()
		}}
		c.shape = flow.Shape{Role: flow.Target, In: true, Out: true}
		c.run = func(ctx context.Context, _ flow.Host) error { <-ctx.Done(); d.note("run"); return nil }
		client := &parts{shape: flow.Shape{Role: flow.Client, Out: true, In: true}, run: func(ctx context.Context, _ flow.Host) error {
			<-ctx.Done()
			d.note("client")
			return nil
		}}
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("io", c), connector("client", client)},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.io.out > connector.client.in"), connect("b", "connector.client.out > connector.io.in")},
		})
		synctest.Wait()
		r.cancel()
		if code := r.wait(t); code != 0 || d.String() != "feed\nclient\nrun" {
			t.Errorf("exit code %d:\n%s", code, d.String())
		}
	})
}

func TestFeedFails(t *testing.T) {
	for _, feed := range []func(context.Context, flow.Host) error{
		func(context.Context, flow.Host) error { return errors.New("cannot read") },
		func(context.Context, flow.Host) error { panic("ouch") },
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &fed{feed: feed}
			c.shape = flow.Shape{Role: flow.Target, In: true, Out: true}
			r := start(t, &flowfile.File{
				Name:       "f",
				Connectors: []*flowfile.ConnectorBlock{connector("io", c)},
				Connects:   []*flowfile.ConnectBlock{connect("e", "connector.io.out > connector.io.in")},
			})
			if code := r.wait(t); code != 1 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestAConnectorThatIsNotFedIsNoSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &fed{feed: func(context.Context, flow.Host) error { t.Error("Feed was called"); return nil }}
		c.shape = flow.Shape{Role: flow.Target, In: true, Out: true}
		r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("io", c)}})
		time.Sleep(time.Hour)
		r.cancel()
		r.wait(t)
	})
}

// What Feed sends waits for the connector itself, whose Run has failed: it
// must run again all the same.
func TestFeedIntoItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newSink()
		c := &fed{feed: func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, nil)
			if err != nil {
				return err
			}
			defer l.Close(h.Abandon(), nil)
			if len(out.events()) > 0 {
				return nil
			}
			time.Sleep(time.Second)
			return l.Receive(h.Abandon(), []flow.Frame{{Data: []byte("a")}})
		}}
		c.shape = flow.Shape{Role: flow.Target, In: true, Out: true, Many: false}
		first := true
		c.run = func(ctx context.Context, h flow.Host) error {
			if first {
				first = false
				time.Sleep(900 * time.Millisecond)
				return errors.New("lost")
			}
			return out.run(ctx, h)
		}
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("io", c)},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.io.out > connector.io.in")},
		})
		if code := r.wait(t); code != 0 || len(out.events()) != 1 {
			t.Errorf("exit code %d, arrived: %v", code, out.events())
		}
	})
}

// flock is a server whose connections leave one by one when it ends.
func flock(d *diary, n int) *parts {
	return &parts{
		shape: flow.Shape{Role: flow.Server, Out: true, In: true, Many: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "block"}},
		run: func(ctx context.Context, h flow.Host) error {
			links := make([]flow.Link, n)
			for i := range links {
				l, err := h.Open(flow.Peer{}, nil)
				if err != nil {
					return err
				}
				links[i] = l
			}
			<-ctx.Done()
			h.Shut()
			why := h.Farewell()
			var leaving sync.WaitGroup
			for i, l := range links {
				leaving.Go(func() {
					sleep(h.Abandon(), why.Spread*time.Duration(i)/time.Duration(n))
					l.Settle(h.Abandon())
					d.note("%d %q", why.Code, why.Reason)
					l.Close(h.Abandon(), nil)
				})
			}
			leaving.Wait()
			return nil
		},
	}
}

// noting is a connector that notes its end.
func noting(d *diary, name string, role flow.Role) *parts {
	return &parts{shape: flow.Shape{Role: role, Out: true, In: role != flow.Source}, run: func(ctx context.Context, _ flow.Host) error {
		<-ctx.Done()
		d.note("%s ends", name)
		return nil
	}}
}

func TestDelayAndSpread(t *testing.T) {
	for _, test := range []struct {
		name  string
		drain flowfile.Drain
		other flow.Role
		edge  bool // from the other one to the server
		took  time.Duration
		want  string
	}{
		{"none", flowfile.Drain{}, flow.Source, false, 0, "other ends\n1001 \"server is shutting down\"\n1001 \"server is shutting down\""},
		{"delay", flowfile.Drain{Delay: 3}, flow.Source, false, 3, "other ends\n1001 \"server is shutting down\"\n1001 \"server is shutting down\""},
		{"spread", flowfile.Drain{Delay: 3, Spread: 4, Code: 1012}, flow.Source, false, 5, "1012 \"server is restarting\"\n1012 \"server is restarting\"\nother ends"},
		{"answers are waited for", flowfile.Drain{Spread: 4, Reason: "bye"}, flow.Client, true, 3, "1001 \"bye\"\n1001 \"bye\"\nother ends"},
		{"there are no answers", flowfile.Drain{Spread: 4, Reason: "bye"}, flow.Client, false, 2, "1001 \"bye\"\n1001 \"bye\"\nother ends"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				drain := flowfile.DefaultDrain()
				drain.Delay, drain.Spread, drain.Reason = test.drain.Delay*1e9, test.drain.Spread*1e9, test.drain.Reason
				if test.drain.Code != 0 {
					drain.Code = test.drain.Code
				}
				f := &flowfile.File{
					Name:       "f",
					Drain:      drain,
					Connectors: []*flowfile.ConnectorBlock{connector("edge", flock(&d, 2)), connector("other", noting(&d, "other", test.other))},
				}
				if test.edge {
					f.Connects = []*flowfile.ConnectBlock{connect("e", "connector.other.out > connector.edge.in")}
				}
				r := start(t, f)
				synctest.Wait()
				begin := time.Now()
				r.cancel()
				synctest.Wait()
				if r.Health().Ready {
					t.Error("it is still ready")
				}
				code := r.wait(t)
				if took := time.Since(begin); code != 0 || took.Truncate(100*time.Millisecond) != test.took*time.Second || d.String() != test.want {
					t.Errorf("exit code %d after %v:\n%s", code, took, d.String())
				}
			})
		})
	}
}

func TestStopInADelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		drain := flowfile.DefaultDrain()
		drain.Delay, drain.Spread = setting.Duration(time.Second), setting.Duration(2*time.Second)
		r := start(t, &flowfile.File{Name: "f", Drain: drain, Connectors: []*flowfile.ConnectorBlock{connector("edge", flock(&d, 2))}})
		synctest.Wait()
		begin := time.Now()
		r.cancel()
		synctest.Wait()
		r.Stop()
		if code := r.wait(t); code != 0 || time.Since(begin) != 0 {
			t.Errorf("exit code %d after %v", code, time.Since(begin))
		}
	})
}

// Two flows in one process: the longest delay is everyone's, the spread each
// one's own.
func TestDrainsOfSeveralFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		one, two := flowfile.DefaultDrain(), flowfile.DefaultDrain()
		one.Delay, one.Reason = setting.Duration(5*time.Second), "one"
		two.Spread, two.Reason, two.Timeout = setting.Duration(10*time.Second), "two", setting.Duration(time.Minute)
		r := start(t, &flowfile.File{Name: "one", Drain: one, Connectors: []*flowfile.ConnectorBlock{connector("edge", flock(&d, 1))}}, func(o *Options) {
			o.Files = append(o.Files, &flowfile.File{Name: "two", Drain: two, Connectors: []*flowfile.ConnectorBlock{connector("edge", flock(&d, 2))}})
		})
		synctest.Wait()
		begin := time.Now()
		r.cancel()
		if code := r.wait(t); code != 0 || time.Since(begin).Truncate(100*time.Millisecond) != 10*time.Second || d.String() != "1001 \"two\"\n1001 \"two\"\n1001 \"one\"" {
			t.Errorf("exit code %d after %v:\n%s", code, time.Since(begin), d.String())
		}
	})
}
