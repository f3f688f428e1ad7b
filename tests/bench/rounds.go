package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

// figure is what one server cost in one round: microseconds per message or,
// for idle connections, KiB per connection.
type figure struct {
	Cost       float64 `json:"cost"`
	AfterEcho  float64 `json:"after_echo,omitempty"` // KiB per connection once each has echoed a message
	PerSecond  float64 `json:"per_second,omitempty"` // messages
	Messages   int64   `json:"messages,omitempty"`
	ServerBusy float64 `json:"server_busy,omitempty"` // processors in use
	Memory     float64 `json:"memory,omitempty"`      // KiB per connection of the crowd
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

// more is what flowrun costs beyond the other server.
func (r result) more() spread {
	return spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.Cost - r.Baseline.Cost })
}

// within compares the medians with the gate.
func (r result) within() bool {
	switch {
	case r.kase.depth == 0:
		open := spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.Cost })
		used := spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.AfterEcho })
		return max(open.Median, used.Median) <= r.Gate
	case r.kase.adds:
		return r.more().Median <= r.Gate
	}
	return r.Ratio.Median <= r.Gate
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

// bench starts servers, and knows how long to look at them.
type bench struct {
	window time.Duration
	pin    bool
	self   bool // the baseline plays both parts

	dir    string // where the flows are
	myself string // the loop
	binary string // flowrun
}

// server is a running server.
type server struct {
	*process.Process
	addr     string
	upstream *upstream // of a case of lines
}

// stop ends it.
func (s *server) stop() {
	s.Kill()
	if s.upstream != nil {
		s.upstream.stop()
	}
}

// newBench makes the servers ready to be started. With self, each case
// compares its baseline with itself.
func newBench(ctx context.Context, binary string, self bool) (*bench, error) {
	if err := process.MaxFiles(); err != nil {
		return nil, err
	}
	myself, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	dir, err := os.MkdirTemp("", "flowrun-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a scratch folder: %w", err)
	}
	b := &bench{window: time.Second, self: self, dir: dir, myself: myself, binary: binary}
	if err := os.CopyFS(dir, flows); err != nil {
		b.close()
		return nil, fmt.Errorf("write the flows: %w", err)
	}
	if binary == "" {
		if b.binary, err = process.Build(ctx, dir); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) } // a scratch folder

// start starts the loop, or flowrun with a flow.
func (b *bench) start(ctx context.Context, c kase, what string) (*server, error) {
	if c.lines {
		return b.startLines(ctx, what)
	}
	if what == loop {
		return b.serve(ctx, "baseline", process.Options{}, b.myself, "-"+baselineFlag, "127.0.0.1:0")
	}
	return b.serve(ctx, "edge", process.Options{}, b.binary, "server", "run", filepath.Join(b.dir, what))
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
	return &server{Process: p, addr: addr}, nil
}

// measure lets the two servers take turns. Busy connections find the same two
// processes in every round; idle ones find fresh ones, since the memory of a
// process remembers what happened before.
func (b *bench) measure(ctx context.Context, c kase, rounds int) (result, error) {
	r := result{Case: c.name, Unit: "us/msg", Gate: c.gate, kase: c}
	switch {
	case c.depth == 0:
		r.Unit = "KiB/conn"
	case c.crowd != (others{}):
		r.Unit = "us"
	}
	what := [2]string{c.against, c.flow}
	if b.self {
		what[1] = c.against
	}
	var standing [2]*server
	if c.depth > 0 && c.crowd == (others{}) {
		for i := range standing {
			s, err := b.start(ctx, c, what[i])
			if err != nil {
				return r, err
			}
			defer s.stop()
			standing[i] = s
		}
	}
	for n := range rounds {
		var f [2]figure
		for i := range f {
			i := (i + n) % 2 // each is first in every other round
			var err error
			if f[i], err = b.turn(ctx, c, what[i], i == 1, standing[i]); err != nil {
				return r, fmt.Errorf("%s, round %d: %w", what[i], n+1, err)
			}
		}
		r.Rounds = append(r.Rounds, round{f[0], f[1]})
	}
	r.Ratio = spreadOf(r.Rounds, round.ratio)
	r.Within = r.within()
	return r, nil
}

// turn loads one server once: what is standing, or a fresh one. ours is set
// when it is the turn of what the case is about.
func (b *bench) turn(ctx context.Context, c kase, what string, ours bool, s *server) (figure, error) {
	if s == nil {
		fresh, err := b.start(ctx, c, what)
		if err != nil {
			return figure{}, err
		}
		defer fresh.stop()
		s = fresh
	}
	f, err := b.figure(ctx, c, what, ours, s)
	if err != nil {
		select {
		case <-s.Done():
			return figure{}, fmt.Errorf("%w; the server has ended and printed:\n%s", err, s.Stderr)
		default:
		}
	}
	return f, err
}

func (b *bench) figure(ctx context.Context, c kase, what string, ours bool, s *server) (figure, error) {
	switch {
	case c.crowd != (others{}) && ours:
		return b.crowded(ctx, c, s, c.crowd)
	case c.crowd != (others{}):
		return b.crowded(ctx, c, s, others{})
	case c.lines:
		return b.lined(ctx, c, s)
	case c.feed != nil && what == loop:
		return b.fed(ctx, c, s, "baseline")
	case c.feed != nil:
		return b.fed(ctx, c, s, "out")
	case c.depth == 0:
		open, echoed, err := b.idle(ctx, c, s)
		kib := func(bytes int64) float64 { return float64(bytes) / 1024 / float64(c.connections) }
		return figure{Cost: kib(open), AfterEcho: kib(echoed)}, err
	}
	reply := ""
	if what == c.flow {
		reply = c.reply
	}
	out, err := b.load(ctx, c, s, reply)
	if err != nil {
		return figure{}, err
	}
	if out.Messages == 0 {
		return figure{}, errors.New("no message came while it was measured")
	}
	return figure{
		Cost:       out.Server.CPU,
		PerSecond:  out.MessagesPerSecond,
		Messages:   out.Messages,
		ServerBusy: out.Server.Processors,
	}, nil
}
