package peer

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/signals"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Peer is one instance of a script: one client, or one connection of a server
// and those that it accepts after it. One goroutine runs its steps.
type Peer struct {
	script  *Script
	name    string
	door    *wire.Door  // of a server
	tls     *tls.Config // of a server
	greeted bool        // by its first connection
	log     *wire.Transcript

	conn *wire.Conn // nil before there is one
	message.Scope
}

// Run plays the script: each instance in a goroutine of its own. It returns
// when all have ended and their connections are closed; the end of ctx ends
// them, and its cause tells why. The report says what went wrong.
func Run(ctx context.Context, s *Script) *Report {
	if s.Signals == nil {
		alone := *s
		alone.Signals = signals.New()
		s = &alone
	}
	r := &Report{Peer: s.Name, At: s.At, Ran: s.Config.Count}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errors.New("the peer has ended"))
	var d *wire.Door
	var secure *tls.Config
	if !s.Config.Listen.IsZero() {
		var err error
		d, secure, err = open(s)
		if s.Listening != nil {
			s.Listening(d.Address())
		}
		if err != nil {
			r.Failed = 1
			r.Failures = []Failure{{Peer: s.Name, At: s.At, Err: err}}
			return r
		}
		defer d.Close()
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range s.Config.Count {
		p := &Peer{script: s, name: s.Name, door: d, tls: secure, log: wire.NewTranscript(), Scope: message.Scope{Index: i}}
		if s.Config.Count > 1 {
			p.name += "[" + strconv.Itoa(i) + "]"
		}
		wg.Go(func() {
			f := p.play(ctx)
			if f == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if r.Failed++; len(r.Failures) < maxFailures {
				r.Failures = append(r.Failures, *f)
			}
			slices.SortFunc(r.Failures, func(a, b Failure) int { return cmp.Compare(a.Index, b.Index) })
		})
	}
	wg.Wait()
	if r.OK() { // otherwise the others are told of the failure, not of what follows from it
		s.Signals.Leave(s.title())
	}
	return r
}

// play runs the steps and closes what is open.
func (p *Peer) play(ctx context.Context) (f *Failure) {
	failed, err := p.steps(ctx, p.script.Steps)
	if err != nil {
		f = &Failure{Peer: p.name, Index: p.Index, Kind: failed.Kind, At: failed.At, Err: err}
		f.Transcript, f.Before = p.log.Last()
	}
	if p.conn != nil {
		p.conn.Leave(err == nil)
	}
	return f
}

// steps runs steps one after the other and returns the one that failed.
func (p *Peer) steps(ctx context.Context, steps []PlacedStep) (failed PlacedStep, err error) {
	for _, s := range steps {
		if b, ok := s.Step.(*Repeat); ok {
			if failed, err := b.rounds(ctx, p); err != nil {
				return failed, err
			}
			continue
		}
		if err := s.Step.Run(ctx, p); err != nil {
			return s, err
		}
	}
	return PlacedStep{}, nil
}

// deadline bounds a step by what it says itself, or what the peer says.
func (p *Peer) deadline(ctx context.Context, own setting.Duration) (context.Context, context.CancelFunc) {
	own = cmp.Or(own, p.script.Config.Within)
	return context.WithTimeoutCause(ctx, time.Duration(own), late(own))
}

// late is the cause of a context whose step took too long.
type late setting.Duration

func (l late) Error() string { return "not within " + setting.Duration(l).String() }

// soon ends a sentence that says what did not happen, by the cause of the end
// of a step's context.
func soon(cause error) string {
	if l, ok := cause.(late); ok { //nolint:errorlint // a cause is never wrapped
		return " within " + setting.Duration(l).String()
	}
	return ": " + cause.Error()
}

// converse begins a connection whose handshake is done, or that has none.
func (p *Peer) converse(nc net.Conn, in *bufio.Reader, g *wire.Gate, o wire.Options) {
	c := &p.script.Config
	o.AnswerPings, o.AnswerClose, o.MaxMessage, o.Inbox, o.Log = c.AnswerPings, c.AnswerClose, c.MaxMessage, c.Inbox, p.log.Add
	p.conn = wire.New(nc, in, g, o)
}

// write sends bytes on the connection and explains what goes wrong.
func (p *Peer) write(ctx context.Context, c *wire.Conn, data []byte) error {
	return explain(c.Send(ctx, data))
}

// provoke writes what the other side may answer by hanging up, even before it
// has read all of it: how the connection ended is for a later step to say.
func (p *Peer) provoke(ctx context.Context, c *wire.Conn, data []byte) error {
	err := c.Send(ctx, data)
	if over := (wire.Over{}); errors.As(err, &over) {
		p.log.Add("not taken: the connection has ended")
		return nil
	}
	return explain(err)
}

func explain(err error) error {
	stuck := (*wire.Stuck)(nil)
	over := wire.Over{}
	switch {
	case errors.As(err, &stuck):
		u := &message.Unexpected{What: fmt.Sprintf("the other side does not read: %d of %d bytes were taken%s", stuck.Taken, stuck.Of, soon(stuck.Why))}
		if stuck.Unread > 0 {
			u.Notes = append(u.Notes, fmt.Sprintf("this peer does not either: its inbox holds %s that no step has expected", stuck.Unread))
		}
		return u
	case errors.As(err, &over):
		return &message.Unexpected{What: "the connection has ended", Got: over.String()}
	}
	return err
}

// open listens.
func open(s *Script) (*wire.Door, *tls.Config, error) {
	conf, err := s.Config.serverTLS()
	if err != nil {
		return nil, nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.Config.Listen.Addr())
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", s.Config.Listen, wire.Cause(err))
	}
	return wire.NewDoor(l, s.Config.Count), conf, nil
}

// Repeat is the step `repeat`.
type Repeat struct {
	Times int `hcl:"times" required:"true" min:"1" doc:"how many rounds"`

	body []PlacedStep
}

// Body implements Block.
func (r *Repeat) Body() *[]PlacedStep { return &r.body }

// Run implements Step.
func (r *Repeat) Run(ctx context.Context, p *Peer) error {
	_, err := r.rounds(ctx, p)
	return err
}

func (r *Repeat) rounds(ctx context.Context, p *Peer) (PlacedStep, error) {
	outer := p.N
	defer func() { p.N = outer }()
	for i := range r.Times {
		p.N = i
		if failed, err := p.steps(ctx, r.body); err != nil {
			if i > 0 {
				err = fmt.Errorf("in round %d of %d: %w", i+1, r.Times, err)
			}
			return failed, err
		}
	}
	return PlacedStep{}, nil
}
