package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// pattern is a regular expression (RE2).
type pattern struct{ *regexp.Regexp }

// UnmarshalText compiles it.
func (x *pattern) UnmarshalText(text []byte) (err error) {
	x.Regexp, err = regexp.Compile(string(text))
	if e := (*syntax.Error)(nil); errors.As(err, &e) {
		return fmt.Errorf("not a regular expression: %s in %s", e.Code, e.Expr)
	}
	return err
}

func (x pattern) given() bool { return x.Regexp != nil }

// String is the expression's source.
func (x pattern) String() string {
	if !x.given() {
		return ""
	}
	return x.Regexp.String()
}

// Match is what a message must be: all of what is given.
type Match struct {
	Content
	Type     string    `hcl:"type" oneof:"text|binary" doc:"the kind of its frames"`
	Deflated string    `hcl:"compressed" oneof:"yes|no" doc:"whether it came compressed; either when not given"`
	Ignore   []string  `hcl:"ignore" doc:"with json: fields that are not compared, as paths: \"ts\", \"data.id\", \"items.*.ts\""`
	Includes flow.Expr `hcl:"includes" vars:"index|n|saved|text" doc:"an object whose fields the message must have, with these values; it may have others"`
	Matches  pattern   `hcl:"matches" doc:"regular expression that matches somewhere in it"`
	Where    flow.Expr `hcl:"where" vars:"index|n|saved|text" doc:"what must hold; event is the message"`
}

func (m *Match) check() error {
	if len(m.Ignore) > 0 && m.JSON == nil {
		return &flow.FieldError{Field: "ignore", Err: errors.New("ignore leaves fields out of the comparison with json, which is not given")}
	}
	return m.Content.check()
}

func (m *Match) empty() bool {
	return len(m.given()) == 0 && m.Type == "" && m.Deflated == "" && m.Includes == nil && !m.Matches.given() && m.Where == nil
}

// of says what of a message is not as expected: nil when it matches. An error
// is about the script, not about the message.
func (m *Match) of(p *Peer, msg wire.Message, e *flow.Event) (*unexpected, error) {
	text := string(msg.Data)
	differs := func(expected string, notes ...string) *unexpected {
		return &unexpected{what: "another message came", expected: []string{expected}, got: msg.String(), notes: notes}
	}
	if m.Type != "" && (m.Type == "binary") != msg.Binary {
		return differs("a " + m.Type + " message"), nil
	}
	if m.Deflated != "" && (m.Deflated == "yes") != msg.Compressed {
		return differs(map[string]string{"yes": "a compressed message", "no": "a message that is not compressed"}[m.Deflated]), nil
	}
	if m.JSON != nil || m.Includes != nil {
		if u, err := m.value(p, msg, differs); u != nil || err != nil {
			return u, err
		}
	}
	if m.JSON == nil && len(m.given()) > 0 {
		want, binary, err := m.bytes(p)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(want, msg.Data) {
			w := wire.Message{Data: want, Binary: binary || msg.Binary}
			if m.Text != nil {
				w.Binary = false
			}
			return differs(w.String(), compare.Bytes(want, msg.Data)), nil
		}
	}
	if m.Matches.given() && !m.Matches.Match(msg.Data) {
		return differs("matches " + m.Matches.String()), nil
	}
	if m.Where != nil {
		vars := p.vars()
		vars[3] = flow.TextOf(text)
		ok, err := m.Where.Test(e, vars...)
		if err != nil { // the message is not of the kind that the condition is about
			return differs("where "+source(m.Where), err.Error()), nil
		}
		if !ok {
			return differs("where " + source(m.Where)), nil
		}
	}
	return nil, nil
}

// value compares the message's value with json and includes.
func (m *Match) value(p *Peer, msg wire.Message, differs func(string, ...string) *unexpected) (*unexpected, error) {
	got, err := jsontext.Parse(msg.Data)
	isJSON := err == nil
	for _, w := range []struct {
		x    flow.Expr
		part bool
		name string
	}{{m.JSON, false, "json "}, {m.Includes, true, "includes "}} {
		if w.x == nil {
			continue
		}
		want, err := p.evalOn(&p.last, p.text, w.x)
		if err != nil {
			return nil, err
		}
		if want, err = compare.Plain(want); err != nil {
			return nil, fmt.Errorf("%s: %w", w.x.At(), err)
		}
		if !isJSON {
			return differs(w.name+compare.Short(want), "the message is no JSON"), nil
		}
		seen := got
		if !w.part {
			want, seen = compare.Without(want, m.Ignore), compare.Without(got, m.Ignore)
		}
		if d := compare.First(want, seen, w.part); d != "" {
			return differs(w.name+compare.Short(want), d), nil
		}
	}
	return nil, nil
}

// Expect is the step `expect`.
type Expect struct {
	Match
	Lines     flow.Path     `hcl:"lines" doc:"the messages are the lines of the file, in their order"`
	Count     int           `hcl:"count" min:"1" doc:"this many messages that match, one after another; n is the number of each, from 0"`
	Skip      bool          `hcl:"skip" doc:"messages that do not match are passed over"`
	Within    flow.Duration `hcl:"within" min:"1ms" doc:"deadline for all of them; that of the peer when not given"`
	NotBefore flow.Duration `hcl:"not_before" doc:"the message must not arrive earlier, counted from the beginning of the step"`
	Save      flow.Expr     `hcl:"save" vars:"index|n|saved|text" doc:"values of the message to keep, an object: later steps know them as saved.<name>"`
}

// Check implements Checker.
func (x *Expect) Check() error {
	switch names := x.given(); {
	case x.Lines != "" && len(names) > 0:
		return &flow.FieldError{Field: "lines", Err: fmt.Errorf("a message is %s or lines, not both", names[0])}
	case x.empty() && x.Count == 1 && x.Lines == "" && x.Save == nil && x.NotBefore == 0:
		return errors.New("expect {} expects nothing: write what the message must be (text, json, includes, matches, where, …), or how many (count)")
	}
	return x.check()
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
		if all, err = lines(x.Lines); err != nil {
			return err
		}
	}
	outer := p.n
	defer func() { p.n = outer }()
	total := x.Count * max(1, len(all))
	for i := range total {
		if total > 1 {
			p.n = i
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
		e := event(m)
		u, err := x.match(p, m, &e, line)
		if err != nil {
			return err
		}
		if u == nil {
			if early := start.Add(time.Duration(x.NotBefore)).Sub(m.At); x.NotBefore > 0 && early > 0 {
				return &unexpected{what: "the message came too early", expected: []string{"not before " + x.NotBefore.String()}, got: fmt.Sprintf("after %s: %s", max(0, m.At.Sub(start)).Round(time.Millisecond), m.String())}
			}
			p.take(e, string(m.Data))
			return p.save(x.Save)
		}
		if !x.Skip {
			return u
		}
		passed++
	}
}

func (x *Expect) match(p *Peer, m wire.Message, e *flow.Event, line []byte) (*unexpected, error) {
	if line != nil && !bytes.Equal(line, m.Data) {
		return &unexpected{what: "another message came", expected: []string{"text " + wire.Excerpt(line)}, got: m.String(), notes: []string{compare.Bytes(line, m.Data)}}, nil
	}
	return x.of(p, m, e)
}

// nothing is the error when no message came in time.
func (x *Expect) nothing(p *Peer, line []byte, end *wire.Ending, err error, passed int) error {
	u := &unexpected{expected: x.wanted(p)}
	if line != nil {
		u.expected = append([]string{"text " + wire.Excerpt(line)}, u.expected...)
	}
	switch {
	case end != nil:
		u.what, u.got = "the connection ended before the message came", end.String()
	case passed > 0:
		u.what, u.got = "no message that matches"+soon(err), fmt.Sprintf("%d others", passed)
	default:
		u.what, u.got = "no message"+soon(err), "nothing"
	}
	return u
}

// wanted spells what is expected.
func (m *Match) wanted(p *Peer) (all []string) {
	if m.JSON == nil {
		if data, binary, err := m.bytes(p); err == nil && len(m.given()) > 0 {
			all = append(all, wire.Message{Data: data, Binary: binary}.String())
		}
	}
	for _, w := range []struct {
		name string
		x    flow.Expr
	}{{"json ", m.JSON}, {"includes ", m.Includes}} {
		if w.x == nil {
			continue
		}
		if v, err := p.eval(w.x); err == nil {
			all = append(all, w.name+compare.Short(v))
		}
	}
	if m.Matches.given() {
		all = append(all, "matches "+m.Matches.String())
	}
	if m.Where != nil {
		all = append(all, "where "+source(m.Where))
	}
	if m.Type != "" {
		all = append(all, "a "+m.Type+" message")
	}
	if len(all) == 0 {
		all = append(all, "a message")
	}
	return all
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
	Messages []Match       `hcl:"message" required:"true" doc:"one of the messages"`
	Skip     bool          `hcl:"skip" doc:"messages that match none of them are passed over"`
	Within   flow.Duration `hcl:"within" min:"1ms" doc:"deadline for all of them; that of the peer when not given"`
}

// Check implements Checker.
func (x *ExpectAll) Check() error {
	for i := range x.Messages {
		m := &x.Messages[i]
		if m.empty() {
			return &flow.FieldError{Field: "message", Err: errors.New("message {} expects nothing: write what it must be")}
		}
		if err := m.check(); err != nil {
			if fe := (*flow.FieldError)(nil); errors.As(err, &fe) {
				err = &flow.FieldError{Field: "message." + fe.Field, Err: fe.Err}
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
	left := make([]*Match, len(x.Messages))
	for i := range x.Messages {
		left[i] = &x.Messages[i]
	}
	wanted := func() (all []string) {
		for _, m := range left {
			all = append(all, strings.Join(m.wanted(p), " and "))
		}
		return all
	}
	for len(left) > 0 {
		m, end, err := c.Next(ctx)
		switch v := (*wire.Violation)(nil); {
		case errors.As(err, &v):
			return err
		case err != nil:
			return &unexpected{what: fmt.Sprintf("%d of %d messages did not come%s", len(left), len(x.Messages), soon(err)), expected: wanted()}
		case end != nil:
			return &unexpected{what: fmt.Sprintf("the connection ended before %d of %d messages came", len(left), len(x.Messages)), expected: wanted(), got: end.String()}
		}
		e := event(m)
		found := -1
		for i, want := range left {
			u, err := want.of(p, m, &e)
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
			p.take(e, string(m.Data))
		case !x.Skip:
			return &unexpected{what: "a message came that is none of those left", expected: wanted(), got: m.String()}
		}
	}
	return nil
}
