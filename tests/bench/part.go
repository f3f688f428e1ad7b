package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

// partEnv says which part this process plays: "baseline", "load", or none.
const (
	partEnv  = "FLOWRUN_BENCH_PART"
	orderEnv = "FLOWRUN_BENCH_ORDER" // of a load generator, as JSON
)

// patience is what a load generator gets beyond the time that it measures:
// for connecting, settling and leaving. Then it ends, whatever holds it up.
const patience = 60 * time.Second

// part plays the part of a child process and does not return, or returns at
// once in the process that the user has started.
func part() {
	switch os.Getenv(partEnv) {
	case "baseline":
		fmt.Fprintln(os.Stderr, "baseline:", baseline())
		os.Exit(1)
	case "load":
		if err := loadPart(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// order is what a load generator is to do.
type order struct {
	Addr        string        // of the server
	PID         int           // of the server, whose costs are read
	Path        string        // that is asked for
	Connections int           // open at a time
	Depth       int           // messages in flight on each; 0: idle connections
	FanOut      bool          // the first connection sends, that many at a time, and all hear it
	Reply       string        // what message 0 of connection 0 becomes; empty where it stays
	Window      time.Duration // how long to measure messages
}

// outcome is what a load generator found.
type outcome struct {
	Messages int64         // that came in the window
	Took     time.Duration // the window as it really was
	CPU      time.Duration // of the server in the window
	Idle     int64         // bytes of memory that the connections cost
	Echoed   int64         // the same after one message on each
}

func loadPart() error {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(orderEnv)), &o); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.Window+patience)
	defer cancel()
	generate := busy
	switch {
	case o.Depth == 0:
		generate = idle
	case o.FanOut:
		generate = fanOut
	}
	out, err := generate(ctx, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// load runs a load generator as a process of its own.
func (b *bench) load(ctx context.Context, o order) (outcome, error) {
	spec, err := json.Marshal(o)
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Window+patience+10*time.Second)
	defer cancel()
	opts := process.Options{Env: []string{partEnv + "=load", orderEnv + "=" + string(spec), "GOGC=400"}}
	if b.pin {
		opts.CPU = 2
	}
	p, err := process.Start(ctx, opts, b.myself)
	if err != nil {
		return outcome{}, err
	}
	defer p.Kill()
	code, err := p.Wait(ctx)
	if err != nil {
		return outcome{}, err
	}
	if code != 0 {
		return outcome{}, errors.New("load generator: " + strings.TrimSpace(p.Stderr.String()))
	}
	var out outcome
	if err := json.Unmarshal([]byte(p.Stdout.String()), &out); err != nil {
		return outcome{}, fmt.Errorf("read what the load generator found: %w", err)
	}
	return out, nil
}
