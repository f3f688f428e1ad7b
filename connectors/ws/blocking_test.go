package ws

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// A message is delivered when its last byte is there, and its reply leaves
// then, also when that byte comes alone, as in a TLS record of its own.
func TestTheLastByteMayComeAlone(t *testing.T) {
	here, there := net.Pipe() // whose reads do not reach beyond a write
	limits := limits()
	c := newConn(here, nil, &limits)
	c.timeout = 20 * time.Second
	c.deliver = func(frames []flow.Frame) { _ = c.out.Write(t.Context(), frames, true) }
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.receiveAll()
	}()
	frame := appendFrame(nil, opText, []byte("hello"), &[4]byte{1, 2, 3, 4})
	_ = there.SetDeadline(time.Now().Add(20 * time.Second))
	for range 3 {
		for _, part := range [][]byte{frame[:1], frame[1:6], frame[6 : len(frame)-1], frame[len(frame)-1:]} {
			if _, err := there.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		var got [7]byte
		if _, err := io.ReadFull(there, got[:]); err != nil || string(got[2:]) != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = there.Close()
	<-done
	_ = here.Close()
}
