package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// asker answers each question with itself, as a client of HTTP would.
type asker struct {
	t     testing.TB
	table *Table
	// answered is called when an answer has been received.
	answered func(question string)
}

func (a *asker) Write(context.Context, []flow.Frame, bool) error { return errors.New("it asks") }
func (a *asker) Flush(context.Context) error                     { return nil }

func (a *asker) Ask(ctx context.Context, frames []flow.Frame) (failed error) {
	for i, f := range frames {
		if strings.Contains(string(f.Data), "no") {
			flow.Fail(&failed, i, errors.New("no answer"))
			continue
		}
		l, err := a.table.OpenFor(&f, flow.Peer{})
		if err != nil {
			a.t.Error(err)
		}
		if err := l.Receive(ctx, []flow.Frame{{Data: f.Data, Empty: f.Empty}}); err != nil {
			a.t.Error(err)
		}
		l.Close(ctx, nil)
		a.answered(string(f.Data))
	}
	return failed
}

// startAsking connects a table of clients, one whose writer asks, and the first again.
func startAsking(t *testing.T, answered func(string)) (front, back *Table, errs *recorder) {
	front, _, _ = table(t, many())
	back, errs, _ = table(t, flow.Shape{Role: flow.Client, In: true, Out: true, Asks: true})
	front.Out().Connect(back.In(flow.Reply, false))
	back.Out().Connect(front.In(flow.Reply, false))
	session, err := back.Open(flow.Peer{}, &asker{t, back, answered})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close(context.Background(), nil)
		back.Close(nil)
		front.Close(nil)
	})
	return front, back, errs
}

// Whoever waits for what comes of a message has the answer when Receive returns.
func TestAnswersComeBeforeTheEndOfTheirQuestion(t *testing.T) {
	w := &wire{}
	front, back, errs := startAsking(t, func(question string) {
		if got := w.text(); !strings.HasSuffix(got, question) || w.corked > 0 {
			t.Errorf("%q was written when %q had been answered, %d of it corked", got, question, w.corked)
		}
	})
	l, err := front.Open(flow.Peer{}, w)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background(), nil)
	for i := range 3 {
		err := l.Receive(context.Background(), []flow.Frame{{Data: fmt.Appendf(nil, "[%d]", i)}, {Data: fmt.Appendf(nil, `"no %d"`, i)}, {Data: []byte("7")}})
		if err != nil {
			t.Error(err)
		}
	}
	if got := w.text(); got != "[0]|7|[1]|7|[2]|7" {
		t.Errorf("the client got %s", got)
	}
	if n := len(errs.all()); n != 3 {
		t.Errorf("%d problems", n)
	}
	if s := back.Stats(); s.EventsOut != 6 || s.Open != 1 || s.Opened != 7 {
		t.Errorf("%+v", s)
	}
}

// A null is a question without a message.
func TestANullAsksWithoutAMessage(t *testing.T) {
	w := &wire{}
	front, _, _ := startAsking(t, func(question string) {
		if question != "" {
			t.Errorf("null was spelled %q", question)
		}
	})
	l, err := front.Open(flow.Peer{}, w)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background(), nil)
	for _, f := range []flow.Frame{{Empty: true}, {Data: []byte("null")}} {
		if err := l.Receive(context.Background(), []flow.Frame{f}); err != nil {
			t.Error(err)
		}
	}
	if got := w.text(); got != "null|null" {
		t.Errorf("the client got %s", got)
	}
}

// Several ask at a time; nobody waits for another.
func TestQuestionsDoNotWaitForEachOther(t *testing.T) {
	both := make(chan struct{}, 2)
	meet := make(chan struct{})
	front, _, _ := startAsking(t, func(string) {
		both <- struct{}{}
		<-meet
	})
	done := make(chan error, 2)
	for range 2 {
		l, err := front.Open(flow.Peer{}, &wire{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close(context.Background(), nil)
		go func() { done <- l.Receive(context.Background(), []flow.Frame{{Data: []byte("1")}}) }()
	}
	<-both
	<-both
	close(meet)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
}
