package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

//go:embed echo.hcl
var echoFlow []byte

// kase is one way of loading a server, and the most that flowrun may need.
type kase struct {
	name        string
	connections int
	depth       int     // messages in flight on each connection; 0: idle connections
	gate        float64 // of the ratio; for idle connections, KiB per connection
}

var all = []kase{
	{name: "16x1", connections: 16, depth: 1, gate: 1.0},
	{name: "16x32", connections: 16, depth: 32, gate: 0.25},
	{name: "1000x1", connections: 1000, depth: 1, gate: 1.0},
	{name: "idle", connections: 5000, gate: 12},
}

// figure is what one server cost in one round: microseconds per message or,
// for idle connections, KiB per connection.
type figure struct {
	Cost       float64 `json:"cost"`
	AfterEcho  float64 `json:"after_echo,omitempty"` // KiB per connection once each has echoed a message
	PerSecond  float64 `json:"per_second,omitempty"` // messages
	Messages   int64   `json:"messages,omitempty"`
	ServerBusy float64 `json:"server_busy,omitempty"` // processors in use
}

// round is one turn of both servers.
type round struct {
	Baseline figure `json:"baseline"`
	Flowrun  figure `json:"flowrun"`
}

func (r round) ratio() float64 { return r.Flowrun.Cost / r.Baseline.Cost }

// result is a case with all its rounds.
type result struct {
	Case   string  `json:"case"`
	Unit   string  `json:"unit"`
	Gate   float64 `json:"gate"`
	Within bool    `json:"within_gate"`
	Ratio  spread  `json:"ratio"`
	Rounds []round `json:"rounds"`

	kase kase
}

// spread is a median with what it is the median of.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(rounds []round, of func(round) float64) spread {
	v := make([]float64, len(rounds))
	for i, r := range rounds {
		v[i] = of(r)
	}
	slices.Sort(v)
	n := len(v)
	return spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1]}
}

// bench knows the two servers and how long to look at them.
type bench struct {
	window time.Duration
	pin    bool

	dir      string
	myself   string
	flowrun  func(context.Context) (*server, error)
	baseline func(context.Context) (*server, error)
}

// server is a running echo server.
type server struct {
	*process.Process
	addr string
}

// newBench makes the servers ready to be started. With self, the baseline
// plays both parts.
func newBench(ctx context.Context, binary string, self bool) (*bench, error) {
	if err := process.MaxFiles(); err != nil {
		return nil, err
	}
	myself, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	b := &bench{myself: myself, window: time.Second}
	b.baseline = func(ctx context.Context) (*server, error) {
		return b.serve(ctx, "baseline", process.Options{Env: []string{partEnv + "=baseline"}}, myself)
	}
	if self {
		b.flowrun = b.baseline
		return b, nil
	}
	if b.dir, err = os.MkdirTemp("", "flowrun-bench-"); err != nil {
		return nil, fmt.Errorf("make a scratch folder: %w", err)
	}
	flow := filepath.Join(b.dir, "echo.hcl")
	if err := os.WriteFile(flow, echoFlow, 0o600); err != nil {
		b.close()
		return nil, fmt.Errorf("write the flow: %w", err)
	}
	if binary == "" {
		if binary, err = process.Build(ctx, b.dir); err != nil {
			b.close()
			return nil, err
		}
	}
	b.flowrun = func(ctx context.Context) (*server, error) {
		return b.serve(ctx, "edge", process.Options{}, binary, "server", "run", flow)
	}
	return b, nil
}

func (b *bench) close() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

func (b *bench) serve(ctx context.Context, name string, opts process.Options, path string, args ...string) (*server, error) {
	if b.pin {
		opts.CPU = 1
	}
	p, err := process.Start(ctx, opts, path, args...)
	if err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	addr, err := p.Listening(ready, name)
	if err != nil {
		p.Kill()
		return nil, err
	}
	return &server{p, addr}, nil
}

// measure lets the two servers take turns. Busy connections find the same two
// processes in every round; idle ones find fresh ones, since the memory of a
// process remembers what happened before.
func (b *bench) measure(ctx context.Context, c kase, rounds int) (result, error) {
	r := result{Case: c.name, Unit: "us/msg", Gate: c.gate, kase: c}
	if c.depth == 0 {
		r.Unit = "KiB/conn"
	}
	starts := [2]func(context.Context) (*server, error){b.baseline, b.flowrun}
	var standing [2]*server
	if c.depth > 0 {
		for i, start := range starts {
			s, err := start(ctx)
			if err != nil {
				return r, err
			}
			defer s.Kill()
			standing[i] = s
		}
	}
	for n := range rounds {
		var f [2]figure
		for i := range f {
			i := (i + n) % 2 // each is first in every other round
			var err error
			if f[i], err = b.turn(ctx, c, standing[i], starts[i]); err != nil {
				return r, fmt.Errorf("%s, round %d: %w", [2]string{"baseline", "flowrun"}[i], n+1, err)
			}
		}
		r.Rounds = append(r.Rounds, round{f[0], f[1]})
	}
	r.Ratio = spreadOf(r.Rounds, round.ratio)
	if c.depth == 0 {
		r.Within = spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.Cost }).Median <= c.gate
	} else {
		r.Within = r.Ratio.Median <= c.gate
	}
	return r, nil
}

// turn loads one server once.
func (b *bench) turn(ctx context.Context, c kase, s *server, start func(context.Context) (*server, error)) (figure, error) {
	if s == nil {
		fresh, err := start(ctx)
		if err != nil {
			return figure{}, err
		}
		defer fresh.Kill()
		s = fresh
	}
	out, err := b.load(ctx, order{Addr: s.addr, PID: s.PID(), Connections: c.connections, Depth: c.depth, Window: b.window})
	if err != nil {
		select {
		case <-s.Done():
			return figure{}, fmt.Errorf("%w; the server has ended and printed:\n%s", err, s.Stderr)
		default:
			return figure{}, err
		}
	}
	if c.depth == 0 {
		kib := func(bytes int64) float64 { return float64(bytes) / 1024 / float64(c.connections) }
		return figure{Cost: kib(out.Idle), AfterEcho: kib(out.Echoed)}, nil
	}
	if out.Messages == 0 {
		return figure{}, errors.New("no message came back while it was measured")
	}
	return figure{
		Cost:       float64(out.CPU.Nanoseconds()) / 1e3 / float64(out.Messages),
		PerSecond:  float64(out.Messages) / out.Took.Seconds(),
		Messages:   out.Messages,
		ServerBusy: out.CPU.Seconds() / out.Took.Seconds(),
	}, nil
}
