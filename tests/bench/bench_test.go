package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "-"+baselineFlag { // children are started from the test binary too
		fmt.Fprintln(os.Stderr, "baseline:", baseline(os.Args[2]))
		os.Exit(1)
	}
	if len(os.Args) == 3 && os.Args[1] == "-"+forwardFlag {
		fmt.Fprintln(os.Stderr, "baseline of lines:", forwardLines(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Everything is run once, small: the replies are right and no figure is
// absurd. How fast it is, the command says.
func TestEachCaseOnce(t *testing.T) {
	if err := process.DependOnSources("../.."); err != nil {
		t.Fatal(err)
	}
	b, err := newBench(t.Context(), "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	b.window = 100 * time.Millisecond
	var results []result
	for _, c := range all {
		c.connections = min(c.connections, 40)
		c.crowd.idle, c.crowd.slow = min(c.crowd.idle, 40), min(c.crowd.slow, 4)
		r, err := b.measure(t.Context(), c, 1)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.depth > 0 && r.Ratio.Median <= 0 {
			t.Errorf("%s: the ratio is %v", c.name, r.Ratio.Median)
		}
		results = append(results, r)
	}
	t.Logf("for the record, not a measurement:\n%s", table(results))
}

// One iteration is one turn of both servers.
func BenchmarkEcho(b *testing.B) {
	bench, err := newBench(b.Context(), "", false)
	if err != nil {
		b.Fatal(err)
	}
	defer bench.close()
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			r, err := bench.measure(b.Context(), c, b.N)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(0, "ns/op") // of no interest
			b.ReportMetric(spreadOf(r.Rounds, func(r round) float64 { return r.Baseline.Cost }).Median, "baseline-"+r.Unit)
			b.ReportMetric(spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.Cost }).Median, r.Unit)
			b.ReportMetric(r.Ratio.Median, "ratio")
		})
	}
}
