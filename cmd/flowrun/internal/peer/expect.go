package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Expect is the step `expect`.
type Expect struct {
	message.Match
	Lines     setting.Path     `hcl:"lines" doc:"the messages are the lines of the file, in their order"`
	Count     int              `hcl:"count" min:"1" doc:"this many messages that match, one after another; n is the number of each, from 0"`
	Skip      bool             `hcl:"skip" doc:"messages that do not match are passed over"`
	Within    setting.Duration `hcl:"within" min:"1ms" doc:"deadline for all of them; that of the peer when not given"`
	NotBefore setting.Duration `hcl:"not_before" doc:"the message must not arrive earlier, counted from the beginning of the step"`
	Save      flow.Expr        `hcl:"save" vars:"index|n|saved|text" doc:"values of the message to keep, an object: later steps know them as saved.<name>"`
}

// Check implements Checker.
func (x *Expect) Check() error {
	switch names := x.Given(); {
	case x.Lines != "" && len(names) > 0:
		return &setting.Error{Field: "lines", Err: fmt.Errorf("a message is %s or lines, not both", names[0])}
	case x.Empty() && x.Count == 1 && x.Lines == "" && x.Save == nil && x.NotBefore == 0:
		return errors.New("expect {} expects nothing: write what the message must be (text, json, includes, matches, where, …), or how many (count)")
	}
	return x.Match.Check()
}

// Run implements Step.
func (x *Expect) Run(ctx context.Context, p *Peer) error {
	c, err := p.messages(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	var all [][]byte
	if x.Lines != "" {
		if all, err = message.Lines(x.Lines); err != nil {
			return err
		}
	}
	outer := p.N
	defer func() { p.N = outer }()
	total := x.Count * max(1, len(all))
	for i := range total {
		if total > 1 {
			p.N = i
		}
		var line []byte
		if all != nil {
			line = all[i%len(all)]
		}
		if err := x.one(ctx, p, c, line, start); err != nil {
			if total > 1 {
				err = fmt.Errorf("message %d of %d: %w", i+1, total, err)
			}
			return err
		}
	}
	return nil
}

// one takes one message that matches.
func (x *Expect) one(ctx context.Context, p *Peer, c *wire.Conn, line []byte, start time.Time) error {
	passed := 0
	for {
		m, end, err := c.Next(ctx)
		if err != nil || end != nil {
			if v := (*wire.Violation)(nil); errors.As(err, &v) {
				return err
			}
			return x.nothing(p, line, end, err, passed)
		}
		e := message.Event(m)
		u, err := x.match(p, m, &e, line)
		if err != nil {
			return err
		}
		if u == nil {
			if early := start.Add(time.Duration(x.NotBefore)).Sub(m.At); x.NotBefore > 0 && early > 0 {
				return &message.Unexpected{What: "the message came too early", Expected: []string{"not before " + x.NotBefore.String()}, Got: fmt.Sprintf("after %s: %s", max(0, m.At.Sub(start)).Round(time.Millisecond), m.String())}
			}
			p.Take(e, string(m.Data))
			return p.Save(x.Save)
		}
		if !x.Skip {
			return u
		}
		passed++
	}
}

func (x *Expect) match(p *Peer, m wire.Message, e *flow.Event, line []byte) (*message.Unexpected, error) {
	if line != nil && !bytes.Equal(line, m.Data) {
		return &message.Unexpected{What: "another message came", Expected: []string{"text " + wire.Excerpt(line)}, Got: m.String(), Notes: []string{compare.Bytes(line, m.Data)}}, nil
	}
	return x.Of(&p.Scope, m, e)
}

// nothing is the error when no message came in time.
func (x *Expect) nothing(p *Peer, line []byte, end *wire.Ending, err error, passed int) error {
	u := &message.Unexpected{Expected: x.Wanted(&p.Scope)}
	if line != nil {
		u.Expected = append([]string{"text " + wire.Excerpt(line)}, u.Expected...)
	}
	switch {
	case end != nil:
		u.What, u.Got = "the connection ended before the message came", end.String()
	case passed > 0:
		u.What, u.Got = "no message that matches"+soon(err), fmt.Sprintf("%d others", passed)
	default:
		u.What, u.Got = "no message"+soon(err), "nothing"
	}
	return u
}

// messages is the connection, when it carries messages.
func (p *Peer) messages(ctx context.Context) (*wire.Conn, error) {
	c, err := p.connection(ctx)
	if err == nil && c.Bare {
		return nil, errors.New("there was no handshake, so there are no messages: expect_raw looks at bytes")
	}
	return c, err
}

// ExpectAll is the step `expect_all`.
type ExpectAll struct {
	Messages []message.Match  `hcl:"message" required:"true" doc:"one of the messages"`
	Skip     bool             `hcl:"skip" doc:"messages that match none of them are passed over"`
	Within   setting.Duration `hcl:"within" min:"1ms" doc:"deadline for all of them; that of the peer when not given"`
}

// Check implements Checker.
func (x *ExpectAll) Check() error {
	for i := range x.Messages {
		m := &x.Messages[i]
		if m.Empty() {
			return &setting.Error{Field: "message", Err: errors.New("message {} expects nothing: write what it must be")}
		}
		if err := m.Check(); err != nil {
			if fe := (*setting.Error)(nil); errors.As(err, &fe) {
				err = &setting.Error{Field: "message." + fe.Field, Err: fe.Err}
			}
			return err
		}
	}
	return nil
}

// Run implements Step.
func (x *ExpectAll) Run(ctx context.Context, p *Peer) error {
	c, err := p.messages(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	left := make([]*message.Match, len(x.Messages))
	for i := range x.Messages {
		left[i] = &x.Messages[i]
	}
	wanted := func() (all []string) {
		for _, m := range left {
			all = append(all, strings.Join(m.Wanted(&p.Scope), " and "))
		}
		return all
	}
	for len(left) > 0 {
		m, end, err := c.Next(ctx)
		switch v := (*wire.Violation)(nil); {
		case errors.As(err, &v):
			return err
		case err != nil:
			return &message.Unexpected{What: fmt.Sprintf("%d of %d messages did not come%s", len(left), len(x.Messages), soon(err)), Expected: wanted()}
		case end != nil:
			return &message.Unexpected{What: fmt.Sprintf("the connection ended before %d of %d messages came", len(left), len(x.Messages)), Expected: wanted(), Got: end.String()}
		}
		e := message.Event(m)
		found := -1
		for i, want := range left {
			u, err := want.Of(&p.Scope, m, &e)
			if err != nil {
				return err
			}
			if u == nil {
				found = i
				break
			}
		}
		switch {
		case found >= 0:
			left = slices.Delete(left, found, found+1)
			p.Take(e, string(m.Data))
		case !x.Skip:
			return &message.Unexpected{What: "a message came that is none of those left", Expected: wanted(), Got: m.String()}
		}
	}
	return nil
}
