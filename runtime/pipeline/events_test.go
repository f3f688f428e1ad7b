package pipeline

import (
	"context"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// value compiles an expression as a flow would have it; "" is none.
func value(t testing.TB, src string) flow.Expr {
	t.Helper()
	if src == "" {
		return nil
	}
	e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x, diags := expr.Compile(e, expr.Scope{Roots: []string{"event", "meta", "peer"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return x
}

// arrived is an event as a codec leaves it.
func arrived(t testing.TB, text string) flow.Event {
	t.Helper()
	e := flow.Event{Time: 7}
	if err := jsonCodec(t).Decode(&e, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return e
}

func jsonCodec(t testing.TB) flow.Codec {
	t.Helper()
	for _, spec := range codecs.All {
		if spec.Name == "json" {
			make, err := spec.Config().New()
			if err != nil {
				t.Fatal(err)
			}
			return make()
		}
	}
	t.Fatal("no codec json")
	return nil
}

// spell is an event's payload as JSON.
func spell(t testing.TB, e flow.Event) string {
	t.Helper()
	text, err := jsonCodec(t).Encode(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func spellObject(t testing.TB, o *flow.Object) string {
	t.Helper()
	return spell(t, flow.Event{Value: flow.MapOf(o)})
}

// alone builds an instance of one step.
func alone(t testing.TB, config flow.StepConfig, p *flow.Problems) *Instance {
	t.Helper()
	i, err := New(&flow.PipelineBlock{Name: "p", Steps: []flow.StepBlock{{Type: "step", Label: "s", Config: config}}}, p)
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
