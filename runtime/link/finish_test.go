package link

import (
	"context"
	"errors"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Who needs to know what becomes of a last message says that it was the last.
func TestFinish(t *testing.T) {
	tab, _, _ := table(t, many(), "separate")
	w := &wire{}
	l := open(t, tab, w)
	receive(t, l, "1\n2")
	if got := w.text(); got != "1\n" {
		t.Errorf("before the end: %q", got)
	}
	if err := l.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := w.text(); got != "1\n|2\n" {
		t.Errorf("after it: %q", got)
	}
	l.Close(context.Background(), nil)
	if got := w.text(); got != "1\n|2\n" {
		t.Errorf("after Close: %q", got)
	}
}

func TestWhatIsTornIsNoMessage(t *testing.T) {
	tab, errs, _ := table(t, many(), "separate")
	got := &recorder{}
	tab.Out().Connect(got)
	l := open(t, tab, &wire{})
	receive(t, l, "1\n2")
	l.Close(context.Background(), &flow.Ended{Torn: true, Err: errors.New("cut off")})
	if n, m := len(got.all()), len(errs.all()); n != 1 || m != 0 {
		t.Errorf("%d events and %d problems, want the first message alone", n, m)
	}
}

// What is no message is told by an event that neither codec nor processor sees.
func TestAnEmptyFrameIsANullEvent(t *testing.T) {
	tab, errs, _ := table(t, many(), "separate")
	got := &recorder{}
	tab.Out().Connect(got)
	l := open(t, tab, &wire{})
	said := flow.ObjectOf(flow.Field{Key: "ws_server", Value: flow.TextOf("x")})
	if err := l.Receive(context.Background(), []flow.Frame{{Empty: true, Meta: said}}); err != nil {
		t.Fatal(err)
	}
	events := got.all()
	if len(events) != 1 || !events[0].Value.IsNull() || events[0].Raw != nil || events[0].Meta.Said != said {
		t.Errorf("got %+v", events)
	}
	if n := len(errs.all()); n > 0 {
		t.Errorf("%d problems", n)
	}
	l.Close(context.Background(), nil)
}

func TestWhoIsToBlame(t *testing.T) {
	tab, _, _ := table(t, many())
	tab.cfg.Problems.Port.Connect(nil)
	l := open(t, tab, &wire{})
	receive := func(text string) error {
		return l.Receive(context.Background(), []flow.Frame{{Data: []byte(text)}})
	}
	unreadable := (*flow.Unreadable)(nil)
	if err := receive("{"); !errors.As(err, &unreadable) {
		t.Errorf("of a message that is none: %v", err)
	}
	tab.Out().Connect(failing{errors.New("no room")})
	if err := receive("1"); err == nil || errors.As(err, &unreadable) {
		t.Errorf("of one that was not delivered: %v", err)
	}
	l.Close(context.Background(), nil)
}

type failing struct{ err error }

func (f failing) Send(context.Context, []flow.Event) error { return f.err }
