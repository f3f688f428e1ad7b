package socket

import "time"

// Rate bounds how fast a peer is read: one that sends more is held back by its own
// socket, as by any reader that is slow.
type Rate struct {
	Bytes int64         // per second; 0 for no bound
	Burst time.Duration // of what so long a time allows may come at once
}

// slow waits after n bytes have come until more may.
func (c *Conn) slow(n int) {
	r := &c.group.Rate
	if r.Bytes == 0 || c.Looked() {
		return
	}
	now := c.group.Now()
	c.spent = max(c.spent, now) + int64(float64(n)*float64(time.Second)/float64(r.Bytes))
	if ahead := time.Duration(c.spent-now) - r.Burst; ahead > 0 {
		c.Idle()
		c.Pause(ahead)
	}
}
