package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
	"github.com/flowrun/flowrun/tests/wire"
)

// others are those who are connected beside the ones that are measured.
type others struct {
	idle int // do nothing, but answer pings
	slow int // read slowBytes each second of what all are sent
}

// slowBytes is what a slow client reads in a second.
const slowBytes = 10

// perSecond is how many messages the active send together.
const perSecond = 2000

// crowded measures how long the answers to the active take, in microseconds, at
// the 99th percentile: by themselves, or beside the others.
func (b *bench) crowded(ctx context.Context, c kase, s *server, beside others) (f figure, err error) {
	crowd := crowd{server: s}
	if beside != (others{}) {
		before, err := usage.RSS(s.PID())
		if err != nil {
			return f, err
		}
		if err := crowd.come(ctx, c.path(), beside); err != nil {
			return f, fmt.Errorf("the crowd: %w", err)
		}
		defer func() {
			if left := crowd.leave(); err == nil {
				err = left
			}
		}()
		after, err := settled(ctx, s.PID(), min(time.Second, b.window))
		if err != nil {
			return f, err
		}
		f.Memory = float64(after-before) / 1024 / float64(beside.idle+beside.slow)
	}
	out, err := b.load(ctx, c, s, "")
	if err != nil {
		return f, err
	}
	f.Cost, f.PerSecond, f.Messages, f.ServerBusy = out.Latency.P99, out.MessagesPerSecond, out.Messages, out.Server.Processors
	return f, nil
}

// crowd is all those who do nothing, and those who read slowly.
type crowd struct {
	server *server
	idle   []*wire.Conn
	cancel context.CancelFunc
	all    sync.WaitGroup
	cut    atomic.Int64 // slow ones that the server has disconnected
	err    atomic.Pointer[error]
}

func (c *crowd) come(ctx context.Context, path string, n others) error {
	ctx, c.cancel = context.WithCancel(ctx)
	news, err := c.server.Listening(ctx, "news")
	if err != nil {
		return err
	}
	if c.idle, err = dialAll(ctx, c.server.addr, path, n.idle); err != nil {
		return err
	}
	for _, conn := range c.idle {
		_ = conn.SetDeadline(time.Time{})
		c.all.Go(func() { c.failed(stay(ctx, conn)) })
	}
	for range n.slow {
		c.all.Go(func() {
			for ctx.Err() == nil {
				c.failed(c.dawdle(ctx, news))
			}
		})
	}
	return nil
}

// leave ends the crowd, and tells what has gone wrong in it.
func (c *crowd) leave() error {
	c.cancel()
	closeAll(c.idle)
	c.all.Wait()
	if err := c.err.Load(); err != nil {
		return fmt.Errorf("the crowd: %w", *err)
	}
	if c.cut.Load() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := c.server.Stderr.Wait(ctx, func(text string) bool { return strings.Contains(text, "a slow consumer is disconnected") })
	if err != nil {
		return fmt.Errorf("the server has cut slow clients off, and not for being slow: %w", err)
	}
	return nil
}

func (c *crowd) failed(err error) {
	if err != nil {
		c.err.CompareAndSwap(nil, &err)
	}
}

// stay answers pings until the crowd leaves.
func stay(ctx context.Context, conn *wire.Conn) error {
	for {
		f, err := conn.Next()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("a client that did nothing was cut off: %w", err)
		case f.Opcode == wire.Ping:
			if err := conn.Send(wire.Fin|wire.Pong, f.Payload); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a client that did nothing was sent opcode %d: %q", f.Opcode, f.Payload)
		}
	}
}

// dawdle reads a few bytes each second until the server has had enough of it.
func (c *crowd) dawdle(ctx context.Context, addr string) error {
	conn, err := wire.Dial(ctx, addr, "/")
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer conn.Close()
	if err := conn.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	few := make([]byte, slowBytes)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Conn.Read(few); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				continue
			}
			c.cut.Add(1)
			return nil // whatever way it ended: it would take hours to read the close frame
		}
	}
}
