package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
)

// What a server has let in when a drain begins, and is still to announce, is heard by
// the clients as all else is; nobody comes after the server has said so.
func TestWhoHasBeenLetInIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clientEnded := false
		server := &parts{
			shape: flow.Shape{Role: flow.Server, Out: true, In: true, Many: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "block"}},
			run: func(ctx context.Context, h flow.Host) error {
				<-ctx.Done()
				time.Sleep(100 * time.Millisecond)
				l, err := h.Open(flow.Peer{}, nil)
				if err != nil {
					t.Errorf("before Shut, Open fails with %v", err)
					return nil
				}
				h.Shut()
				if _, err := h.Open(flow.Peer{}, nil); !errors.Is(err, flow.ErrClosed) {
					t.Errorf("after Shut, Open fails with %v", err)
				}
				time.Sleep(100 * time.Millisecond)
				if err := l.Receive(ctx, []flow.Frame{{Data: []byte("late")}}); err != nil || clientEnded {
					t.Errorf("the client has ended: %v, it took the event: %v", clientEnded, err)
				}
				l.Settle(h.Abandon())
				l.Close(h.Abandon(), nil)
				return nil
			},
		}
		client := newSink()
		client.shape.Role = flow.Client
		run := client.run
		client.run = func(ctx context.Context, h flow.Host) error {
			context.AfterFunc(ctx, func() { clientEnded = true })
			return run(ctx, h)
		}
		r := start(t, &flowfile.File{
			Name:       "f",
			Connectors: []*flowfile.ConnectorBlock{connector("in", server), connector("out", client)},
			Connects:   []*flowfile.ConnectBlock{connect("e", "connector.in.out > connector.out.in")},
		}, timeout(time.Minute))
		synctest.Wait()
		r.cancel()
		if code := r.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if diff := cmp.Diff([]string{"late"}, client.events()); diff != "" {
			t.Error(diff)
		}
	})
}
