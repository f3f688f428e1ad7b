// Package ending reads what a flow writes into meta.<type>.close, to end the
// connection of an event: an object with code, reason and abort, all of which may
// be left out.
package ending

import (
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
)

// maxReason is what a control frame has room for, beside the code.
const maxReason = 123

var errNoCode = errors.New("code is a whole number: 1000, or one from 3000 to 4999 that means something to the clients")

// usual is the code where the flow gives none (RFC 6455 section 7.4.1).
const usual = 1000

// Wish is how a flow wants to end a connection.
type Wish struct {
	Code   int
	Reason string
	Abort  bool // without a close frame
}

// Check reports what is wrong with what a flow wrote.
func Check(v flow.Value) error {
	_, err := Read(v)
	return err
}

// Read reads it.
func Read(v flow.Value) (Wish, error) {
	why := Wish{Code: usual}
	if v.Kind() != flow.Map {
		return why, fmt.Errorf("an object is wanted, { code, reason, abort }, and this is %s", v.Kinds())
	}
	for _, f := range v.Object().Fields() {
		switch {
		case f.Value.IsNull():
		case f.Key == "code":
			if f.Value.Kind() != flow.Int {
				return why, errNoCode
			}
			why.Code = int(f.Value.Int())
			if !flow.Sendable(f.Value.Int()) {
				return why, fmt.Errorf("code %d cannot be sent: %w", f.Value.Int(), errNoCode)
			}
		case f.Key == "reason":
			if f.Value.Kind() != flow.Text {
				return why, fmt.Errorf("reason is a string, and this is %s", f.Value.Kinds())
			}
			if why.Reason = f.Value.Text(); len(why.Reason) > maxReason {
				return why, fmt.Errorf("reason is %d bytes long, and a close frame has room for %d", len(why.Reason), maxReason)
			}
		case f.Key == "abort":
			if f.Value.Kind() != flow.Bool {
				return why, fmt.Errorf("abort is true or false, and this is %s", f.Value.Kinds())
			}
			why.Abort = f.Value.Bool()
		default:
			return why, fmt.Errorf("there is no %q: an object is wanted, { code, reason, abort }", f.Key)
		}
	}
	return why, nil
}
