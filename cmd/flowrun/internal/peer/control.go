package peer

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Ping is the step `ping`.
type Ping struct {
	Payload flow.Expr        `hcl:"payload" vars:"index|n|saved|text" doc:"what the pong must carry too, a text of at most 125 bytes"`
	Within  setting.Duration `hcl:"within" min:"1ms" doc:"deadline for the pong; that of the peer when not given"`
}

// Run implements Step.
func (x *Ping) Run(ctx context.Context, p *Peer) error {
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	c, payload, err := p.controlFrame(ctx, rfc6455.Ping, x.Payload)
	if err != nil {
		return err
	}
	found, end, err := c.Pong(ctx, payload)
	if found {
		return nil
	}
	u := &message.Unexpected{What: "the ping was not answered", Expected: []string{"pong " + wire.Excerpt(payload)}}
	if err != nil {
		u.What += "" + soon(err)
	} else {
		u.Got = end.String()
	}
	return u
}

// controlFrame sends a control frame.
func (p *Peer) controlFrame(ctx context.Context, op byte, x flow.Expr) (*wire.Conn, []byte, error) {
	c, err := p.messages(ctx)
	if err != nil {
		return nil, nil, err
	}
	var payload []byte
	if x != nil {
		if payload, err = p.Text(x, "payload"); err != nil {
			return nil, nil, err
		}
	}
	if len(payload) > rfc6455.MaxControl {
		return nil, nil, fmt.Errorf("the payload has %d bytes, more than a %s may carry (%d): frame sends what is not allowed", len(payload), rfc6455.OpcodeName(op), rfc6455.MaxControl)
	}
	p.log.Add("sent      %s %s", rfc6455.OpcodeName(op), wire.Excerpt(payload))
	return c, payload, p.write(ctx, c, c.Frame(op, payload))
}

// Pong is the step `pong`.
type Pong struct {
	Payload flow.Expr `hcl:"payload" vars:"index|n|saved|text" doc:"a text of at most 125 bytes"`
}

// Run implements Step.
func (x *Pong) Run(ctx context.Context, p *Peer) error {
	ctx, cancel := p.deadline(ctx, 0)
	defer cancel()
	_, _, err := p.controlFrame(ctx, rfc6455.Pong, x.Payload)
	return err
}

// ExpectPing is the step `expect_ping`.
type ExpectPing struct {
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Run implements Step.
func (x *ExpectPing) Run(ctx context.Context, p *Peer) error {
	c, err := p.messages(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	found, end, err := c.Ping(ctx)
	switch {
	case found:
		return nil
	case err != nil:
		return &message.Unexpected{What: "no ping came" + soon(err)}
	}
	return &message.Unexpected{What: "the connection ended before a ping came", Got: end.String()}
}

// Close is the step `close`.
type Close struct {
	Code   int              `hcl:"code" min:"0" max:"65535" doc:"0 for a close frame without a code"`
	Reason string           `hcl:"reason" doc:"at most 123 bytes"`
	Wait   bool             `hcl:"wait" doc:"the other side must answer with the same code"`
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline for the answer; that of the peer when not given"`
}

// Check implements Checker.
func (x *Close) Check() error {
	switch {
	case len(x.Reason) > rfc6455.MaxControl-2:
		return &setting.Error{Field: "reason", Err: fmt.Errorf("the reason has %d bytes, and a close frame room for %d", len(x.Reason), rfc6455.MaxControl-2)}
	case x.Code == 0 && x.Reason != "":
		return &setting.Error{Field: "reason", Err: errors.New("without a code there is no reason")}
	case !utf8.ValidString(x.Reason):
		return &setting.Error{Field: "reason", Err: errors.New("the reason is not valid UTF-8")}
	}
	return nil
}

// Run implements Step.
func (x *Close) Run(ctx context.Context, p *Peer) error {
	c, err := p.messages(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	p.log.Add("sent      close %d %s", x.Code, wire.Excerpt([]byte(x.Reason)))
	if err := explain(c.SendClose(ctx, x.Code, x.Reason)); err != nil {
		return err
	}
	if !x.Wait {
		return nil
	}
	want := x.Code
	if want == 0 {
		want = rfc6455.NoCode
	}
	end, err := p.ended(ctx, c, true)
	if err != nil {
		return &message.Unexpected{What: "the close was not answered" + soon(err), Expected: []string{fmt.Sprintf("a close frame with %d", want)}}
	}
	if v := (*wire.Violation)(nil); errors.As(end.Err, &v) {
		return v
	}
	if end.Code != want {
		return &message.Unexpected{What: "the close was answered otherwise", Expected: []string{fmt.Sprint(want)}, Got: end.String()}
	}
	return nil
}

// ended waits for the end of the connection. With skip, messages that come
// before are passed over.
func (p *Peer) ended(ctx context.Context, c *wire.Conn, skip bool) (*wire.Ending, error) {
	for {
		m, end, err := c.Next(ctx)
		if end != nil || err != nil {
			return end, err
		}
		if !skip {
			return nil, &message.Unexpected{What: "a message came before the end", Got: m.String()}
		}
	}
}

// ExpectClose is the step `expect_close`.
type ExpectClose struct {
	Code   int              `hcl:"code" min:"1" max:"65535" doc:"of the close frame; 1005 for none in it, 1006 for no close frame; any when not given"`
	Reason message.Pattern  `hcl:"reason" doc:"regular expression that the reason matches"`
	Skip   bool             `hcl:"skip" doc:"messages that come before are passed over"`
	Within setting.Duration `hcl:"within" min:"1ms" doc:"deadline; that of the peer when not given"`
}

// Run implements Step.
func (x *ExpectClose) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	expected := []string{x.wanted()}
	end, err := p.ended(ctx, c, x.Skip || c.Bare)
	if u := (*message.Unexpected)(nil); errors.As(err, &u) {
		u.Expected = expected
		return u
	}
	if v := (*wire.Violation)(nil); errors.As(err, &v) {
		return v
	}
	if err != nil {
		return &message.Unexpected{What: "the connection did not end" + soon(err), Expected: expected}
	}
	if x.Code != 0 && end.Code != x.Code || x.Reason.Given() && !x.Reason.MatchString(end.Reason) {
		return &message.Unexpected{What: "the connection ended otherwise", Expected: expected, Got: end.String()}
	}
	return nil
}

func (x *ExpectClose) wanted() string {
	s := "the end of the connection"
	if x.Code != 0 {
		s = fmt.Sprintf("a close with %d", x.Code)
		if x.Code == rfc6455.Abnormal {
			s = "1006: an end without a close frame"
		}
	}
	if x.Reason.Given() {
		s += ", reason " + x.Reason.String()
	}
	return s
}

// Cut is the step `cut`.
type Cut struct {
	How string `hcl:"how" oneof:"reset|end|half" doc:"a TCP reset; the end of the stream; or that of what this side sends, while it goes on reading"`
}

// Run implements Step.
func (x *Cut) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	p.log.Add("cut       by %s", x.How)
	if x.How == "half" {
		return c.EndWriting()
	}
	c.Cut(x.How == "reset")
	return nil
}

// Silence is the step `silence`.
type Silence struct {
	For setting.Duration `hcl:"for" required:"true" min:"1ms" doc:"how long"`
}

// Run implements Step.
func (x *Silence) Run(ctx context.Context, p *Peer) error {
	c, err := p.messages(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	quiet, cancel := context.WithTimeoutCause(ctx, time.Duration(x.For), errQuiet)
	defer cancel()
	m, end, err := c.Next(quiet)
	after := "after " + time.Since(start).Round(time.Millisecond).String() + ": "
	switch {
	case errors.Is(err, errQuiet):
		return nil
	case err != nil:
		return err
	case end != nil:
		return &message.Unexpected{What: "the connection ended", Expected: []string{"silence for " + x.For.String()}, Got: after + end.String()}
	}
	return &message.Unexpected{What: "a message came", Expected: []string{"silence for " + x.For.String()}, Got: after + m.String()}
}

var errQuiet = errors.New("nothing came")

// Pause is the step `pause`.
type Pause struct {
	For setting.Duration `hcl:"for" required:"true" doc:"how long"`
}

// Run implements Step.
func (x *Pause) Run(ctx context.Context, _ *Peer) error {
	if !sleep(ctx, time.Duration(x.For)) {
		return context.Cause(ctx)
	}
	return nil
}

// rate is a number of bytes a second, when it is given.
type rate struct {
	size  setting.Size
	given bool
}

// UnmarshalText reads a size.
func (r *rate) UnmarshalText(text []byte) error {
	r.given = true
	return r.size.UnmarshalText(text)
}

// String spells it; what is not given is empty.
func (r rate) String() string {
	if !r.given {
		return ""
	}
	return r.size.String()
}

// Read is the step `read`.
type Read struct {
	Rate rate `hcl:"rate" doc:"bytes a second, a size: 0B for none; without it, as fast as they come"`
}

// Run implements Step.
func (x *Read) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	if !x.Rate.given {
		p.log.Add("reads     freely")
		c.Read(wire.Freely)
		return nil
	}
	p.log.Add("reads     %s a second", x.Rate)
	c.Read(x.Rate.size)
	return nil
}
