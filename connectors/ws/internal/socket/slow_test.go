package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
)

// Who is too slow gets the frame under way and then the close frame, as soon as
// its socket has room for them, and nothing else of what waited. Whoever was
// writing is told how far it came.
func TestASlowPeerIsToldSoon(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sweep bool // the limit that is hit is write_timeout
		try   bool // nobody waits in a write
	}{{"queue", false, false}, {"queue, nobody writing", false, true}, {"write_timeout", true, false}} {
		t.Run(tt.name, func(t *testing.T) {
			here, there := tcp(t)
			_ = here.SetWriteBuffer(16 << 10)
			_ = there.SetReadBuffer(16 << 10)
			o := Options{MaxMessage: 1000, MaxFragments: 10, WriteTimeout: 20 * time.Second, CloseTimeout: 20 * time.Second}
			if tt.sweep {
				o.WriteTimeout = 50 * time.Millisecond
			}
			g := NewGroup(o)
			c := New(here, nil, g)
			g.Add(c)
			ended := make(chan error)
			go func() {
				err := c.Receive(&recorder{drain: func() {}})
				c.Goodbye(err)
				c.HangUp()
				g.Remove(c)
				ended <- err
			}()
			const size = 50_000
			frames := make([]flow.Frame, 200) // more than any buffers hold
			for i := range frames {
				data := make([]byte, size)
				binary.BigEndian.PutUint32(data, uint32(i))
				frames[i] = flow.Frame{Data: data, Binary: true}
			}
			wrote := make(chan error, 1)
			limit := "queue.write_timeout"
			switch {
			case tt.try:
				for !c.Silent() { // until its reader writes no more what it finds in the buffer
					runtime.Gosched()
				}
				if taken, sent, err := c.TryWrite(frames); !taken || sent || err != nil {
					t.Fatal(taken, sent, err)
				}
				wrote <- c.Unwritten(flow.ErrGone)
			default:
				go func() { wrote <- c.Write(t.Context(), frames, false) }()
			}
			if !tt.sweep {
				for !nonblock.HasNews(there) { // until it writes
					runtime.Gosched()
				}
				limit = "queue.max_events"
				c.Disconnect(fmt.Errorf("%w: %s is reached", flow.ErrSlow, limit))
			}
			err := <-wrote
			var we *flow.WriteError
			if !errors.As(err, &we) || !errors.Is(err, flow.ErrGone) {
				t.Fatalf("the write ended with %v", err)
			}
			// Now the peer reads.
			_ = there.SetReadDeadline(time.Now().Add(20 * time.Second))
			got := 0
			for ; ; got++ {
				opcode, payload := readFrame(t, there)
				if opcode == frame.Close {
					if code, reason := binary.BigEndian.Uint16(payload), string(payload[2:]); code != tryAgainLater || reason != "slow consumer: "+limit+" is reached" {
						t.Errorf("closed with %d %q", code, reason)
					}
					break
				}
				if opcode != frame.Binary || len(payload) != size || binary.BigEndian.Uint32(payload) != uint32(got) {
					t.Fatalf("frame %d: %x with %d bytes", got, opcode, len(payload))
				}
			}
			if extra := got - we.Written; extra < 0 || extra > 1 || got == len(frames) {
				t.Errorf("%d frames have come, %d are said to be written", got, we.Written)
			}
			_, _ = there.Write(masked(nil, frame.Fin|frame.Close, 1, frame.ClosePayload(tryAgainLater, "")))
			if _, closed := Closed(<-ended); !closed {
				t.Error("the answer of the peer was not read")
			}
		})
	}
}

// readFrame reads a frame of a server.
func readFrame(t *testing.T, nc net.Conn) (opcode byte, payload []byte) {
	t.Helper()
	head := make([]byte, 2, 4)
	if _, err := io.ReadFull(nc, head); err != nil {
		t.Fatal(err)
	}
	n := int(head[1])
	if n == 126 {
		head = head[:4]
		if _, err := io.ReadFull(nc, head[2:]); err != nil {
			t.Fatal(err)
		}
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(nc, payload); err != nil {
		t.Fatal(err)
	}
	return head[0] & frame.OpcodeBits, payload
}

// How long a write has been going on is counted from when the sweep has seen it:
// a sweep that comes late knows of no time before.
func TestALateSweepEndsNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		c := New(here, nil, NewGroup(Options{MaxMessage: 1000, MaxFragments: 10, WriteTimeout: 10 * time.Second, CloseTimeout: time.Second}))
		wrote := make(chan error, 1)
		go func() { wrote <- c.Write(t.Context(), []flow.Frame{{Data: []byte("hello")}}, false) }()
		synctest.Wait()
		const late, limit = int64(time.Hour), int64(10 * time.Second)
		c.swept(late, 1)
		c.swept(late+limit-1, 1)
		synctest.Wait()
		select {
		case err := <-wrote:
			t.Fatalf("the write has ended too soon: %v", err)
		default:
		}
		c.swept(late+limit, 1)
		if err := <-wrote; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the write has ended with %v", err)
		}
	})
}
