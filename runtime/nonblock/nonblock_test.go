//go:build unix

package nonblock_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// TestPair writes until the socket has no room, and reads all of it back.
func TestPair(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	here, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = there.Close() }()
	if !nonblock.HasRoom(here) || nonblock.HasNews(there) {
		t.Error("a new pair has no room, or news")
	}

	w, sent := nonblock.NewWriter(nonblock.Of(here)), 0
	flowtest.Until(t, "there is no room any more", func() bool {
		for n := 1; n > 0; sent += n { // more, while the system passes on what was written
			var err error
			if n, err = w.Write(make([]byte, 64<<10)); err != nil {
				t.Fatal(err)
			}
		}
		return sent > 0 && !nonblock.HasRoom(here)
	})
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	flowtest.Until(t, "what has come is news", func() bool { return nonblock.HasNews(there) })

	received, buf := 0, make([]byte, 64<<10)
	raw := nonblock.Of(there)
	for done := false; !done; {
		err := raw.Read(func(fd uintptr) bool {
			n, err := nonblock.Read(fd, buf)
			received += n
			switch {
			case errors.Is(err, nonblock.ErrAgain):
				return false // waits
			case errors.Is(err, io.EOF):
				done = true
			case err != nil:
				t.Error(err)
				done = true
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if received != sent {
		t.Errorf("%d bytes have come of %d", received, sent)
	}
	if _, err := nonblock.NewWriter(nonblock.Of(there)).Write([]byte("x")); err != nil {
		t.Log("who has closed is written to:", err) // the first one may still leave
	}
}

// TestNoSocket: what is no socket is read by calls that wait.
func TestNoSocket(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	if nonblock.Of(here) != nil || nonblock.HasRoom(here) || nonblock.HasNews(here) {
		t.Error("a pipe is taken for a socket")
	}
}
