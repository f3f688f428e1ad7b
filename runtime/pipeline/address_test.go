package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// wire notes what is written to a connection: the type of the frame and its
// text.
type wire struct {
	mu  sync.Mutex
	got []string
}

func (w *wire) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range frames {
		kind := "text "
		if f.Binary {
			kind = "binary "
		}
		w.got = append(w.got, kind+string(f.Data))
	}
	return nil
}

func (*wire) Flush(context.Context) error { return nil }

// TestWhatAMapWritesAddresses: what a map writes into meta decides to which
// connection an event goes, and in which type of frame.
func TestWhatAMapWritesAddresses(t *testing.T) {
	const message = `{"id":"%s","host":"127.0.0.1","port":%d,"binary":true}` // of the other connection
	for _, test := range []struct {
		meta          []string // one map each
		sender, other string   // what each gets
		fails         bool
	}{
		{meta: []string{`null`}, sender: "text 1"},
		{meta: []string{`{ ws_server = { peer = event.id } }`}, other: "text 1"},
		{meta: []string{`{ ws_server = { peer = { id = event.id } } }`}, other: "text 1"},
		{meta: []string{`{ ws_server = { peer = { host = event.host, port = event.port } } }`}, other: "text 1"},
		{meta: []string{`{ ws_server = { peer = peer.id } }`}, sender: "text 1"},
		{meta: []string{`{ ws_server = { peer = { host = event.host, port = 9 } } }`}, fails: true},
		{meta: []string{`{ ws_server = { peer = "${event.id}0" } }`}, fails: true},
		{meta: []string{`{ ws_server = { peer = event.binary } }`}, fails: true},
		{meta: []string{`{ ws_client = { peer = event.id } }`}, sender: "text 1"}, // another connector's
		{meta: []string{`{ ws_server = { peer = null } }`}, sender: "text 1"},
		{meta: []string{`{ ws_server = { peer = event.id } }`, `{ ws_server = { binary = true } }`}, other: "binary 1"},
		{meta: []string{`{ ws_server = { peer = event.id } }`, `{ ws_server = { peer = null } }`}, sender: "text 1"},
		{meta: []string{`{ ws_server = { peer = event.id } }`, `{ ws_server = null }`}, sender: "text 1"},
		{meta: []string{`{ binary = event.binary }`}, sender: "binary 1"},
		{meta: []string{`{ ws_server = { binary = true } }`}, sender: "binary 1"},
		{meta: []string{`{ binary = true, ws_server = { binary = false } }`}, sender: "text 1"},
		{meta: []string{`{ ws_server = { binary = true } }`, `{ ws_server = { binary = null } }`}, sender: "text 1"},
	} {
		t.Run(strings.Join(test.meta, " "), func(t *testing.T) {
			c := &flow.Component{Boot: "node.1", Flow: "f", Kind: "connector", Type: "ws_server", Name: "edge"}
			tab := link.NewTable(link.Config{
				Component: c,
				Shape:     flow.Shape{Role: flow.Server, In: true, Out: true, Many: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "disconnect"}},
				Codec:     flow.CodecUse{Type: "json", New: jsonCodec(t), Text: true},
				Problems:  &flow.Problems{Component: c, Log: zap.NewNop()},
				Log:       zap.NewNop(),
			})
			block := &flowfile.PipelineBlock{Name: "p"}
			for n, meta := range test.meta {
				block.Steps = append(block.Steps, flowfile.StepBlock{Type: "map", Label: fmt.Sprint(n), Config: &step.Map{Meta: steptest.Value(t, meta)}})
			}
			// The payload is short in the end.
			block.Steps = append(block.Steps, flowfile.StepBlock{Type: "map", Label: "payload", Config: &step.Map{Event: steptest.Value(t, `1`)}})
			i, err := New(block, steptest.Problems("pipeline", "p"))
			if err != nil {
				t.Fatal(err)
			}
			tab.Out().Connect(i.In())
			i.Port("out").Connect(tab.In(flow.Reply, true))

			var ends [2]wire
			var links [2]flow.Link
			for n := range ends {
				if links[n], err = tab.Open(flow.Peer{Host: "127.0.0.1", Port: 1000 + n}, &ends[n]); err != nil {
					t.Fatal(err)
				}
			}
			frame := flow.Frame{Data: fmt.Appendf(nil, message, links[1].ID(), 1001)}
			err = links[0].Receive(t.Context(), []flow.Frame{frame})
			if (err != nil) != (test.fails) {
				t.Errorf("got error %v, want one: %v", err, test.fails)
			}
			for n, want := range []string{test.sender, test.other} {
				if err := links[n].Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				steptest.Check(t, fmt.Sprint("connection ", n), strings.Join(ends[n].got, "|"), want)
				links[n].Close(t.Context(), nil)
			}
		})
	}
}

func jsonCodec(t *testing.T) func() flow.Codec {
	t.Helper()
	i := slices.IndexFunc(codecs.All, func(s flow.Spec[flow.CodecConfig]) bool { return s.Name == "json" })
	made, err := codecs.All[i].Config().New()
	if err != nil {
		t.Fatal(err)
	}
	return made
}
