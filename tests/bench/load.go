package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/wire"
)

// message is the payload of connection 0's message 0: 143 bytes of JSON and
// the newline. The numbers are patched in place.
var message = []byte(`{"conn":"00000","seq":"0000000000","symbol":"EURUSD","price":1.08342,"size":250000,` +
	`"side":"buy","venue":"XTKS","tags":["a","b"],"note":"01234"}` + "\n")

const (
	connAt, connDigits = 9, 5
	seqAt, seqDigits   = 23, 10
)

// messageOf makes message 0 of a connection out of that of connection 0.
func messageOf(connection int, zero []byte) []byte {
	m := bytes.Clone(zero)
	copy(m[connAt:], fmt.Sprintf("%0*d", connDigits, connection))
	return m
}

// advance turns a message into the next one of its connection.
func advance(m []byte) {
	for i := seqAt + seqDigits - 1; i >= seqAt; i-- {
		if m[i] != '9' {
			m[i]++
			return
		}
		m[i] = '0'
	}
}

// client is one connection and what it expects to hear next.
type client struct {
	*wire.Conn
	next, want []byte
	out        []byte
	inFlight   int
	heard      atomic.Int64 // messages
}

// dial opens a connection. The system gives out some 28,000 ports per source
// address, so every 10,000 connections come from another one.
func dial(ctx context.Context, o order, number int) (*client, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+number/10_000))}}
	c, err := d.DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline) // nothing blocks for longer than the whole run may last
	w, err := wire.Handshake(c, o.Path)
	if err != nil {
		return nil, err
	}
	want := message
	if o.Reply != "" {
		want = []byte(o.Reply)
	}
	return &client{Conn: w, next: messageOf(number, message), want: messageOf(number, want)}, nil
}

// dialAll opens connections, a few at a time.
func dialAll(ctx context.Context, o order, count int) ([]*client, error) {
	clients := make([]*client, count)
	err := together(count, 32, func(i int) (err error) {
		clients[i], err = dial(ctx, o, i)
		return err
	})
	return clients, err
}

func closeAll(clients []*client) {
	for _, c := range clients {
		if c != nil {
			_ = c.Close()
		}
	}
}

// together calls do for 0 to count-1, at most limit at a time, and returns
// the first error.
func together(count, limit int, do func(i int) error) error {
	var (
		wg    sync.WaitGroup
		first atomic.Pointer[error]
		turn  = make(chan struct{}, limit)
	)
	for i := range count {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			if err := do(i); err != nil {
				first.CompareAndSwap(nil, &err)
			}
		})
	}
	wg.Wait()
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}

// put adds a message to those that flush will send.
func (c *client) put() {
	c.out = wire.AppendFrame(c.out, wire.Fin|wire.Text, c.next)
	advance(c.next)
	c.inFlight++
}

func (c *client) flush() error {
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// reply reads one reply and compares it with what it must be.
func (c *client) reply() error {
	f, err := c.Next()
	switch {
	case err != nil:
		return fmt.Errorf("wait for %s: %w", c.want[:len(c.want)-1], err)
	case f.Opcode == wire.Ping:
		return c.Send(wire.Fin|wire.Pong, f.Payload)
	case f.Opcode == wire.Close:
		return fmt.Errorf("the server closed with %d", f.Code())
	case !f.Fin || f.Opcode != wire.Text || !bytes.Equal(f.Payload, c.want):
		return fmt.Errorf("wrong reply: expected text %q, got opcode %d, fin %t, %q", c.want, f.Opcode, f.Fin, f.Payload)
	}
	advance(c.want)
	c.inFlight--
	c.heard.Add(1)
	return nil
}

// pingPong keeps depth messages in flight until stop, then waits for the last
// replies and leaves. Whatever comes beyond what was sent is an error.
func (c *client) pingPong(depth int, stop *atomic.Bool) error {
	for range depth {
		c.put()
	}
	for c.inFlight > 0 {
		if err := c.flush(); err != nil {
			return err
		}
		for more := true; more && c.inFlight > 0; more = c.Ready() {
			before := c.inFlight
			if err := c.reply(); err != nil {
				return err
			}
			if c.inFlight < before && !stop.Load() {
				c.put()
			}
		}
	}
	return c.leave()
}

// leave closes the connection as one should.
func (c *client) leave() error {
	answer, before, err := c.Leave(1000)
	switch {
	case err != nil:
		return fmt.Errorf("wait for the answer to close: %w", err)
	case answer != 1000:
		return fmt.Errorf("the server answered close 1000 with %d", answer)
	}
	for _, f := range before {
		if f.Opcode != wire.Ping {
			return fmt.Errorf("got more than was sent: opcode %d, %q", f.Opcode, f.Payload)
		}
	}
	return c.Close()
}

// busy keeps o.Depth messages in flight on each connection and reads the
// server's clock at the borders of the window.
func busy(ctx context.Context, o order) (outcome, error) {
	clients, err := dialAll(ctx, o, o.Connections)
	defer closeAll(clients)
	if err != nil {
		return outcome{}, err
	}
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		ended <- together(len(clients), len(clients), func(i int) error { return clients[i].pingPong(o.Depth, &stop) })
	}()
	out, err := o.watch(clients, ended)
	if err != nil {
		return outcome{}, err
	}
	stop.Store(true)
	return out, <-ended
}

// watch reads the server's clock at the borders of the window, after some time
// to warm up in which, too, no connection may end.
func (o order) watch(clients []*client, ended <-chan error) (outcome, error) {
	warmUp := min(o.Window/4, 500*time.Millisecond)
	if err := during(warmUp, ended); err != nil {
		return outcome{}, err
	}
	start := time.Now()
	sumBefore := sum(clients)
	cpuBefore, err := process.CPU(o.PID)
	if err != nil {
		return outcome{}, err
	}
	if err := during(o.Window, ended); err != nil {
		return outcome{}, err
	}
	cpuAfter, err := process.CPU(o.PID)
	if err != nil {
		return outcome{}, err
	}
	return outcome{Messages: sum(clients) - sumBefore, CPU: cpuAfter - cpuBefore, Took: time.Since(start)}, nil
}

// during lets time pass in which no connection may end.
func during(d time.Duration, ended <-chan error) error {
	select {
	case <-time.After(d):
		return nil
	case err := <-ended:
		if err == nil {
			err = errors.New("the connections ended too early")
		}
		return err
	}
}

func sum(clients []*client) (n int64) {
	for _, c := range clients {
		n += c.heard.Load()
	}
	return n
}
