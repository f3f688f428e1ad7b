package message

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// Scope is what the expressions of one instance of a script see. One goroutine uses
// it.
type Scope struct {
	Index int // of the instance
	N     int // number of the repetition

	saved *flow.Object
	last  flow.Event // what a step has taken
	text  string     // the same, as text
}

// Vars are the values of the names that expressions may use beside event, where text
// is that event as text.
func (s *Scope) Vars(text string) []flow.Value {
	return []flow.Value{flow.IntOf(int64(s.Index)), flow.IntOf(int64(s.N)), flow.MapOf(s.savedObject()), flow.TextOf(text)}
}

func (s *Scope) savedObject() *flow.Object {
	if s.saved == nil {
		s.saved = flow.NewObject(0)
	}
	return s.saved
}

// Eval computes an expression that uses the last message.
func (s *Scope) Eval(x flow.Expr) (flow.Value, error) {
	v, err := x.Eval(&s.last, s.Vars(s.text)...)
	if err != nil {
		return v, fmt.Errorf("%s: %w", x.At(), err)
	}
	return v.Held(), nil
}

// Text computes an expression that must be a text, or bytes.
func (s *Scope) Text(x flow.Expr, what string) ([]byte, error) {
	v, err := s.Eval(x)
	if err != nil {
		return nil, err
	}
	return TextOf(v, what)
}

// TextOf is the text that v is. Numbers and bools are spelled as in a template,
// since "${index}" alone is a number in the flow language.
func TextOf(v flow.Value, what string) ([]byte, error) {
	switch {
	case v.Kind() == flow.Text:
		return []byte(v.Text()), nil
	case v.Kind() == flow.Bytes:
		return v.Bytes(), nil
	case v.IsNumber() || v.Kind() == flow.Bool:
		return jsontext.Append(nil, v, false)
	}
	return nil, fmt.Errorf("%s is %s: it must be a string or bytes", what, v.Kinds())
}

// Take makes e the last message.
func (s *Scope) Take(e flow.Event, text string) { s.last, s.text = e, text }

// Save keeps values for later steps.
func (s *Scope) Save(x flow.Expr) error {
	if x == nil {
		return nil
	}
	v, err := s.Eval(x)
	if err != nil {
		return err
	}
	if v.Kind() != flow.Map {
		return fmt.Errorf("save is %s: it must be an object, as in save = { id = event.id }", v.Kinds())
	}
	s.saved = s.savedObject().Merge(v.Object())
	return nil
}
