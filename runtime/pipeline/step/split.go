package step

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Split is the configuration of a step that makes an event of each element of
// a list.
type Split struct {
	Over     flow.Expr `hcl:"over" required:"true" doc:"the list; null is an empty one"`
	As       string    `hcl:"as" doc:"the field of event that holds the element; without it, the element is the event"`
	MaxItems int       `hcl:"max_items" min:"1" doc:"elements that a list may have; an event with more goes to err"`
}

// Ports implements flow.StepConfig: a split has none of its own.
func (s *Split) Ports() []string { return nil }

// New implements flow.StepConfig.
func (s *Split) New(env flow.StepEnv) (flow.Sink, error) {
	if s.Over == nil {
		return nil, &setting.Error{Field: "over", Err: errors.New("a split needs over: the list")}
	}
	if err := flow.MustBe("over", s.Over, flow.OfList); err != nil {
		return nil, err
	}
	return &splitter{Split: *s, env: env}, nil
}

type splitter struct {
	Split
	Counters
	env flow.StepEnv
}

func (s *splitter) Send(ctx context.Context, batch []flow.Event) error {
	out := MadeOf(len(batch), &s.env)
	defer out.Release()
	var parts, dropped, refused int
	for i := range batch {
		e := &batch[i]
		list, around, err := s.open(e)
		switch {
		case err != nil:
			out.Refuse(ctx, i, e, s.Over, err)
			refused++
		case len(list) == 0:
			dropped++
		}
		for _, element := range list {
			part := out.Add(ctx, i, e)
			if around != nil {
				o := around.Clone()
				o.Set(s.As, element)
				element = flow.MapOf(o)
			}
			part.SetPayload(element)
		}
		parts += len(list)
	}
	out.Send(ctx)
	s.Counters.Add(len(batch), parts, dropped, refused)
	return out.Err()
}

// open returns the list of an event and, when its elements become a field of
// it, its payload.
func (s *splitter) open(e *flow.Event) (list []flow.Value, around *flow.Object, err error) {
	v, err := s.Over.Eval(e)
	switch {
	case err != nil || v.IsNull():
		return nil, nil, err
	case v.Kind() != flow.List:
		return nil, nil, fmt.Errorf("over is %s, where a list is needed", v.Kinds())
	}
	list = v.List()
	if len(list) > s.MaxItems {
		return nil, nil, fmt.Errorf("over has %d elements, more than max_items (%d)", len(list), s.MaxItems)
	}
	if s.As == "" || len(list) == 0 {
		return list, nil, nil
	}
	payload := e.Value
	if e.Raw != nil && payload.IsNull() {
		payload = flow.LazyOf(e.Raw, e.Form) // most of it stays as it is
	}
	if payload.Kind() != flow.Map {
		return nil, nil, fmt.Errorf("event is %s, where an object is needed to set event.%s", payload.Kinds(), s.As)
	}
	return list, payload.Object(), nil
}

var splitSpec = flow.Spec[flow.StepConfig]{
	Name:    "split",
	Summary: "makes an event of each element of a list",
	Doc: "`over`" + ` gives the list. Each element becomes an event, in the order of the list: it is the
payload or, with ` + "`as = \"item\"`" + `, the field ` + "`event.item`" + ` of the payload that was there, which
must be an object then. Where the event came from and its meta are those of each part.

The incoming event is delivered when all parts are, and has failed when one has: who sends it again
sends all parts again. An empty list, or null in its place, makes no event, and counts as delivered.

Where ` + "`over`" + ` fails, is no list, or has more than ` + "`max_items`" + ` elements, the event goes to the pipeline's
` + "`err`" + ` port; without one it has failed. The other events of its batch go on.`,
	Example: splitExample,
	Config:  func() flow.StepConfig { return &Split{MaxItems: 10000} },
}

const splitExample = `connector "metronome" "clock" {
  interval = "1s"
  event    = jsonencode({ room = "attic", readings = [20.5, 21, 19.5] })
}

connector "stdio" "console" {
  codec = "json"
}

pipeline "single" {
  split "reading" {
    over = event.readings
    as   = "reading"
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.single]
  to   = connector.console
}
`
