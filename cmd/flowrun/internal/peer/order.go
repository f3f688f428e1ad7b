package peer

import (
	"context"
	"fmt"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Join says in Signals what the script gives, before any script of the test runs.
// When it has gone well to its end, Run says that it gives nothing any more.
func (s *Script) Join() { s.join(s.Steps) }

func (s *Script) join(steps []PlacedStep) {
	for _, step := range steps {
		switch step := step.Step.(type) {
		case *Signal:
			s.Signals.Join(s.title(), step.Name)
		case Block:
			s.join(*step.Body())
		}
	}
}

func (s *Script) title() string { return fmt.Sprintf("peer %q", s.Name) }

// Signal is the step `signal`, labelled with what is reached.
type Signal struct {
	Name string `hcl:"name,label" doc:"what is reached"`
}

// Run implements Step.
func (s *Signal) Run(_ context.Context, p *Peer) error {
	p.log.Add("signal %q", s.Name)
	p.script.Signals.Signal(s.Name)
	return nil
}

// Await is the step `await`, labelled with what is waited for.
type Await struct {
	Name   string           `hcl:"name,label" doc:"what a signal names"`
	Count  int              `hcl:"count" min:"1" doc:"how often it must have been signalled"`
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Run implements Step.
func (a *Await) Run(ctx context.Context, p *Peer) error {
	ctx, cancel := p.deadline(ctx, a.Within)
	defer cancel()
	count, err := p.script.Signals.Await(ctx, a.Name, a.Count)
	if err == nil {
		p.log.Add("heard signal %q", a.Name)
		return nil
	}
	u := &message.Unexpected{What: fmt.Sprintf("signal %q came %d of %d times%s", a.Name, count, a.Count, soon(err)), Got: p.script.Signals.String()}
	if a.Count == 1 {
		u.What = fmt.Sprintf("signal %q did not come%s", a.Name, soon(err))
	}
	return u
}
