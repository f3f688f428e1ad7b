package main

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

// idle opens connections that say nothing and reads what they cost the server
// in memory; then once more after each has echoed one message.
func idle(ctx context.Context, o order) (outcome, error) {
	// A few connections first, so that the code and the pools which any
	// connection needs are not charged to those that are counted.
	first, err := dialAll(ctx, o, 8)
	if err == nil {
		err = echoOnce(first)
	}
	closeAll(first)
	if err != nil {
		return outcome{}, err
	}
	before, err := settled(ctx, o.PID, min(time.Second, o.Window))
	if err != nil {
		return outcome{}, err
	}
	clients, err := dialAll(ctx, o, o.Connections)
	defer closeAll(clients)
	if err != nil {
		return outcome{}, err
	}
	open, err := settled(ctx, o.PID, min(time.Second, o.Window))
	if err != nil {
		return outcome{}, err
	}
	if err := echoOnce(clients); err != nil {
		return outcome{}, err
	}
	echoed, err := settled(ctx, o.PID, min(time.Second, o.Window))
	if err != nil {
		return outcome{}, err
	}
	err = together(len(clients), 32, func(i int) error { return clients[i].leave() })
	return outcome{Idle: open - before, Echoed: echoed - before}, err
}

func echoOnce(clients []*client) error {
	return together(len(clients), 32, func(i int) error {
		c := clients[i]
		c.put()
		if err := c.flush(); err != nil {
			return err
		}
		for c.inFlight > 0 {
			if err := c.reply(); err != nil {
				return err
			}
		}
		return nil
	})
}

// settled returns the server's memory when it has not changed by more than a
// percent for as long as calm says.
func settled(ctx context.Context, pid int, calm time.Duration) (int64, error) {
	const step = 50 * time.Millisecond
	var reference int64
	for since := time.Now(); time.Since(since) < calm; {
		rss, err := process.RSS(pid)
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
	return process.RSS(pid)
}
