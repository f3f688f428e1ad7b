package link

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestConnectionsAreTold: each that opens, and why it has ended; none that was
// refused.
func TestConnectionsAreTold(t *testing.T) {
	shape := many()
	shape.Sessions = &flow.Sessions{Key: part(func(*flow.Event, ...flow.Value) flow.Value { return flow.TextOf("same") }), OnConflict: "reject", MaxPerKey: 1}
	tab, _, _ := table(t, shape)
	var told []string
	tab.cfg.Entered = func(o *flow.Origin) { told = append(told, fmt.Sprint("entered ", o.Seq)) }
	tab.cfg.Removed = func(o *flow.Origin, reason error) { told = append(told, fmt.Sprint("removed ", o.Seq, " ", reason)) }

	first := open(t, tab, &wire{})
	if _, err := tab.Open(flow.Peer{}, &wire{}); !errors.Is(err, flow.ErrDuplicate) {
		t.Errorf("the second of a session: %v", err)
	}
	first.Close(context.Background(), &flow.Ended{Err: errors.New("reset")})
	third := open(t, tab, &wire{})
	third.Close(context.Background(), nil)
	if got, want := fmt.Sprint(told), "[entered 1 removed 1 reset entered 3 removed 3 <nil>]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
