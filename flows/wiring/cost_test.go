package wiring_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/wiring"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
)

// Many sources that lead to one place, by a long chain of pipelines written
// from its end: with twenty times as many, the square would be four hundred
// times as long.
func TestCost(t *testing.T) {
	cost := func(n int) time.Duration {
		best := time.Hour
		for range 3 {
			f := &wiring.Flow{
				Report:     &source.Report{},
				Connectors: map[string]wiring.Connector{"log": {Type: "log"}},
				Pipelines:  map[string]wiring.Pipeline{fmt.Sprintf("p%d", n): {}},
			}
			edge := func(from, to flowfile.PortRef) {
				f.Edges = append(f.Edges, wiring.Edge{
					ConnectBlock: &flowfile.ConnectBlock{From: []flowfile.PortRef{from}, To: []flowfile.PortRef{to}},
					Sources:      []wiring.End{{PortRef: from}}, Targets: []wiring.End{{PortRef: to}},
				})
			}
			log := flowfile.PortRef{Kind: "connector", Name: "log", Port: "in"}
			for i := n - 1; i >= 0; i-- {
				c, p := fmt.Sprintf("c%d", i), fmt.Sprintf("p%d", i)
				f.Connectors[c], f.Pipelines[p] = wiring.Connector{Type: "metronome"}, wiring.Pipeline{}
				edge(flowfile.PortRef{Kind: "connector", Name: c, Port: "out"}, log)
				edge(flowfile.PortRef{Kind: "pipeline", Name: p, Port: "out"}, flowfile.PortRef{Kind: "pipeline", Name: fmt.Sprintf("p%d", i+1), Port: "in"})
			}
			edge(flowfile.PortRef{Kind: "connector", Name: "c0", Port: "out"}, flowfile.PortRef{Kind: "pipeline", Name: "p0", Port: "in"})
			best = min(best, cputime.Of(func() { f.Check(true) }))
			if f.HasErrors() {
				t.Fatal(f.Text(false))
			}
		}
		return best
	}
	if few, many := cost(100), cost(2000); many > 150*few {
		t.Errorf("%v for 100 sources, %v for 2000", few, many)
	}
}
