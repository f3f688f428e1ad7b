// Command bench says what flowrun costs, next to a server written by hand:
//
//	go run ./tests/bench
//
// It builds flowrun, runs it with small flows (echo and broadcast through
// separate + json), and prints the processor time per message that arrives and
// the resident memory per idle connection as ratios to the baseline: a plain
// loop on coder/websocket or, for what is done to events on their way, the flow
// that does nothing to them. Machines are noisy and differ, ratios in one run
// do not: the two servers take turns, round by round, and a ratio is the median
// of those rounds.
//
// The load generator is `flowrun bench`, so that anybody can ask the same of a
// server without this program. It compares all that arrives with what was sent:
// bytes, order and count. A run with one wrong byte is void.
//
// The baseline is this program, too: with -baseline ADDRESS it serves there and
// does nothing else. That of lines over TCP has a flag of its own.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		rounds  = flag.Int("rounds", 5, "how often the two servers take turns in each case")
		seconds = flag.Float64("seconds", 2, "how long each server is measured in a round")
		names   = flag.String("cases", "", "the cases to run, separated by commas (default all: "+caseNames()+")")
		binary  = flag.String("binary", "", "the flowrun binary (default: built from this module)")
		pin     = flag.Bool("pin", false, "bind the servers to the first CPU and the load to the second: less noise")
		self    = flag.Bool("self", false, "compare the baseline with itself: how far to trust this machine")
		alone   = flag.String(baselineFlag, "", "only serve the baseline, at this `address`, until it is killed")
		forward = flag.String(forwardFlag, "", "only serve the baseline of lines, which sends what comes on to this `address`, until it is killed")
		asJSON  = flag.Bool("json", false, "print the result of every round as JSON")
	)
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 || *rounds > 1000 || *seconds <= 0 || *seconds > 600 {
		return fmt.Errorf("wrong arguments: there are only flags, -rounds is 1 to 1000, -seconds up to 600")
	}
	if *alone != "" {
		return baseline(*alone)
	}
	if *forward != "" {
		return forwardLines(*forward)
	}
	cases, err := pick(*names)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := newBench(ctx, *binary, *self)
	if err != nil {
		return err
	}
	defer b.close()
	b.window = time.Duration(*seconds * float64(time.Second))
	b.pin = *pin

	var results []result
	for _, c := range cases {
		fmt.Fprintf(os.Stderr, "bench: %s, %d rounds\n", c.name, *rounds)
		r, err := b.measure(ctx, c, *rounds)
		if ctx.Err() != nil {
			return fmt.Errorf("%s: interrupted", c.name)
		}
		if err != nil {
			return fmt.Errorf("%s: the run is void: %w", c.name, err)
		}
		results = append(results, r)
	}
	if *asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(results)
	}
	fmt.Print(table(results))
	return nil
}

func caseNames() string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
	}
	return strings.Join(names, ",")
}

func pick(names string) ([]kase, error) {
	if names == "" {
		return all, nil
	}
	var picked []kase
next:
	for name := range strings.SplitSeq(names, ",") {
		for _, c := range all {
			if c.name == name {
				picked = append(picked, c)
				continue next
			}
		}
		return nil, fmt.Errorf("there is no case %q: there are %s", name, caseNames())
	}
	return picked, nil
}
