package ws

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// cork is the socket of a client: what is written between start and flush is
// collected and leaves at once; else it leaves as it is written.
type cork struct {
	net.Conn
	timeout time.Duration // of one write
	mu      sync.Mutex
	buf     []byte
	corked  bool
	taken   atomic.Int64 // bytes that were given to Write
	sent    atomic.Int64 // bytes that the socket has taken
}

// Read implements net.Conn.
func (c *cork) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = errCut
	}
	return n, err
}

// start begins to collect.
func (c *cork) start() {
	c.mu.Lock()
	c.corked = true
	c.mu.Unlock()
}

// flush ends collecting and writes what there is.
func (c *cork) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	return c.write(nil)
}

// Write implements net.Conn.
func (c *cork) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken.Add(int64(len(p)))
	if c.corked && len(c.buf)+len(p) <= corkLimit {
		c.buf = append(c.buf, p...)
		return len(p), nil
	}
	if err := c.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// write sends what is collected, and then p. The caller holds mu.
func (c *cork) write(p []byte) error {
	if len(c.buf) > 0 {
		p = append(c.buf, p...)
		c.buf = c.buf[:0]
	}
	if len(p) == 0 {
		return nil
	}
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return err
}
