package socket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// held is a connection of a group, in a bubble of time, and its peer.
type held struct {
	conn  *Conn
	there net.Conn
	ended chan error
}

func hold(t *testing.T, o Options) *held {
	t.Helper()
	o.MaxMessage, o.MaxFragments = 1000, 10
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 10 * time.Second
	}
	here, there := net.Pipe()
	g := NewGroup(o)
	h := &held{New(here, nil, g), there, make(chan error, 1)}
	g.Add(h.conn)
	go func() {
		err := h.conn.Receive(owner(func(frames []flow.Frame) { _ = h.conn.Write(t.Context(), frames, true) }))
		h.conn.Goodbye(err)
		h.conn.HangUp()
		g.Remove(h.conn)
		h.ended <- err
	}()
	t.Cleanup(func() { _ = there.Close() })
	return h
}

// next reads a frame of the server.
func (h *held) next(t *testing.T) (opcode byte, payload []byte) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(h.there, head[:]); err != nil {
		t.Fatal(err)
	}
	payload = make([]byte, head[1])
	if _, err := io.ReadFull(h.there, payload); err != nil {
		t.Fatal(err)
	}
	return head[0] & frame.OpcodeBits, payload
}

// expectClose reads up to the close frame.
func (h *held) expectClose(t *testing.T, code int) {
	t.Helper()
	for {
		if opcode, payload := h.next(t); opcode == frame.Close {
			if got := int(binary.BigEndian.Uint16(payload)); got != code {
				t.Errorf("closed with %d %q, want %d", got, payload[2:], code)
			}
			return
		}
	}
}

func TestPingsMeasureAndKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t, Options{PingInterval: time.Minute, PingTimeout: 10 * time.Second, CloseTimeout: time.Second})
		begin := time.Now()
		const rtt = 30 * time.Millisecond
		for i := range 5 {
			opcode, payload := h.next(t)
			if at := time.Since(begin); opcode != frame.Ping || at > time.Duration(i+1)*time.Minute || i > 0 && at < time.Duration(i)*time.Minute/2 {
				t.Fatalf("frame %x after %v, want the %dth ping", opcode, at, i+1)
			}
			time.Sleep(rtt)
			if _, err := h.there.Write(masked(nil, frame.Fin|frame.Pong, 1, payload)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if last, smoothed := h.conn.RoundTrip(); last != rtt || smoothed != rtt {
				t.Errorf("measured %v, smoothed %v, want %v", last, smoothed, rtt)
			}
		}
		_ = h.there.Close()
		if err := <-h.ended; !CutOff(err) {
			t.Error(err)
		}
	})
}

// Dead is from whom nothing came within timeout after a ping: at most interval
// and timeout after the last sign of life, whatever that was.
func TestADeadPeerIsPartedFrom(t *testing.T) {
	for _, alive := range []time.Duration{0, time.Second, 61 * time.Second, 125 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			const interval, timeout = 20 * time.Second, 5 * time.Second
			h := hold(t, Options{PingInterval: interval, PingTimeout: timeout, CloseTimeout: time.Second})
			begin := time.Now()
			var last atomic.Int64
			go func() { // sends, and never answers
				for ; time.Since(begin) < alive; time.Sleep(time.Second) {
					if _, err := h.there.Write(masked(nil, frame.Fin|frame.Pong, 1, []byte("unasked"))); err != nil {
						t.Error(err)
					}
					last.Store(int64(time.Since(begin)))
				}
			}()
			h.expectClose(t, internalError)
			if took := time.Since(begin) - time.Duration(last.Load()); took > interval+timeout || took < timeout {
				t.Errorf("alive for %v, parted from %v later", alive, took)
			}
			if err := <-h.ended; !errors.Is(err, ErrDead) {
				t.Error(err)
			}
		})
	}
}

// While the flow is busy with a message, nobody reads whether the peer is there.
func TestABusyFlowMakesNobodyDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{PingInterval: time.Second, PingTimeout: time.Second, IdleTimeout: 5 * time.Second, MaxMessage: 100, MaxFragments: 1, WriteTimeout: time.Second}
		here, there := net.Pipe()
		g := NewGroup(o)
		c := New(here, nil, g)
		g.Add(c)
		ended := make(chan error)
		go func() {
			ended <- c.Receive(owner(func([]flow.Frame) { time.Sleep(time.Minute) }))
			g.Remove(c)
		}()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		if _, err := there.Write(masked(nil, frame.Fin|frame.Text, 1, []byte("work"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if why := c.Parted(); why != nil {
			t.Errorf("parted: %+v", why)
		}
		_ = there.Close()
		if err := <-ended; !CutOff(err) {
			t.Error(err)
		}
	})
}

func TestWhoIsIdleIsPartedFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t, Options{IdleTimeout: 20 * time.Second, CloseTimeout: time.Second})
		begin := time.Now()
		for range 5 {
			time.Sleep(15 * time.Second)
			if _, err := h.there.Write(masked(nil, frame.Fin|frame.Text, 1, []byte("here"))); err != nil {
				t.Fatal(err)
			}
			if _, payload := h.next(t); !bytes.Equal(payload, []byte("here")) {
				t.Fatalf("%q", payload)
			}
		}
		h.expectClose(t, goingAway)
		if took := time.Since(begin) - 75*time.Second; took < 19*time.Second || took > 21*time.Second {
			t.Errorf("parted from after %v", took)
		}
		if why := h.conn.Parted(); !errors.Is(why.Cause, ErrIdle) {
			t.Errorf("%+v", why)
		}
		_ = h.there.Close()
		<-h.ended
	})
}

// On a busy machine the sweep may come late, and the reader may wait for its turn:
// who has sent something is neither idle nor dead.
func TestALateSweepFindsNobodyIdleOrDead(t *testing.T) {
	const timeout, late = 10 * time.Second, int64(time.Hour)
	here, there := tcp(t)
	c := New(here, nil, NewGroup(Options{IdleTimeout: timeout, PingInterval: timeout, PingTimeout: timeout, MaxMessage: 100, MaxFragments: 1}))
	c.joined(1)
	c.Idle() // as the reader is
	c.alive.due = 2 * late
	sweep := func(now int64, idle bool) {
		t.Helper()
		if c.keepAlive(now, 1); (c.Parted() != nil) != idle {
			t.Errorf("at %v: %+v", time.Duration(now), c.Parted())
		}
	}
	sweep(late, false)
	sweep(late+int64(timeout)-2, false)

	if _, err := there.Write(masked(nil, frame.Fin|frame.Pong, 1, nil)); err != nil {
		t.Fatal(err)
	}
	for !nonblock.HasNews(here) {
		runtime.Gosched()
	}
	c.alive.asked.Store(late)
	sweep(late+int64(timeout), false)
	if _, err := io.ReadFull(here, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	sweep(late+int64(timeout), true)
}

// BenchmarkSweep is a sweep over connections that are pinged, none of them now.
func BenchmarkSweep(b *testing.B) {
	g := NewGroup(Options{PingInterval: time.Hour, PingTimeout: time.Hour, IdleTimeout: time.Hour, WriteTimeout: time.Hour})
	var all []*Conn
	for range 10_000 {
		c := New(&script{}, nil, g)
		c.joined(1)
		all = append(all, c)
	}
	b.ReportAllocs()
	for now := int64(1); b.Loop(); now++ {
		for _, c := range all {
			c.swept(now, 1)
		}
	}
}
