package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/flowrun/flowrun/tests/wire"
)

// fanOut lets the first connection send, a burst at a time, and all hear it.
// The next burst leaves when the last one has arrived everywhere, so that
// nothing is lost for want of a place in a queue.
func fanOut(ctx context.Context, o order) (outcome, error) {
	clients, err := dialAll(ctx, o, o.Connections)
	defer closeAll(clients)
	if err != nil {
		return outcome{}, err
	}
	r := &room{clients: clients, all: make(chan struct{}, 1), failed: make(chan struct{})}
	r.last.Store(math.MaxInt64)
	if err := together(len(clients), 32, func(i int) error { return r.enter(clients[i]) }); err != nil {
		return outcome{}, err
	}
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		ended <- together(1+len(clients), 1+len(clients), func(i int) (err error) {
			if i == 0 {
				err = r.speak(clients[0], o.Depth, &stop)
			} else {
				err = r.listen(clients[i-1])
			}
			if err != nil {
				r.fail()
			}
			return err
		})
	}()
	out, err := o.watch(clients, ended)
	if err != nil {
		return outcome{}, err
	}
	stop.Store(true)
	return out, <-ended
}

// room is connections that hear what the first of them says.
type room struct {
	clients []*client
	arrived atomic.Int64  // messages, at all connections together
	due     atomic.Int64  // how many will have arrived when the burst has
	all     chan struct{} // gets one when it has
	last    atomic.Int64  // how many messages each connection is to hear
	failed  chan struct{} // closed when nothing more can come of this
	once    sync.Once
}

// enter waits for a pong: then the server reads from the connection, and has
// it among those that hear.
func (r *room) enter(c *client) error {
	c.want = messageOf(0, message)
	if err := c.Send(wire.Fin|wire.Ping, nil); err != nil {
		return err
	}
	if f, err := c.Next(); err != nil || f.Opcode != wire.Pong {
		return fmt.Errorf("wait for a pong: got opcode %d, %w", f.Opcode, err)
	}
	return nil
}

// listen reads what is said, which is the same for all, and then leaves.
func (r *room) listen(c *client) error {
	for c.heard.Load() < r.last.Load() {
		before := c.heard.Load()
		if err := c.reply(); err != nil {
			return err
		}
		if c.heard.Load() > before && r.arrived.Add(1) == r.due.Load() {
			r.all <- struct{}{}
		}
	}
	return c.leave()
}

// speak sends bursts until stop, and then one message more, the last.
func (r *room) speak(c *client, burst int, stop *atomic.Bool) error {
	for said := int64(0); ; said += int64(burst) {
		if stop.Load() {
			burst = 1
			r.last.Store(said + 1)
		}
		r.due.Add(int64(burst * len(r.clients)))
		for range burst {
			c.put()
		}
		if err := c.flush(); err != nil {
			return err
		}
		select {
		case <-r.all:
		case <-r.failed:
			return nil // somebody else says why
		}
		if said+int64(burst) == r.last.Load() {
			return nil
		}
	}
}

// fail ends all connections, so that nobody waits.
func (r *room) fail() {
	r.once.Do(func() {
		close(r.failed)
		closeAll(r.clients)
	})
}
