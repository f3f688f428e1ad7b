package socket

import (
	"context"
	"io"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Receive reads until the connection ends, gives owner its messages, and says
// why it ended: see [Closed], [CutOff], [TooLong], [ErrPanicked]. It is called once.
func (c *Conn) Receive(owner Owner) (err error) {
	c.owner = owner
	defer duplex.Rescue(&err)
	for {
		if err := c.next(); err != nil {
			return err
		}
		if err := c.receiveOne(); err != nil {
			return err
		}
	}
}

// receiveOne lets the library read the message, or the control frame, that is
// not simple.
func (c *Conn) receiveOne() error {
	lib, err := c.library()
	if err != nil {
		return err
	}
	kind, r, err := lib.Reader(context.Background())
	if err != nil {
		return err
	}
	message, err := io.ReadAll(io.LimitReader(r, c.group.MaxMessage+1))
	if err != nil {
		return err
	}
	if int64(len(message)) > c.group.MaxMessage {
		return errTooLong
	}
	binary := kind == websocket.MessageBinary
	if !binary && !c.validText(message) {
		return errNotUTF8
	}
	if !c.pinged(binary, message) {
		c.deliver([]flow.Frame{{Data: message, Binary: binary}})
	}
	return nil
}

func (c *Conn) deliver(frames []flow.Frame) {
	c.owner.Deliver(frames)
	c.LookOn()
}
