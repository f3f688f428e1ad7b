package link

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestPassWaitsForTurnsThatAreRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _, _ := table(t, many())
		inside, goOn := make(chan struct{}), make(chan struct{})
		tab.Out().Connect(sinkFunc(func(context.Context, []flow.Event) error {
			inside <- struct{}{}
			<-goOn
			return nil
		}))
		busy, idle := open(t, tab, &wire{}), open(t, tab, &wire{})
		go func() { _ = busy.Receive(context.Background(), []flow.Frame{{Data: []byte("1")}}) }()
		<-inside
		passed := make(chan error, 1)
		go func() { passed <- tab.Pass(t.Context()) }()
		synctest.Wait()
		if len(passed) > 0 {
			t.Fatal("it did not wait")
		}
		tab.Out().Connect(&recorder{})
		receive(t, idle, "2") // which is another turn
		goOn <- struct{}{}
		if err := <-passed; err != nil {
			t.Error(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := tab.Pass(ended); err != nil {
			t.Errorf("while nobody is inside: %v", err)
		}
	})
}

func TestPassGoesOnWhereATurnHasPanicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _, _ := table(t, many())
		tab.Out().Connect(sinkFunc(func(context.Context, []flow.Event) error { panic("a bug") }))
		l := open(t, tab, &wire{})
		func() {
			defer func() { _ = recover() }()
			receive(t, l, "1")
		}()
		tab.Out().Connect(&recorder{})
		l.Close(t.Context(), errors.New("it panicked"))
		if err := tab.Pass(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The table that takes over from another one knows its connections.
func TestTablesInOnePlace(t *testing.T) {
	before, _, _ := table(t, many())
	cfg := before.cfg
	cfg.Seq = before.seq
	after := NewTable(cfg)
	in := after.In(flow.Reply, true)
	w := &wire{}
	old := open(t, before, w)
	origin := &old.(*Link).origin
	e := text("late")
	e.Origin = origin
	if err := in.Send(t.Context(), []flow.Event{e}); err != nil {
		t.Error(err)
	}
	if err := old.Flush(t.Context()); err != nil || w.text() != `"late"` {
		t.Errorf("%v, %q", err, w.text())
	}
	old.Close(t.Context(), nil)
	problems := &recorder{}
	cfg.Problems.Port.Connect(problems)
	_ = in.Send(t.Context(), []flow.Event{e})
	told := problems.all()
	if len(told) != 1 {
		t.Fatalf("%d problems", len(told))
	}
	v, _ := told[0].Payload()
	what, _ := v.Object().Get("error")
	if message, _ := what.Object().Get("message"); message.Text() != flow.ErrGone.Error() {
		t.Errorf("after it has closed: %s", message.Text())
	}
	ids := []string{origin.ID(), open(t, after, &wire{}).ID(), open(t, before, &wire{}).ID()}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 {
		t.Errorf("two connections have one id: %v", ids)
	}
}
