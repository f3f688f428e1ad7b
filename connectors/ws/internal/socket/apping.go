package socket

import (
	"context"
	"syscall"
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
func (o *out) reply(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flush() == nil {
		o.append(text)
	}
}

// append is put for a message that is none of the link's, into the empty
// buffer. The caller holds mu.
func (o *out) append(text string) bool {
	given := o.last.given
	if o.put(frame.Text, []byte(text), nil) != nil {
		return false
	}
	o.last.given, o.last.before = given, len(*o.buf)
	return true
}

// tryText sends a text message that is none of the link's, without waiting;
// false when somebody is writing. It is as tryControl otherwise.
func (o *out) tryText(raw syscall.RawConn, text string) bool {
	if !o.mu.TryLock() {
		return false
	}
	defer o.mu.Unlock()
	if o.buf != nil { // whose it is sends it soon
		return false
	}
	if o.append(text) && (raw == nil || !o.flushNow(raw)) {
		go func() { _ = o.Flush(context.Background()) }() // asked for by failure
	}
	return true
}
