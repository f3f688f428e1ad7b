package link

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestTheGate pauses and resumes what somebody waits for.
func TestTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table Table
		passed := make(chan struct{}, 10)
		enter := func(ctx context.Context) {
			if shut := table.gate.shut.Load(); shut != nil {
				table.gate.wait(ctx, shut)
			}
			passed <- struct{}{}
		}
		through := func(want int) {
			t.Helper()
			synctest.Wait()
			if len(passed) != want {
				t.Errorf("%d are through, not %d", len(passed), want)
			}
		}
		table.Resume() // which is nothing to do
		go enter(t.Context())
		through(1)
		table.Pause()
		table.Pause() // again
		if !table.Paused() {
			t.Error("it is not paused")
		}
		ctx, cancel := context.WithCancel(t.Context())
		go enter(t.Context())
		go enter(t.Context())
		go enter(ctx)
		through(1)
		cancel() // who has to end does not wait
		through(2)
		table.Resume()
		through(4)
		if table.Paused() {
			t.Error("it is paused")
		}
	})
}

func TestATableKnowsWhetherItIsAddressed(t *testing.T) {
	for name, lead := range map[string]func(*Table) flow.Sink{
		"by replies": func(tab *Table) flow.Sink { return tab.In(flow.Reply, false) },
		"to all":     func(tab *Table) flow.Sink { return tab.In(flow.Broadcast, false) },
		"by names":   func(tab *Table) flow.Sink { return tab.InTo(Whom{By: flow.Identity}, false) },
	} {
		tab := NewTable(Config{Component: &flow.Component{}, Shape: many(), Codec: codec(t, "json")})
		if tab.Addressed() {
			t.Errorf("%s: it is addressed before", name)
		}
		if lead(tab); !tab.Addressed() {
			t.Errorf("%s: it is not addressed", name)
		}
	}
}
