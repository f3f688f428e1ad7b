package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Ping is the step `ping`.
type Ping struct {
	Payload flow.Expr     `hcl:"payload" vars:"index|n|saved|text" doc:"what the pong must carry too, a text of at most 125 bytes"`
	Within  flow.Duration `hcl:"within" doc:"deadline for the pong; that of the peer when not given"`
}

// Run implements Step.
func (x *Ping) Run(ctx context.Context, p *Peer) error {
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	c, payload, err := p.controlFrame(ctx, opPing, x.Payload)
	if err != nil {
		return err
	}
	var end *ending
	found := false
	err = c.wait(ctx, func() bool {
		end = c.end
		if i := slices.IndexFunc(c.pongs, func(b []byte) bool { return bytes.Equal(b, payload) }); i >= 0 {
			c.pongs, found = slices.Delete(c.pongs, i, i+1), true
		}
		return found || end != nil
	})
	if found {
		return nil
	}
	u := &unexpected{what: "the ping was not answered", expected: []string{"pong " + excerpt(payload)}}
	if err != nil {
		u.what += "" + soon(err)
	} else {
		u.got = end.String()
	}
	return u
}

// controlFrame sends a control frame.
func (p *Peer) controlFrame(ctx context.Context, op byte, x flow.Expr) (*conn, []byte, error) {
	c, err := p.messages(ctx)
	if err != nil {
		return nil, nil, err
	}
	var payload []byte
	if x != nil {
		if payload, err = p.evalText(x, "payload"); err != nil {
			return nil, nil, err
		}
	}
	if len(payload) > maxControl {
		return nil, nil, fmt.Errorf("the payload has %d bytes, more than a %s may carry (%d): frame sends what is not allowed", len(payload), opcodeName(op), maxControl)
	}
	p.log.add("sent      %s %s", opcodeName(op), excerpt(payload))
	return c, payload, c.send(ctx, c.frame(op, payload))
}

// Pong is the step `pong`.
type Pong struct {
	Payload flow.Expr `hcl:"payload" vars:"index|n|saved|text" doc:"a text of at most 125 bytes"`
}

// Run implements Step.
func (x *Pong) Run(ctx context.Context, p *Peer) error {
	ctx, cancel := p.deadline(ctx, 0)
	defer cancel()
	_, _, err := p.controlFrame(ctx, opPong, x.Payload)
	return err
}

// ExpectPing is the step `expect_ping`.
type ExpectPing struct {
	Within flow.Duration `hcl:"within" doc:"deadline; that of the peer when not given"`
}

// Run implements Step.
func (x *ExpectPing) Run(ctx context.Context, p *Peer) error {
	c, err := p.messages(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := p.deadline(ctx, x.Within)
	defer cancel()
	var end *ending
	found := false
	err = c.wait(ctx, func() bool {
		if found = len(c.pings) > 0; found {
			c.pings = c.pings[1:]
		}
		end = c.end
		return found || end != nil
	})
	switch {
	case found:
		return nil
	case err != nil:
		return &unexpected{what: "no ping came" + soon(err)}
	}
	return &unexpected{what: "the connection ended before a ping came", got: end.String()}
}

// Close is the step `close`.
type Close struct {
	Code   int           `hcl:"code" min:"0" max:"65535" doc:"0 for a close frame without a code (1000)"`
	Reason string        `hcl:"reason" doc:"at most 123 bytes"`
	Wait   bool          `hcl:"wait" doc:"the other side must answer with the same code (true)"`
	Within flow.Duration `hcl:"within" doc:"deadline for the answer; that of the peer when not given"`
}

// Check implements Checker.
func (x *Close) Check() error {
	switch {
	case len(x.Reason) > maxControl-2:
		return &flow.FieldError{Field: "reason", Err: fmt.Errorf("the reason has %d bytes, and a close frame room for %d", len(x.Reason), maxControl-2)}
	case x.Code == 0 && x.Reason != "":
		return &flow.FieldError{Field: "reason", Err: errors.New("without a code there is no reason")}
	case !utf8.ValidString(x.Reason):
		return &flow.FieldError{Field: "reason", Err: errors.New("the reason is not valid UTF-8")}
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
	c.mu.Lock()
	c.closeSent = true
	end := c.end
	c.mu.Unlock()
	if end != nil {
		return &unexpected{what: "the connection has ended before", got: end.String()}
	}
	p.log.add("sent      close %d %s", x.Code, excerpt([]byte(x.Reason)))
	if err := c.send(ctx, c.frame(opClose, closePayload(x.Code, x.Reason))); err != nil {
		return err
	}
	if !x.Wait {
		return nil
	}
	want := x.Code
	if want == 0 {
		want = noCode
	}
	if end, err = p.ended(ctx, c, true); err != nil {
		return &unexpected{what: "the close was not answered" + soon(err), expected: []string{fmt.Sprintf("a close frame with %d", want)}}
	}
	if v := (*violation)(nil); errors.As(end.err, &v) {
		return v
	}
	if end.code != want {
		return &unexpected{what: "the close was answered otherwise", expected: []string{fmt.Sprint(want)}, got: end.String()}
	}
	return nil
}

// ended waits for the end of the connection. With skip, messages that come
// before are passed over.
func (p *Peer) ended(ctx context.Context, c *conn, skip bool) (*ending, error) {
	for {
		m, end, err := c.next(ctx)
		if end != nil || err != nil {
			return end, err
		}
		if !skip {
			return nil, &unexpected{what: "a message came before the end", got: describe(m)}
		}
	}
}

// ExpectClose is the step `expect_close`.
type ExpectClose struct {
	Code   int           `hcl:"code" min:"0" max:"65535" doc:"of the close frame; 1005 for none in it, 1006 for no close frame; any when not given"`
	Reason pattern       `hcl:"reason" doc:"regular expression that the reason matches"`
	Skip   bool          `hcl:"skip" doc:"messages that come before are passed over"`
	Within flow.Duration `hcl:"within" doc:"deadline; that of the peer when not given"`
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
	end, err := p.ended(ctx, c, x.Skip || c.tcp)
	if u := (*unexpected)(nil); errors.As(err, &u) {
		u.expected = expected
		return u
	}
	if v := (*violation)(nil); errors.As(err, &v) {
		return v
	}
	if err != nil {
		return &unexpected{what: "the connection did not end" + soon(err), expected: expected}
	}
	if x.Code != 0 && end.code != x.Code || x.Reason.given() && !x.Reason.MatchString(end.reason) {
		return &unexpected{what: "the connection ended otherwise", expected: expected, got: end.String()}
	}
	return nil
}

func (x *ExpectClose) wanted() string {
	s := "the end of the connection"
	if x.Code != 0 {
		s = fmt.Sprintf("a close with %d", x.Code)
		if x.Code == abnormal {
			s = "1006: an end without a close frame"
		}
	}
	if x.Reason.given() {
		s += ", reason " + x.Reason.String()
	}
	return s
}

// Cut is the step `cut`.
type Cut struct {
	How string `hcl:"how" oneof:"reset|end" doc:"a TCP reset, or the end of the stream (reset)"`
}

// Run implements Step.
func (x *Cut) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	p.log.add("cut       by %s", x.How)
	if tcp, ok := c.gate.Conn.(*net.TCPConn); ok && x.How == "reset" {
		_ = tcp.SetLinger(0)
	}
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	c.change(func() {})
	_ = c.gate.Close() // below TLS, which would say goodbye
	<-c.done
	return nil
}

// Silence is the step `silence`.
type Silence struct {
	For flow.Duration `hcl:"for" required:"true" min:"1ms" doc:"how long"`
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
	m, end, err := c.next(quiet)
	after := "after " + time.Since(start).Round(time.Millisecond).String() + ": "
	switch {
	case errors.Is(err, errQuiet):
		return nil
	case err != nil:
		return err
	case end != nil:
		return &unexpected{what: "the connection ended", expected: []string{"silence for " + x.For.String()}, got: after + end.String()}
	}
	return &unexpected{what: "a message came", expected: []string{"silence for " + x.For.String()}, got: after + describe(m)}
}

var errQuiet = errors.New("nothing came")

// Pause is the step `pause`.
type Pause struct {
	For flow.Duration `hcl:"for" required:"true" doc:"how long"`
}

// Run implements Step.
func (x *Pause) Run(ctx context.Context, _ *Peer) error {
	if !sleep(ctx, time.Duration(x.For)) {
		return context.Cause(ctx)
	}
	return nil
}

// Read is the step `read`.
type Read struct {
	Rate flow.Size `hcl:"rate" min:"0B" doc:"bytes a second; 0B for none"`
}

// Run implements Step.
func (x *Read) Run(ctx context.Context, p *Peer) error {
	c, err := p.connection(ctx)
	if err != nil {
		return err
	}
	if x.Rate == freely {
		p.log.add("reads     freely")
	} else {
		p.log.add("reads     %s a second", x.Rate)
	}
	c.gate.set(x.Rate)
	return nil
}

// receiveBuffer sets the size of a socket's buffer before it connects, when
// the window is agreed on.
func receiveBuffer(size flow.Size) func(network, address string, c syscall.RawConn) error {
	if size == 0 {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = setReceiveBuffer(fd, int(size)) }); e != nil {
			return e
		}
		return err
	}
}
