package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
	"github.com/google/go-cmp/cmp"
)

// unlucky is a connector whose attempts end as plan says, one word each:
// "fail", "lose" (after a success), "panic", "unprepared", "done", "stay". It
// notes when they happen, from the start of the bubble's clock.
func unlucky(d *diary, plan string) *parts {
	words := strings.Fields(plan)
	begin := time.Now()
	attempt := -1
	note := func(what string) { d.note("%v %s", time.Since(begin), what) }
	return &parts{
		shape: flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "block"}},
		prepare: func(context.Context, flow.Host) error {
			attempt++
			if words[attempt] == "unprepared" {
				note("unprepared")
				return errors.New("no world")
			}
			return nil
		},
		run: func(ctx context.Context, h flow.Host) error {
			word := words[attempt]
			note(word)
			switch word {
			case "lose":
				l, err := h.Open(flow.Peer{}, nil)
				if err != nil {
					return err
				}
				l.Close(ctx, nil)
				return errors.New("lost the world")
			case "panic":
				panic("ouch")
			case "done":
				return nil
			case "open":
				l, err := h.Open(flow.Peer{}, nil)
				if err != nil {
					return err
				}
				<-ctx.Done()
				l.Close(ctx, nil)
				return nil
			case "stay":
				<-ctx.Done()
				return nil
			}
			return errors.New("no world")
		},
	}
}

func retries(n int) func(*flowfile.Common) {
	return func(c *flowfile.Common) { c.Reconnect.MaxRetries = n }
}

func onFailure(what string) func(*flowfile.Common) {
	return func(c *flowfile.Common) { c.OnFailure = what }
}

func notRequired(c *flowfile.Common) { c.Required = false }

func cappedAt(d time.Duration) func(*flowfile.Common) {
	return func(c *flowfile.Common) { c.Reconnect.MaxInterval = setting.Duration(d) }
}

func TestAttempts(t *testing.T) {
	for _, test := range []struct {
		name, plan string
		change     []func(*flowfile.Common)
		want       string // when what happened
		state      string // a minute later
		ready      bool
	}{
		{
			name: "three attempts in a row", plan: "fail fail fail",
			change: []func(*flowfile.Common){retries(3)},
			want:   "0s fail\n500ms fail\n1.5s fail",
			state:  "failed, 3 failed: no world",
		},
		{
			name: "one attempt", plan: "fail",
			change: []func(*flowfile.Common){retries(1), notRequired},
			want:   "0s fail",
			state:  "failed, 1 failed: no world",
			ready:  true,
		},
		{
			name: "a success starts the count and the waits anew", plan: "fail fail lose fail fail lose fail fail fail",
			change: []func(*flowfile.Common){retries(3)},
			want:   "0s fail\n500ms fail\n1.5s lose\n2s fail\n3s fail\n5s lose\n5.5s fail\n6.5s fail\n8.5s fail",
			state:  "failed, 3 failed: no world",
		},
		{
			name: "growth up to the cap, for ever", plan: strings.Repeat("fail ", 7) + "stay",
			change: []func(*flowfile.Common){cappedAt(3 * time.Second)},
			want:   "0s fail\n500ms fail\n1.5s fail\n3.5s fail\n6.5s fail\n9.5s fail\n12.5s fail\n15.5s stay",
			state:  "connecting, 7 failed: no world",
		},
		{
			name: "preparing again can fail", plan: "lose unprepared unprepared fail",
			change: []func(*flowfile.Common){retries(3)},
			want:   "0s lose\n500ms unprepared\n1.5s unprepared\n3.5s fail",
			state:  "failed, 3 failed: no world",
		},
		{
			name: "a panic is a failure", plan: "panic stay",
			want:  "0s panic\n500ms stay",
			state: "connecting, 1 failed: panic: ouch",
		},
		{
			name: "open at last", plan: "fail lose open",
			want:  "0s fail\n500ms lose\n1s open",
			state: "open, 0 failed: lost the world",
			ready: true,
		},
		{
			name: "nobody needs it", plan: "fail stay",
			change: []func(*flowfile.Common){func(c *flowfile.Common) { c.Required = false }},
			want:   "0s fail\n500ms stay",
			state:  "connecting, 1 failed: no world",
			ready:  true,
		},
		{
			name: "work done", plan: "fail done",
			want:  "0s fail\n500ms done",
			state: "ended, 1 failed: no world",
			ready: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", unlucky(&d, test.plan), test.change...)}})
				time.Sleep(time.Minute)
				synctest.Wait()
				if diff := cmp.Diff(test.want, d.String()); diff != "" {
					t.Error(diff)
				}
				if got := r.state("x"); got != test.state {
					t.Errorf("state %q, want %q", got, test.state)
				}
				if got := r.Health().Ready; got != test.ready {
					t.Errorf("ready: %v", got)
				}
				r.cancel()
				if code := r.wait(t); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		})
	}
}

func TestBackingOffIsVisibleAndEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", unlucky(&d, "fail"))}})
		synctest.Wait()
		h := r.Health().Connectors[0]
		if r.Health().Ready {
			t.Error("it is ready without what it requires")
		}
		if h.State != status.BackingOff || time.Until(h.NextRetry) != 500*time.Millisecond || h.LastError != "no world" || h.Attempts != 1 {
			t.Errorf("got %+v", h)
		}
		begin := time.Now()
		r.cancel()
		r.wait(t)
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v to end", took)
		}
	})
}

func TestPanicIsLoggedWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		r := start(t, &flowfile.File{Name: "f", Connectors: []*flowfile.ConnectorBlock{connector("x", unlucky(&d, "panic stay"))}})
		synctest.Wait()
		lines := r.logs.FilterMessageSnippet("panicked").All()
		if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["stack"]), "supervise_test.go") {
			t.Errorf("logged: %v", lines)
		}
	})
}

func TestSendersHearThatAConnectorHasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		result := make(chan error, 1)
		in := &parts{shape: flow.Shape{Role: flow.Source, Out: true}, run: func(ctx context.Context, h flow.Host) error {
			l, err := h.Open(flow.Peer{}, nil)
			if err != nil {
				return err
			}
			defer l.Close(ctx, nil)
			time.Sleep(10 * time.Second)
			result <- l.Receive(ctx, []flow.Frame{{Data: []byte("a")}})
			<-ctx.Done()
			return nil
		}}
		start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", in), connector("x", unlucky(&d, "fail fail"), retries(2))},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.x.in")},
		})
		if err := <-result; !errors.Is(err, flow.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}
