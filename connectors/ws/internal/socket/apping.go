package socket

import (
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
)

// AppPing are pings and pongs that are text messages, for peers that cannot
// send those of the protocol: pages, above all. They are no events.
type AppPing struct {
	Request  string        // "" for none
	Reply    string        // answers it
	Interval time.Duration // this side sends requests, and takes the replies; 0 for not
}

// pinged answers a message that is a ping, and reports whether it was that, or
// the answer to one of this side.
func (c *Conn) pinged(binary bool, message []byte) bool {
	p := &c.group.AppPing
	switch {
	case p.Request == "" || binary:
		return false
	case string(message) == p.Request:
		c.reply(p.Reply)
		return true
	}
	return p.Interval > 0 && string(message) == p.Reply
}

// reply appends a text message that is none of the link's: what the link has
// written leaves before, so that it is known how far that has come.
func (c *Conn) reply(text string) {
	c.Pen.Lock()
	defer c.Pen.Unlock()
	if c.Send() == nil {
		_ = c.put(frame.Text, []byte(text), nil) // what is wrong, the next Send says
	}
}

// tryText sends a text message that is none of the link's, without waiting;
// false when somebody is writing. It is as tryControl otherwise.
func (c *Conn) tryText(text string) bool {
	if !c.Pen.TryLock() {
		return false
	}
	defer c.Pen.Unlock()
	if !c.Empty() { // whose it is sends it soon
		return false
	}
	if c.put(frame.Text, []byte(text), nil) == nil {
		c.sendSoon()
	}
	return true
}
