// Package wrote is what a flow has written about a reply or a request, under the type
// of the connector that it is for: meta.http_server, meta.http_client. It is checked
// when the event is made a message, and read when that is sent.
package wrote

import (
	"fmt"
	"net/http"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Wrote is what is under the type; the zero Wrote is nothing.
type Wrote struct{ under *flow.Object }

// Of finds it in the meta of a frame.
func Of(meta *flow.Object, typeName string) Wrote {
	if meta == nil {
		return Wrote{}
	}
	v, _ := meta.Get(typeName)
	return Wrote{v.Object()}
}

// Get is null where nothing is written.
func (w Wrote) Get(name string) flow.Value {
	if w.under == nil {
		return flow.NullValue
	}
	v, _ := w.under.Get(name)
	return v
}

// Is reports whether true is written.
func (w Wrote) Is(name string) bool {
	v := w.Get(name)
	return v.Kind() == flow.Bool && v.Bool()
}

// Headers sets the header fields that are written.
func (w Wrote) Headers(h http.Header) {
	for _, f := range w.Get("headers").Object().Fields() {
		h.Del(f.Key)
		for _, value := range several(f.Value) {
			h.Add(f.Key, value.Text())
		}
	}
}

// Checks say, by name, what is wrong with a value.
type Checks map[string]func(flow.Value) error

// Of returns a check of all that is written under a type. Names that are not known
// are for others.
func (c Checks) Of(typeName string) func(flow.Value) error {
	return func(v flow.Value) error {
		for _, f := range v.Object().Fields() {
			check := c[f.Key]
			if check == nil || f.Value.IsNull() {
				continue
			}
			if err := check(f.Value); err != nil {
				return fmt.Errorf("meta.%s.%s: %w", typeName, f.Key, err)
			}
		}
		return nil
	}
}

// Bool checks for true or false.
func Bool(v flow.Value) error {
	if v.Kind() != flow.Bool {
		return fmt.Errorf("it is true or false, not %s", v.Kinds())
	}
	return nil
}

// Object checks for an object.
func Object(v flow.Value) error {
	if v.Kind() != flow.Map {
		return fmt.Errorf("it is an object, not %s", v.Kinds())
	}
	return nil
}

// Headers checks for an object of strings, or of lists of them: header fields of what
// ("the answer"), to which those in taken, in canonical form, belong already.
func Headers(what string, taken []string) func(flow.Value) error {
	return func(v flow.Value) error {
		if err := Object(v); err != nil {
			return err
		}
		for _, f := range v.Object().Fields() {
			for _, value := range several(f.Value) {
				if value.Kind() != flow.Text {
					return fmt.Errorf("the header field %q is a string, or a list of strings, not %s", f.Key, value.Kinds())
				}
				if err := endpoint.CheckHeader(f.Key, value.Text(), what, taken); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// several is a list, or a list of one; empty for null.
func several(v flow.Value) []flow.Value {
	switch v.Kind() {
	case flow.Null:
		return nil
	case flow.List:
		return v.List()
	}
	return []flow.Value{v}
}
