package message

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Pattern is a regular expression (RE2).
type Pattern struct{ *regexp.Regexp }

// UnmarshalText compiles it.
func (x *Pattern) UnmarshalText(text []byte) (err error) {
	x.Regexp, err = regexp.Compile(string(text))
	if e := (*syntax.Error)(nil); errors.As(err, &e) {
		return fmt.Errorf("not a regular expression: %s in %s", e.Code, e.Expr)
	}
	return err
}

// Given reports whether there is one.
func (x Pattern) Given() bool { return x.Regexp != nil }

// String is the expression's source.
func (x Pattern) String() string {
	if !x.Given() {
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
	Matches  Pattern   `hcl:"matches" doc:"regular expression that matches somewhere in it"`
	Where    flow.Expr `hcl:"where" vars:"index|n|saved|text" doc:"what must hold; event is the message"`
}

// Check finds arguments that do not go together.
func (m *Match) Check() error {
	if len(m.Ignore) > 0 && m.JSON == nil {
		return &setting.Error{Field: "ignore", Err: errors.New("ignore leaves fields out of the comparison with json, which is not given")}
	}
	return m.Content.Check()
}

// Empty reports whether any message matches.
func (m *Match) Empty() bool {
	return len(m.Given()) == 0 && m.Type == "" && m.Deflated == "" && m.Includes == nil && !m.Matches.Given() && m.Where == nil
}

// Of says what of a message is not as expected: nil when it matches. An error
// is about the script, not about the message.
func (m *Match) Of(s *Scope, msg wire.Message, e *flow.Event) (*Unexpected, error) {
	differs := func(expected string, notes ...string) *Unexpected {
		return &Unexpected{What: "another message came", Expected: []string{expected}, Got: msg.String(), Notes: notes}
	}
	if m.Type != "" && (m.Type == "binary") != msg.Binary {
		return differs("a " + m.Type + " message"), nil
	}
	if m.Deflated != "" && (m.Deflated == "yes") != msg.Compressed {
		return differs(map[string]string{"yes": "a compressed message", "no": "a message that is not compressed"}[m.Deflated]), nil
	}
	if m.JSON != nil || m.Includes != nil {
		if u, err := m.value(s, msg, differs); u != nil || err != nil {
			return u, err
		}
	}
	if m.JSON == nil && len(m.Given()) > 0 {
		want, binary, err := m.Bytes(s)
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
	if m.Matches.Given() && !m.Matches.Match(msg.Data) {
		return differs("matches " + m.Matches.String()), nil
	}
	if m.Where != nil {
		ok, err := m.Where.Test(e, s.Vars(string(msg.Data))...)
		if err != nil { // the message is not of the kind that the condition is about
			return differs("where "+Source(m.Where), err.Error()), nil
		}
		if !ok {
			return differs("where " + Source(m.Where)), nil
		}
	}
	return nil, nil
}

// value compares the message's value with json and includes.
func (m *Match) value(s *Scope, msg wire.Message, differs func(string, ...string) *Unexpected) (*Unexpected, error) {
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
		want, err := s.Eval(w.x)
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

// Wanted spells what is expected.
func (m *Match) Wanted(s *Scope) (all []string) {
	if m.JSON == nil {
		if data, binary, err := m.Bytes(s); err == nil && len(m.Given()) > 0 {
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
		if v, err := s.Eval(w.x); err == nil {
			all = append(all, w.name+compare.Short(v))
		}
	}
	if m.Matches.Given() {
		all = append(all, "matches "+m.Matches.String())
	}
	if m.Where != nil {
		all = append(all, "where "+Source(m.Where))
	}
	if m.Type != "" {
		all = append(all, "a "+m.Type+" message")
	}
	if len(all) == 0 {
		all = append(all, "a message")
	}
	return all
}
