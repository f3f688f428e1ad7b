package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
	"github.com/flowrun/flowrun/tests/wire"
)

// feed is what comes in at one place of a server and leaves, in another form,
// at another: messages that are sent round and round, and what each becomes.
type feed struct {
	in, out [][]byte
	sent    int
	heard   int
}

// The places of a server where a feed comes in and leaves.
const (
	feedIn  = "/in"
	feedOut = "/out"
)

// fed measures a server between one that sends and one that hears, with so many
// messages under way. Order, number and bytes of all that is heard are compared.
func (b *bench) fed(ctx context.Context, c kase, s *server, connector string) (f figure, err error) {
	messages, err := c.messages()
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.window+patience)
	defer cancel()
	addr, err := s.Listening(ctx, connector)
	if err != nil {
		return f, err
	}
	hears, err := wire.Dial(ctx, addr, feedOut)
	if err != nil {
		return f, err
	}
	defer hears.Close() //nolint:errcheck // it was read only
	sends, err := wire.Dial(ctx, s.addr, feedIn)
	if err != nil {
		return f, err
	}
	defer sends.Close() //nolint:errcheck // what was sent has been heard
	deadline, _ := ctx.Deadline()
	_ = hears.SetDeadline(deadline)
	_ = sends.SetDeadline(deadline)

	// Who has been answered a ping is among those who hear.
	if err := hears.Send(wire.Fin|wire.Ping, nil); err != nil {
		return f, err
	}
	if _, err := hears.Next(); err != nil {
		return f, err
	}
	return messages.figure(b, c, s, sends, func(dst, message []byte) []byte { return wire.AppendFrame(dst, wire.Fin|wire.Binary, message) }, hears)
}

// ear is where messages leave a server.
type ear interface {
	Next() (wire.Frame, error)
	Ready() bool
	Send(first byte, payload []byte) error
}

// figure measures, once some messages have passed. spell appends a message as it is
// sent.
func (f *feed) figure(b *bench, c kase, s *server, sends io.Writer, spell func(dst, message []byte) []byte, hears ear) (r figure, err error) {
	if err := f.run(sends, spell, hears, c.depth, min(b.window/4, 500*time.Millisecond)); err != nil {
		return r, err
	}
	before, begun := f.heard, time.Now()
	used, err := usage.CPU(s.PID())
	if err != nil {
		return r, err
	}
	if err := f.run(sends, spell, hears, c.depth, b.window); err != nil {
		return r, err
	}
	after, err := usage.CPU(s.PID())
	if err != nil {
		return r, err
	}
	took, n := time.Since(begun), f.heard-before
	r.Messages, r.PerSecond = int64(n), float64(n)/took.Seconds()
	r.Cost, r.ServerBusy = float64((after-used).Nanoseconds())/1000/float64(n), float64(after-used)/float64(took)
	return r, nil
}

// run sends for a while, and hears all that was sent.
func (f *feed) run(sends io.Writer, spell func(dst, message []byte) []byte, hears ear, depth int, window time.Duration) error {
	var burst []byte
	for end := time.Now().Add(window); f.heard < f.sent || time.Now().Before(end); {
		burst = burst[:0]
		for ; f.sent < f.heard+depth && time.Now().Before(end); f.sent++ {
			burst = spell(burst, f.in[f.sent%len(f.in)])
		}
		if _, err := sends.Write(burst); err != nil {
			return fmt.Errorf("send message %d: %w", f.sent, err)
		}
		for more := f.heard < f.sent; more; more = hears.Ready() {
			if err := f.hear(hears); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *feed) hear(c ear) error {
	frame, err := c.Next()
	switch want := f.out[f.heard%len(f.out)]; {
	case err != nil:
		return fmt.Errorf("wait for message %d: %w", f.heard+1, err)
	case frame.Opcode == wire.Ping:
		return c.Send(wire.Fin|wire.Pong, frame.Payload)
	case !bytes.Equal(frame.Payload, want):
		return fmt.Errorf("message %d is %q, and should be %q", f.heard+1, frame.Payload, want)
	}
	f.heard++
	return nil
}
