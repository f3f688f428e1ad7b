package socket

import "time"

// RateError is in the error of Receive when the peer has sent more than the
// Rate allows.
type RateError struct {
	Limit string // as flows name it
}

// Error is what the peer is told.
func (e *RateError) Error() string { return "more is sent than limits." + e.Limit + " allows" }

// Rate bounds what a peer may send. Every frame counts, since each is work:
// pings, fragments and empty ones, too; and all its bytes, header and payload.
type Rate struct {
	Frames int           // per second; 0 for no bound
	Bytes  int64         // per second; 0 for no bound
	Burst  time.Duration // of what so long a time allows may come at once
}

// spent is how far ahead of the time a peer is: when what it has sent until now
// would have come if it sent as fast as it may all the time. Times are the
// group's.
type spent struct{ frames, bytes int64 }

// spend notes a frame of so many bytes.
func (c *Conn) spend(bytes int64) error {
	r := &c.group.Rate
	if r.Frames == 0 && r.Bytes == 0 {
		return nil
	}
	// The clock of the sweep stands still for a while: what it does not allow,
	// the true time may.
	before := c.spent
	if c.spendAt(c.group.Last(), bytes) == "" {
		return nil
	}
	c.spent = before
	if limit := c.spendAt(c.group.Now(), bytes); limit != "" {
		return &RateError{limit}
	}
	return nil
}

// spendAt returns the name of the limit that the frame exceeds, or nothing.
func (c *Conn) spendAt(now, bytes int64) string {
	r := &c.group.Rate
	if r.Frames > 0 {
		if c.spent.frames = max(c.spent.frames, now) + int64(time.Second)/int64(r.Frames); c.spent.frames-now > int64(r.Burst) {
			return "messages_per_second"
		}
	}
	if r.Bytes > 0 {
		if c.spent.bytes = max(c.spent.bytes, now) + int64(float64(bytes)*float64(time.Second)/float64(r.Bytes)); c.spent.bytes-now > int64(r.Burst) {
			return "bytes_per_second"
		}
	}
	return ""
}
