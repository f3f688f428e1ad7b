package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
	"github.com/flowrun/flowrun/tests/wire"
)

// idle opens connections that say nothing and reads what they cost the server
// in memory, in bytes; then once more after each has echoed one message.
func (b *bench) idle(ctx context.Context, c kase, s *server) (open, echoed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A few connections first, so that the code and the pools which any
	// connection needs are not charged to those that are counted.
	first, err := dialAll(ctx, s.addr, c.path(), 8)
	if err == nil {
		err = together(first, echoOnce)
	}
	closeAll(first)
	if err != nil {
		return 0, 0, err
	}
	calm := min(time.Second, b.window)
	before, err := settled(ctx, s.PID(), calm)
	if err != nil {
		return 0, 0, err
	}
	all, err := dialAll(ctx, s.addr, c.path(), c.connections)
	defer closeAll(all)
	if err != nil {
		return 0, 0, err
	}
	if open, err = settled(ctx, s.PID(), calm); err != nil {
		return 0, 0, err
	}
	if err = together(all, echoOnce); err != nil {
		return 0, 0, err
	}
	echoed, err = settled(ctx, s.PID(), calm)
	return open - before, echoed - before, err
}

// dialAll opens connections, a few at a time.
func dialAll(ctx context.Context, addr, path string, count int) ([]*wire.Conn, error) {
	all := make([]*wire.Conn, count)
	places := make([]**wire.Conn, count)
	for i := range all {
		places[i] = &all[i]
	}
	err := together(places, func(place **wire.Conn) (err error) {
		if *place, err = wire.Dial(ctx, addr, path); err == nil {
			deadline, _ := ctx.Deadline()
			err = (*place).SetDeadline(deadline)
		}
		return err
	})
	return all, err
}

func closeAll(all []*wire.Conn) {
	for _, c := range all {
		if c != nil {
			_ = c.Close()
		}
	}
}

// echoOnce sends a message and compares what comes back.
func echoOnce(c *wire.Conn) error {
	if err := c.Send(wire.Fin|wire.Text, []byte(message)); err != nil {
		return err
	}
	for {
		f, err := c.Next()
		switch {
		case err != nil:
			return fmt.Errorf("wait for an echo: %w", err)
		case f.Opcode == wire.Ping:
			if err := c.Send(wire.Fin|wire.Pong, f.Payload); err != nil {
				return err
			}
		case f.Fin && f.Opcode == wire.Text && bytes.Equal(f.Payload, []byte(message)):
			return nil
		default:
			return fmt.Errorf("wrong reply: opcode %d, %q", f.Opcode, f.Payload)
		}
	}
}

// together does something with all of them, a few at a time.
func together[T any](all []T, do func(T) error) error {
	var (
		wg   sync.WaitGroup
		errs = make([]error, len(all))
		turn = make(chan struct{}, 32)
	)
	for i, one := range all {
		turn <- struct{}{}
		wg.Go(func() {
			errs[i] = do(one)
			<-turn
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// settled returns the server's memory when it has not changed by more than a
// percent for as long as calm says.
func settled(ctx context.Context, pid int, calm time.Duration) (int64, error) {
	const step = 50 * time.Millisecond
	var reference int64
	for since := time.Now(); time.Since(since) < calm; {
		rss, err := usage.RSS(pid)
		if err != nil {
			return 0, err
		}
		if change := rss - reference; change > reference/100 || change < -reference/100 {
			reference, since = rss, time.Now()
		}
		select {
		case <-time.After(step):
		case <-ctx.Done():
			return 0, errors.New("the server's memory does not settle")
		}
	}
	return usage.RSS(pid)
}
