package link

import (
	"context"
	"errors"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestHeld(t *testing.T) {
	for _, test := range []struct {
		processors []string
		frames     []string
		n          int64
		known      bool
	}{
		{nil, []string{"1"}, 0, true},
		{[]string{"separate"}, nil, 0, true},
		{[]string{"separate"}, []string{"1\n2\n"}, 0, true},
		{[]string{"separate"}, []string{"1\n2", "34"}, 3, true},
		{[]string{"separate", "json_stream"}, []string{"[1\n,2]\n3"}, 1, true},
		{[]string{"separate", "json_stream"}, []string{"[1\n,2"}, 0, false},
	} {
		tab, _, _ := table(t, many(), test.processors...)
		tab.Out().Connect(&recorder{})
		l := open(t, tab, &wire{})
		for _, f := range test.frames {
			receive(t, l, f)
		}
		if n, known := l.Held(); n != test.n || known != test.known {
			t.Errorf("%v after %q: %d, %v; want %d, %v", test.processors, test.frames, n, known, test.n, test.known)
		}
		l.Close(t.Context(), nil)
	}
}

// Who can send again must know whether that helps.
func TestReceiveBlamesThePeerOnlyForAll(t *testing.T) {
	refused := errors.New("not today")
	for _, test := range []struct {
		text string
		peer bool
	}{
		{"x\n", true}, {"1\n", false}, {"x\n1\nx\n", false}, {"1\nx\n", false},
	} {
		tab, _, _ := table(t, many(), "separate")
		tab.cfg.Problems.Port.Connect(sinkFunc(func(context.Context, []flow.Event) error { return refused }))
		tab.Out().Connect(sinkFunc(func(context.Context, []flow.Event) error { return refused }))
		l := open(t, tab, &wire{})
		err := l.Receive(t.Context(), []flow.Frame{{Data: []byte(test.text)}})
		if err == nil || isUnreadable(err) != test.peer {
			t.Errorf("%q: %v", test.text, err)
		}
		l.Close(t.Context(), nil)
	}
}
