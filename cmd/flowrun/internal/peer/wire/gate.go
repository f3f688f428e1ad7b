package wire

import (
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Freely is the rate of reading without a bound.
const Freely setting.Size = -1

// Gate is a connection that can be read slowly.
type Gate struct {
	net.Conn
	mu      sync.Mutex
	rate    setting.Size
	changed chan struct{}
	closed  chan struct{}
	once    sync.Once
}

// NewGate returns the connection, which is read freely.
func NewGate(nc net.Conn) *Gate {
	return &Gate{Conn: nc, rate: Freely, changed: make(chan struct{}), closed: make(chan struct{})}
}

// Set changes the rate, in bytes a second: 0 for none, or Freely.
func (g *Gate) Set(rate setting.Size) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rate = rate
	close(g.changed)
	g.changed = make(chan struct{})
}

// Read reads as slowly as it should.
func (g *Gate) Read(p []byte) (int, error) {
	for {
		g.mu.Lock()
		rate, changed := g.rate, g.changed
		g.mu.Unlock()
		if rate == Freely {
			return g.Conn.Read(p)
		}
		if rate == 0 {
			select {
			case <-changed:
				continue
			case <-g.closed:
				return 0, net.ErrClosed
			}
		}
		n, err := g.Conn.Read(p[:min(len(p), max(1, int(rate)/20))])
		t := time.NewTimer(time.Duration(n) * time.Second / time.Duration(rate))
		defer t.Stop()
		select {
		case <-t.C:
		case <-changed:
		case <-g.closed:
		}
		return n, err
	}
}

// Close closes the connection, and wakes whoever reads slowly.
func (g *Gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Conn.Close()
}

// ReceiveBuffer sets the size of a socket's buffer before it connects, when
// the window is agreed on.
func ReceiveBuffer(size setting.Size) func(network, address string, c syscall.RawConn) error {
	if size == 0 {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = setReceiveBuffer(fd, int(size)) }); e != nil {
			return e
		}
		return err
	}
}
