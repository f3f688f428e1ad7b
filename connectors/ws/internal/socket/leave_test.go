package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// recorder is an owner that keeps what it is given, and does something when it is
// about to say goodbye.
type recorder struct {
	got   []string
	drain func()
}

func (r *recorder) Deliver(frames []flow.Frame) {
	for _, f := range frames {
		r.got = append(r.got, string(f.Data))
	}
}
func (*recorder) Answered(time.Duration) {}
func (*recorder) Settle()                {}
func (*recorder) Leave()                 {}
func (r *recorder) Drain()               { r.drain() }

// tcp returns both ends of a connection.
func tcp(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if there, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr)); err != nil {
		t.Fatal(err)
	}
	if here, err = l.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = here.Close()
		_ = there.Close()
	})
	return here, there
}

// What has come when a connection ends is delivered, also when it comes after
// the close frame, and whether the peer is waited for or not.
func TestWhatArrivesWhileClosingIsDelivered(t *testing.T) {
	for _, timeout := range []time.Duration{0, 20 * time.Second} {
		t.Run(fmt.Sprint(timeout), func(t *testing.T) {
			here, there := tcp(t)
			g := NewGroup(Options{MaxMessage: 1000, MaxFragments: 10, WriteTimeout: 20 * time.Second, CloseTimeout: timeout})
			c := New(here, nil, g)
			g.Add(c)
			send := func(text string) {
				if _, err := there.Write(masked(nil, frame.Fin|frame.Text, 1, []byte(text))); err != nil {
					t.Error(err)
				}
			}
			send("before")
			c.Part(Farewell{Code: goingAway, Reason: "bye"})
			r := &recorder{drain: func() { send("meanwhile") }}
			heard := make(chan string, 1)
			go func() { // answers the close frame after a last word, or never
				h := &held{there: there}
				h.expectClose(t, goingAway)
				if timeout > 0 {
					send("late")
					_, _ = there.Write(masked(nil, frame.Fin|frame.Close, 1, frame.ClosePayload(goingAway, "")))
				}
				rest, err := io.ReadAll(there)
				heard <- fmt.Sprintf("%q %v", rest, err)
			}()
			err := c.Receive(r)
			c.Goodbye(err)
			c.HangUp()
			g.Remove(c)
			want := []string{"before", "meanwhile"}
			if timeout > 0 {
				want = append(want, "late")
			}
			if fmt.Sprint(r.got) != fmt.Sprint(want) {
				t.Errorf("delivered %q, want %q", r.got, want)
			}
			if _, closed := Closed(err); closed != (timeout > 0) || !closed && !errors.Is(err, errNoClose) {
				t.Errorf("ended with %v", err)
			}
			if got := <-heard; got != `"" <nil>` {
				t.Errorf("after the close frame, the peer reads %s", got)
			}
		})
	}
}
