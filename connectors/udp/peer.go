package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// peer is a sender of a server: one address and port. Its server's goroutine
// receives; anyone may write.
type peer struct {
	conn     *net.UDPConn
	addr     netip.AddrPort
	link     flow.Link
	frame    [1]flow.Frame
	active   int64 // when something last came, or a sweep saw that something had been written
	wrote    atomic.Bool
	unwanted atomic.Pointer[flow.Cause] // why the runtime wants it to end
	broken   bool                       // the flow panicked

	messages, bytes int64 // see spend
}

// deliver hands a datagram over. A panic costs the connection, and no other.
func (p *peer) deliver(datagram []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.broken = true
			err = fmt.Errorf("the flow panicked on a message: %v\n%s", v, debug.Stack())
		}
	}()
	p.frame[0].Data = datagram
	return p.link.Receive(context.Background(), p.frame[:])
}

// spend notes a datagram, and returns the name of the limit that it exceeds, or
// nothing. How far ahead of the time the sender is by what it has sent, if it sent
// as fast as it may all the time, is bounded by burst.
func (p *peer) spend(l *Limits, now int64, bytes int) string {
	messages, sent := max(p.messages, now), max(p.bytes, now)
	if l.MessagesPerSecond > 0 {
		if messages += int64(time.Second) / int64(l.MessagesPerSecond); messages-now > int64(l.Burst) {
			return "messages_per_second"
		}
	}
	if l.BytesPerSecond > 0 {
		if sent += int64(float64(bytes) * float64(time.Second) / float64(l.BytesPerSecond)); sent-now > int64(l.Burst) {
			return "bytes_per_second"
		}
	}
	p.messages, p.bytes = messages, sent
	return ""
}

// Write implements flow.Writer: each frame is a datagram. A connection that could not be
// written to is forgotten by the next sweep: its sender's next datagram begins another.
func (p *peer) Write(_ context.Context, frames []flow.Frame, _ bool) error {
	p.wrote.Store(true)
	for i := range frames {
		if _, err := p.conn.WriteToUDPAddrPort(frames[i].Data, p.addr); err != nil {
			p.Disconnect(&flow.Ended{Cause: flow.EndedLost})
			return &flow.WriteError{Written: i, Err: cause(err)}
		}
	}
	return nil
}

// Flush implements flow.Writer.
func (*peer) Flush(context.Context) error { return nil }

// TryWrite implements flow.Trier: a socket for datagrams makes nobody wait for the
// other side.
func (p *peer) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	err = p.Write(context.Background(), frames, false)
	return true, err == nil, err
}

// Disconnect implements flow.Disconnecter: the next sweep ends it.
func (p *peer) Disconnect(reason error) {
	ended := &flow.Ended{Cause: flow.EndedViolation} // where the reason says no more
	errors.As(reason, &ended)
	p.unwanted.CompareAndSwap(nil, &ended.Cause)
}

// cause leaves out what net says of the operation.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}
