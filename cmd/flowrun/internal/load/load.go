// Package load makes load for a WebSocket server and says how the server
// takes it: messages per second, how long answers take, what the server's
// process costs, and what went wrong.
//
// There are two ways to send. A closed loop keeps a number of messages in
// flight on each connection; it finds what a server can do at most. A rate
// sends when it is time, whether the server keeps up or not; it finds how a
// server does under the load of a day. There, an answer's time is counted from
// when the message should have left: a server that stalls cannot hide that by
// keeping the next messages from being sent.
//
// The generator has to be cheap, since it often shares a machine with the
// server. It takes frames out of what was read where they lie (frame.go), renders
// messages into the buffer that is written (message.go), reads the clock once
// for all that one read has brought, and counts times in histograms of a fixed
// size (histogram.go). Each connection is one goroutine in the usual case and
// never more than two (client.go). What all of them share, and who may send
// what when, is in run.go.
//
// Every answer is compared with what it must be: bytes, order and count. A
// connection that gets a wrong one, or none in time, is given up and counted.
package load

import (
	"cmp"
	"context"
	"math"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
)

// Run makes load until the options or ctx end it, waits for the last answers,
// and returns what it found, also when ctx ended it early. It is an error when
// the options make no sense or the first connection cannot be opened; what goes
// wrong later is in the result. It returns at the latest some timeouts after
// the end of the load.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if len(o.Messages) == 0 && o.Mode != Receive {
		o.Messages = []string{DefaultMessage}
	}
	if len(o.Expect) == 0 {
		o.Expect = o.Messages
	}
	r := &run{
		o:        &o,
		timeout:  time.Duration(o.Timeout),
		opcode:   rfc6455.Text,
		messages: compileAll(o.Messages),
		answers:  compileAll(o.Expect),
		zero:     time.Now(),
		enough:   make(chan struct{}),
	}
	if o.Binary {
		r.opcode = rfc6455.Binary
	}
	return r.run(ctx)
}

func (r *run) run(ctx context.Context) (*Result, error) {
	costs, err := newCosts(r.o.PID)
	if err != nil {
		return nil, err
	}
	connects, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	r.prepare()
	if r.o.Mode == Broadcast {
		r.enter()
	}
	costs.MemoryOpen = costs.memory()

	r.until.Store(math.MaxInt64)
	warmUp := r.o.warmUp()
	if warmUp > 0 {
		r.from.Store(math.MaxInt64)
	}
	before := r.sample(costs)
	done := r.traffic()
	ended := ""
	if warmUp > 0 {
		ended = r.wait(ctx, "warming up", warmUp, done)
		before = r.sample(costs)
	}
	after := before
	if ended == "" {
		r.from.Store(min(before.at, r.from.Load()))
		ended = cmp.Or(r.wait(ctx, "measuring", r.o.limit(), done), "duration")
		after = r.sample(costs)
	}
	r.tell(Progress{Phase: "finishing", Share: 1})
	r.halt(done)
	if ended == "count" && r.o.Mode != Receive {
		after.at = r.lastHeard() // and not when that was noticed
	}
	costs.MemoryEnd = costs.memory()
	r.leave()
	return r.result(costs, connects, before, after, ended), nil
}

// sample is how things stand at a moment.
type sample struct {
	at              int64
	messages, bytes int64
	cpu             time.Duration
}

// sample takes one. When the system lets us wait between two looks, they do
// not belong together, and it looks again.
func (r *run) sample(costs *Costs) (s sample) {
	for range 5 {
		s = sample{at: r.now(), cpu: costs.cpu()}
		for _, c := range r.clients {
			s.messages += c.heard.Load()
			s.bytes += c.bytes.Load()
		}
		if r.now()-s.at < int64(time.Millisecond) {
			break
		}
	}
	return s
}

// lastHeard is when a message came last.
func (r *run) lastHeard() (at int64) {
	for _, c := range r.clients {
		at = max(at, c.last)
	}
	return at
}

// wait lets time pass and returns why it did not have to pass in full, or
// nothing when it has.
func (r *run) wait(ctx context.Context, phase string, d time.Duration, done <-chan struct{}) (ended string) {
	began := time.Now()
	timer := time.NewTimer(d)
	defer timer.Stop()
	again := time.NewTicker(progressEvery)
	defer again.Stop()
	for {
		select {
		case <-timer.C:
			return ""
		case <-ctx.Done():
			return "interrupted"
		case <-r.enough:
			return r.whyOver()
		case <-done:
			return r.whyOver()
		case <-again.C:
			r.tell(Progress{Phase: phase, Elapsed: time.Since(began), Share: time.Since(began).Seconds() / d.Seconds()})
		}
	}
}

// whyOver says why there is no reason to go on.
func (r *run) whyOver() string {
	alive := 0
	for _, c := range r.clients {
		if !c.dead.Load() {
			alive++
		}
	}
	if alive == 0 || r.o.Mode == Broadcast && alive < len(r.clients) {
		return "failed"
	}
	return "count"
}
