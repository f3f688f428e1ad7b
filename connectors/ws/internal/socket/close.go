package socket

import (
	"bytes"
	"encoding/binary"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/connectors/ws/internal/ending"
	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// takeClose answers the peer's close frame, which begins with h and is whole in
// the read-ahead, and returns what it says. A frame that is another or malformed
// is left where it is: nil.
//
//go:noinline
func (c *Conn) takeClose(h *frame.Header) error {
	if !h.Simple() || h.Opcode() != frame.Close || h.Masked == c.group.Client {
		return nil
	}
	payload := bytes.Clone(c.turn.buf[c.start+h.Size : c.start+int(h.Total())])
	if h.Masked {
		frame.Mask(payload, h.Mask)
	}
	why := websocket.CloseError{Code: websocket.StatusNoStatusRcvd}
	if len(payload) > 0 {
		if len(payload) < 2 || !flow.Sendable(int64(binary.BigEndian.Uint16(payload))) {
			return nil
		}
		why = websocket.CloseError{Code: websocket.StatusCode(binary.BigEndian.Uint16(payload)), Reason: string(payload[2:])}
	}
	c.start += int(h.Total())
	if err := c.spend(h.Total()); err != nil {
		return err
	}
	c.owner.Leave()
	c.control(frame.Close, payload)
	return why
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
	wish, err := ending.Read(v)
	why = Farewell{Code: wish.Code, Reason: wish.Reason, Abort: wish.Abort, Why: flow.EndedByFlow}
	return why, err == nil // the runtime has had it checked
}
