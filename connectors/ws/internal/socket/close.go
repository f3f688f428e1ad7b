package socket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// maxReason is what a control frame has room for, beside the code.
const maxReason = 123

var errNoCode = errors.New("code is a whole number: 1000, or one from 3000 to 4999 that means something to the clients")

// CheckClose checks what a flow writes into meta.<type>.close: an object with
// code, reason and abort, all of which may be left out.
func CheckClose(v flow.Value) error {
	_, err := closing(v)
	return err
}

// closing reads it.
func closing(v flow.Value) (Farewell, error) {
	why := Farewell{Code: NormalClosure}
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
			if !sendable(f.Value.Int()) {
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

// takeClose answers the peer's close frame, which begins with h and is whole in
// the read-ahead, and returns what it says. A frame that is another or malformed
// is left where it is: nil.
//
//go:noinline
func (c *Conn) takeClose(h *header) error {
	if !h.simple() || h.opcode() != opClose || h.masked == c.group.Client {
		return nil
	}
	payload := bytes.Clone(c.turn.buf[c.start+h.size : c.start+int(h.total())])
	if h.masked {
		unmask(payload, h.mask)
	}
	why := websocket.CloseError{Code: websocket.StatusNoStatusRcvd}
	if len(payload) > 0 {
		if len(payload) < 2 || !sendable(int64(binary.BigEndian.Uint16(payload))) {
			return nil
		}
		why = websocket.CloseError{Code: websocket.StatusCode(binary.BigEndian.Uint16(payload)), Reason: string(payload[2:])}
	}
	c.start += int(h.total())
	if err := c.spend(h.total()); err != nil {
		return err
	}
	c.owner.Leave()
	c.control(opClose, payload)
	return why
}

// sendable reports whether a close frame may bear a code: those that RFC 6455 or
// the registry that it made has given a meaning in a frame, and those that are
// free for use.
func sendable(code int64) bool {
	switch code {
	case 1004, 1005, 1006, 1015: // never in a frame
		return false
	}
	return 1000 <= code && code <= 1014 || 3000 <= code && code <= 4999
}

// asksToClose returns what a flow wrote about an outgoing frame to end its
// connection.
func (g *Group) asksToClose(f *flow.Frame) (why Farewell, asks bool) {
	if f.Meta == nil || g.Type == "" {
		return why, false
	}
	under, _ := f.Meta.Get(g.Type)
	v, ok := under.Object().Get("close")
	if !ok || v.IsNull() {
		return why, false
	}
	why, err := closing(v)
	return why, err == nil // the runtime has had it checked
}
