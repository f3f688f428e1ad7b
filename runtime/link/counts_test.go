package link

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestCountersOnlyGrow: whoever looks while connections come and go sees what was
// counted before, once, and in the end all of it.
func TestCountersOnlyGrow(t *testing.T) {
	const clients, rounds, each = 4, 100, 3
	tab, _, _ := table(t, many())
	ended := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		var last Stats
		for over := false; !over; {
			select {
			case <-ended:
				over = true
			default:
			}
			s := tab.Stats()
			if s.EventsIn < last.EventsIn || s.EventsOut < last.EventsOut || s.BytesIn < last.BytesIn || s.BytesOut < last.BytesOut {
				t.Errorf("after %+v there are %+v", last, s)
			}
			last = s
		}
	})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range rounds {
				l, err := tab.Open(flow.Peer{Host: "127.0.0.1"}, &wire{})
				if err != nil {
					t.Error(err)
					return
				}
				for range each {
					receive(t, l, "17", "180")
				}
				l.Close(context.Background(), nil)
			}
		})
	}
	all.Wait()
	close(ended)
	looks.Wait()
	const events, bytes = clients * rounds * each * 2, clients * rounds * each * 5
	s := tab.Stats()
	if s.EventsIn != events || s.EventsOut != events || s.BytesIn != bytes || s.BytesOut != bytes || s.Open != 0 {
		t.Errorf("want %d events and %d bytes, got %+v", events, bytes, s)
	}
	latency := tab.Latency()
	if n := latency.Count(); n != events {
		t.Errorf("of %d events it is known how long they took", n)
	}
}

func TestInfoOfAConnection(t *testing.T) {
	shape := many()
	shape.Sessions = &flow.Sessions{Key: part(func(*flow.Event, ...flow.Value) flow.Value { return flow.TextOf("anna") }), MaxPerKey: 2, OnConflict: "reject"}
	tab, _, _ := table(t, shape)
	l := open(t, tab, &wire{})
	receive(t, l, "1", "22")
	gone := open(t, tab, &wire{})
	gone.Close(context.Background(), nil)
	all := 0
	for i := range Infos([]*Table{tab}) {
		all++
		if i.Origin.ID() != l.ID() || i.EventsIn != 2 || i.BytesIn != 3 || i.EventsOut != 2 || i.BytesOut != 3 || i.Waiting != 0 || i.Session.Text() != "anna" || i.Active.Before(i.Opened) {
			t.Errorf("%+v", i)
		}
	}
	if all != 1 {
		t.Errorf("%d connections", all)
	}
	for id, want := range map[string]error{l.ID(): nil, gone.ID(): flow.ErrGone, "": ErrUnknown, l.ID() + "0": ErrUnknown, "/1": ErrUnknown} {
		if found, err := Find([]*Table{tab}, id); !errors.Is(err, want) || (found == l.(*Link)) != (want == nil) {
			t.Errorf("%q: %v, %v", id, found, err)
		}
	}
}

func TestAnOperatorSendsAndCloses(t *testing.T) {
	tab, _, _ := table(t, many())
	w := &wire{}
	l := open(t, tab, w).(*Link)
	if err := l.Put(t.Context(), flow.Frame{Data: []byte("{no json")}); err != nil {
		t.Error(err)
	}
	if err := l.Flush(t.Context()); err != nil || w.text() != "{no json" {
		t.Errorf("written %q, %v", w.text(), err)
	}
	for bad, code := range map[string]int{"bye": 1006, "\xff": 4000, strings.Repeat("x", 124): 1000} {
		if err := l.Dismiss(code, bad); err == nil || w.cut != nil {
			t.Errorf("%d %q: %v, %v", code, bad, err, w.cut)
		}
	}
	if err := l.Dismiss(4001, "bye"); err != nil {
		t.Error(err)
	}
	if end := (*flow.Ended)(nil); !errors.As(w.cut, &end) || end.Code != 4001 || end.Error() != "bye" || end.Cause != flow.EndedByOperator {
		t.Errorf("told %+v", w.cut)
	}
	l.Close(context.Background(), nil)
	if err := l.Put(t.Context(), flow.Frame{}); !errors.Is(err, flow.ErrGone) {
		t.Errorf("to one that is gone: %v", err)
	}
	other := open(t, tab, quiet{}).(*Link)
	if err := other.Dismiss(1000, ""); err == nil {
		t.Error("it has no way to end")
	}
}

func TestEndingsAreCounted(t *testing.T) {
	tab, _, _ := table(t, many())
	lost := errors.New("reset")
	for _, reason := range []error{
		nil, lost, fmt.Errorf("%w: queue.max_events", flow.ErrSlow),
		&flow.Ended{Code: 1000, Cause: flow.EndedByPeer}, &flow.Ended{Code: 1000, Cause: flow.EndedByPeer}, &flow.Ended{Code: 1015, Err: lost},
		&flow.Ended{Code: 3001, Cause: flow.EndedByFlow}, &flow.Ended{Code: 4999, Cause: flow.EndedReplaced}, &flow.Ended{Code: 2000},
	} {
		open(t, tab, &wire{}).Close(context.Background(), reason)
	}
	want := "[{1000 peer 2} {1015 lost 1} {3xxx flow 1} {4xxx replaced 1} {none done 2} {none slow 1} {none lost 1}]"
	if got := fmt.Sprint(tab.Endings()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestAdd: no counter is left out of a sum.
func TestAdd(t *testing.T) {
	var one, sum Stats
	of, in := reflect.ValueOf(&one).Elem(), reflect.ValueOf(&sum).Elem()
	for i := range of.NumField() {
		if f := of.Field(i); f.CanUint() {
			f.SetUint(1)
		} else {
			f.SetInt(1)
		}
	}
	sum.Add(one)
	for i := range in.NumField() {
		if in.Field(i).IsZero() {
			t.Errorf("%s is not added", in.Type().Field(i).Name)
		}
	}
}
