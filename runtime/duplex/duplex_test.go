package duplex

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// plain is a connection that carries bytes.
type plain struct{ Conn }

func (*plain) Room() []byte           { return make([]byte, 100) }
func (*plain) Release()               {}
func (*plain) PartBehind(*flow.Frame) {}
func (p *plain) Put(f *flow.Frame) (last bool, err error) {
	page, err := p.Page()
	if err == nil {
		page.Buf = append(page.Buf, f.Data...)
		page.End()
	}
	return false, err
}

// tcp returns both ends of a connection.
func tcp(t *testing.T) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if there, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if here, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = here.Close()
		_ = there.Close()
	})
	return here, there
}

// A write for which there is room only waits for its turn, and is no fault of
// the peer's.
func TestOnlyAFullSocketIsStuck(t *testing.T) {
	for _, secure := range []bool{false, true} {
		here, _ := tcp(t)
		nc := here
		if secure {
			nc = tls.Server(here, &tls.Config{}) //nolint:gosec // nothing is sent by it
		}
		c := &plain{}
		c.Begin(nc, c)
		c.writing.Store(1)
		if c.IsStuck(1000, 10) {
			t.Errorf("TLS %v: an empty socket counts as full", secure)
		}
		w, junk := nonblock.NewWriter(nonblock.Of(here)), make([]byte, 1<<16)
		flowtest.Until(t, fmt.Sprintf("a full socket counts as full, TLS %v", secure), func() bool {
			for n := 1; n > 0; { // more, while its peer takes something
				var err error
				if n, err = w.Write(junk); err != nil {
					t.Fatal(err)
				}
			}
			return c.IsStuck(1000, 10)
		})
	}
}

// Whatever of a page has been taken, in which pieces, it is known which of the last
// frames have been taken whole, and what is the rest of one that has begun.
func TestPage(t *testing.T) {
	const size, old, recent = 10, 3, 4
	for first := range size * (old + recent) {
		for second := range size*(old+recent) - first {
			p := &Page{}
			for i := range old + recent {
				if i == old {
					p.first = len(p.ends) // as a Write begins
				}
				p.Buf = append(p.Buf, make([]byte, size)...)
				p.End()
			}
			taken := first + second
			if got, want := p.take(first)+p.take(second), max(0, taken/size-old); got != want {
				t.Fatalf("%d and %d bytes: %d frames, want %d", first, second, got, want)
			}
			p.drop()
			if got, want := len(p.Buf), (size-taken%size)%size; got != want {
				t.Fatalf("%d and %d bytes: %d bytes are left, want %d", first, second, got, want)
			}
		}
	}
}

// A deadline that has passed before a write was tried keeps nothing from a socket that
// has room; one that is full it does not wait for. After Abandon nothing is sent.
func TestWhatTheSocketTakesNeedsNoTime(t *testing.T) {
	here, there := tcp(t)
	c := &plain{}
	c.Begin(here, c)
	c.StopWrites()
	if err := c.Write(t.Context(), []flow.Frame{{Data: []byte("goodbye")}}, false); err != nil {
		t.Fatalf("a write that has room fails: %v", err)
	}
	got := make([]byte, len("goodbye"))
	if _, err := io.ReadFull(there, got); err != nil || string(got) != "goodbye" {
		t.Fatalf("%q came, %v", got, err)
	}
	flowtest.Until(t, "a full socket ends the writes", func() bool {
		err := c.Write(t.Context(), []flow.Frame{{Data: make([]byte, 1<<20)}}, false)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		return err != nil
	})

	here, _ = tcp(t)
	c = &plain{}
	c.Begin(here, c)
	c.Abandon()
	if err := c.Write(t.Context(), []flow.Frame{{Data: []byte("too late")}}, false); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("who was abandoned can write: %v", err)
	}
}
