package socket

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Check reports what is wrong with what a flow wrote into meta.<type>.close.
func Check(v flow.Value) error {
	_, err := read(v)
	return err
}

// read reads what a flow wrote to end a connection: { abort = true } resets it.
func read(v flow.Value) (abort bool, err error) {
	if v.Kind() != flow.Map {
		return false, fmt.Errorf("an object is wanted, {} or { abort = true }, and this is %s", v.Kinds())
	}
	for _, f := range v.Object().Fields() {
		switch {
		case f.Value.IsNull():
		case f.Key != "abort":
			return false, fmt.Errorf("there is no %q: an object is wanted, {} or { abort = true }", f.Key)
		case f.Value.Kind() != flow.Bool:
			return false, fmt.Errorf("abort is true or false, and this is %s", f.Value.Kinds())
		default:
			abort = f.Value.Bool()
		}
	}
	return abort, nil
}

// asksToClose returns what a flow wrote about an outgoing frame to end its
// connection.
func (g *Group) asksToClose(f *flow.Frame) (why Farewell, asks bool) {
	if g.Type == "" {
		return why, false
	}
	under, _ := f.Meta.Get(g.Type)
	v, ok := under.Object().Get("close")
	if !ok || v.IsNull() {
		return why, false
	}
	abort, err := read(v)
	return Farewell{Abort: abort, Why: flow.EndedByFlow}, err == nil // the runtime has had it checked
}
