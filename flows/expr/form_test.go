package expr

import (
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/runtime/flow"
)

// counting counts what is decoded through a form.
type counting struct {
	flow.Form
	decoded int
}

func (c *counting) Open(raw []byte) flow.Value {
	c.decoded++
	return c.Form.Open(raw)
}

func (c *counting) Decode(raw []byte) (flow.Value, error) {
	c.decoded++
	return c.Form.Decode(raw)
}

func codec(t testing.TB, name string) flow.Codec {
	t.Helper()
	for _, spec := range codecs.All {
		if spec.Name == name {
			build, err := spec.Config().New()
			if err != nil {
				t.Fatal(err)
			}
			return build()
		}
	}
	t.Fatalf("no codec %s", name)
	return nil
}

// event is one that has arrived as JSON; nil when raw is not.
func event(t testing.TB, raw string) *flow.Event {
	t.Helper()
	e := &flow.Event{}
	if codec(t, "json").Decode(e, []byte(raw)) != nil {
		return nil
	}
	if e.Raw == nil {
		t.Fatalf("the codec has decoded %s", raw)
	}
	e.Form = &counting{Form: e.Form}
	return e
}

// decoded is the same event after a step has changed it.
func decoded(t testing.TB, e *flow.Event) flow.Value {
	t.Helper()
	v, err := e.Form.Decode(e.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
