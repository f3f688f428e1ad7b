package flow_test

import (
	"context"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

type twoWay struct{ fed, ran bool }

func (c *twoWay) Feed(context.Context, flow.Host) error { c.fed = true; return nil }
func (c *twoWay) Run(context.Context, flow.Host) error  { c.ran = true; return nil }

func TestFeederBesideRun(t *testing.T) {
	c := &twoWay{}
	var connector flow.Connector = c
	feeder, ok := connector.(flow.Feeder)
	if !ok {
		t.Fatal("a connector with Feed is no Feeder")
	}
	if err := feeder.Feed(t.Context(), nil); err != nil || !c.fed || c.ran {
		t.Fatalf("Feed: %v, fed %v, ran %v", err, c.fed, c.ran)
	}
}
