package step_test

import (
	"context"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// arrived is an event as the codec json leaves it.
func arrived(t testing.TB, text string) flow.Event {
	t.Helper()
	raw, err := jsontext.Check([]byte(text), jsontext.DefaultDepth)
	if err != nil {
		t.Fatal(err)
	}
	return flow.Event{Time: 7, Raw: raw, Form: jsontext.Form{}}
}

// spell is an event's payload as JSON.
func spell(t testing.TB, e flow.Event) string {
	t.Helper()
	v, err := e.Payload()
	if err != nil {
		t.Fatal(err)
	}
	return spellValue(t, v)
}

func spellValue(t testing.TB, v flow.Value) string {
	t.Helper()
	text, err := jsontext.Append(nil, v, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func spellObject(t testing.TB, o *flow.Object) string {
	t.Helper()
	return spellValue(t, flow.MapOf(o))
}

// alone builds an instance of one step.
func alone(t testing.TB, config flow.StepConfig, p *flow.Problems) *pipeline.Instance {
	t.Helper()
	i, err := pipeline.New(&flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{{Type: "step", Label: "s", Config: config}}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// held keeps what it is sent, as a holding point does.
type held struct{ events []flow.Event }

func (h *held) Send(_ context.Context, batch []flow.Event) error {
	for i := range batch {
		h.events = append(h.events, batch[i].Held())
	}
	return nil
}

type sinkFunc func(batch []flow.Event) error

func (f sinkFunc) Send(_ context.Context, batch []flow.Event) error { return f(batch) }

type sendFunc func(ctx context.Context, batch []flow.Event) error

func (f sendFunc) Send(ctx context.Context, batch []flow.Event) error { return f(ctx, batch) }
