package socket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection, and its other side.
func pair(t testing.TB, o Options) (*Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = other.Close(), nc.Close() })
	_ = other.SetDeadline(time.Now().Add(2 * time.Minute))
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 2 * time.Minute
	}
	g := NewGroup(o)
	c := New(nc, g)
	g.Add(c)
	t.Cleanup(func() { g.Remove(c) })
	return c, other.(*net.TCPConn)
}

// echo sends back what comes.
type echo struct {
	c      *Conn
	frames [1]flow.Frame
}

func (e *echo) Deliver(p []byte) {
	e.frames[0].Data = p
	_ = e.c.Write(context.Background(), e.frames[:], true)
}
func (*echo) Finish() {}
func (*echo) Settle() {}
func (*echo) Leave()  {}
func (*echo) Drain()  {}

// serve echoes until the connection ends.
func serve(t testing.TB, c *Conn) (ended chan error) {
	ended = make(chan error, 1)
	go func() {
		err := c.Receive(&echo{c: c})
		c.HangUp(err)
		ended <- err
	}()
	t.Cleanup(func() {
		c.Abandon()
		ended <- <-ended
	})
	return ended
}

func TestEchoAllocatesNothing(t *testing.T) {
	c, other := pair(t, Options{})
	serve(t, c)
	message, answer := bytes.Repeat([]byte("x"), 143), make([]byte, 143)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := other.Write(message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(other, answer); err != nil {
			t.Fatal(err)
		}
	}); n > 0 && !raceDetector {
		t.Errorf("an echoed message allocates %v times", n)
	}
}

// A write that was not taken whole tells how many frames were, whichever way it was
// tried.
func TestWhatWasWritten(t *testing.T) {
	const size = 1 << 10
	frames := make([]flow.Frame, 50_000)
	for i := range frames {
		frames[i].Data = bytes.Repeat([]byte{byte(i)}, size)
	}
	for name, write := range map[string]func(t *testing.T, c *Conn, read func()) error{
		"at once, then waiting": func(t *testing.T, c *Conn, read func()) error {
			taken, sent, err := c.TryWrite(frames)
			read() // now that there is no room any more
			if !taken || sent || err != nil {
				t.Fatalf("taken %v, sent %v, %v", taken, sent, err)
			}
			return c.Flush(t.Context())
		},
		"waiting": func(t *testing.T, c *Conn, read func()) error {
			read()
			return c.Write(t.Context(), frames, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, other := pair(t, Options{})
			read, returned := make(chan int64), make(chan struct{})
			err := write(t, c, func() {
				go func() {
					n, _ := io.CopyN(io.Discard, other, 20<<20)
					c.Part(Farewell{Abort: true})
					<-returned // a write that never has to wait goes on to its end
					rest, _ := io.Copy(io.Discard, other)
					read <- n + rest
				}()
			})
			close(returned)
			var we *flow.WriteError
			if !errors.As(err, &we) {
				t.Fatalf("it returned %v", err)
			}
			_ = c.Socket.Close() // in peace: what the socket has taken arrives
			if n := <-read; n/size != int64(we.Written) {
				t.Errorf("%d frames were written, and %d have arrived", we.Written, n/size)
			}
		})
	}
}

func TestNothingFollowsTheEnd(t *testing.T) {
	c, other := pair(t, Options{Type: "x", CloseTimeout: time.Second})
	ended := serve(t, c)
	closing := flow.ObjectOf(flow.Field{Key: "x", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "close", Value: flow.MapOf(flow.ObjectOf())}))})
	err := c.Write(t.Context(), []flow.Frame{{Data: []byte("a")}, {Data: []byte("b"), Meta: closing}, {Data: []byte("c")}}, false)
	if we := (*flow.WriteError)(nil); !errors.As(err, &we) || we.Written != 2 || !errors.Is(err, flow.ErrGone) {
		t.Errorf("it returned %v", err)
	}
	if got, err := io.ReadAll(other); err != nil || string(got) != "ab" {
		t.Errorf("%q came, %v", got, err)
	}
	_ = other.Close()
	if err := <-ended; !errors.Is(err, io.EOF) || c.Cause(err) != flow.EndedByFlow {
		t.Errorf("it ended with %v, %v", err, c.Cause(err))
	} else {
		ended <- err
	}
}

func TestAPanicCostsItsConnection(t *testing.T) {
	c, other := pair(t, Options{})
	ended := make(chan error, 1)
	go func() { ended <- c.Receive(&panics{}) }()
	if _, err := io.WriteString(other, "x"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrPanicked) || c.Cause(err) != flow.EndedFault {
		t.Errorf("it ended with %v", err)
	}
}

type panics struct{ echo }

func (*panics) Deliver([]byte) { panic("no") }

// What has come when this side ends is delivered, also when the peer is not waited for.
func TestWhatCameMeanwhileIsDelivered(t *testing.T) {
	c, other := pair(t, Options{})
	c.Part(Farewell{Why: flow.EndedDrain})
	o := &drains{drain: func() {
		if _, err := io.WriteString(other, "late"); err != nil {
			t.Error(err)
		}
		for !nonblock.HasNews(c.Socket) {
			runtime.Gosched()
		}
	}}
	if err := c.Receive(o); !errors.Is(err, errStays) || o.got != "late" {
		t.Errorf("%q was delivered, it ended with %v", o.got, err)
	}
}

type drains struct {
	echo
	drain  func()
	settle func()
	got    string
}

func (d *drains) Settle() {
	if d.settle != nil {
		d.settle()
	}
}

func (d *drains) Deliver(p []byte) { d.got += string(p) }
func (d *drains) Drain() {
	if d.drain != nil {
		d.drain()
	}
}

// A peer that says something while this side waits for others to end, and is never
// answered, is not left to believe that it was heard. One that was sent something gets
// all of that, and sees what is missing.
func TestWhoIsNotHeardIsTold(t *testing.T) {
	for name, spoke := range map[string]bool{"never spoken to": false, "spoken to": true} {
		t.Run(name, func(t *testing.T) {
			c, other := pair(t, Options{})
			if spoke {
				if err := c.Write(t.Context(), []flow.Frame{{Data: []byte("hello")}}, false); err != nil {
					t.Fatal(err)
				}
			}
			c.Part(Farewell{Settle: true, Why: flow.EndedDrain})
			err := c.Receive(&drains{settle: func() {
				if _, err := io.WriteString(other, "late"); err != nil {
					t.Error(err)
				}
				for !c.Unread() {
					runtime.Gosched()
				}
			}})
			if c.Cause(err) != flow.EndedDrain || c.Reason(err) != nil {
				t.Errorf("it ended with %v: %v, %v", err, c.Cause(err), c.Reason(err))
			}
			c.HangUp(err)
			got, err := io.ReadAll(other)
			if spoke && (err != nil || string(got) != "hello") || !spoke && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%q came, and %v", got, err)
			}
		})
	}
}
