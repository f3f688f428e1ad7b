package socket

import (
	"bytes"
	"cmp"
	"context"
	"testing"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// busy is the socket of a peer that sends input again and again, until so much has
// come, and reads all.
type busy struct {
	script
	left int // bytes
}

func (b *busy) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errCut
	}
	begin := b.left % len(b.input) // counted from the end
	n := copy(p, b.input[len(b.input)-cmp.Or(begin, len(b.input)):])
	b.left -= n
	return n, nil
}

func (*busy) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkEcho is what a message costs here, without the system's part: read from
// the read-ahead, and framed as a reply.
func BenchmarkEcho(b *testing.B) {
	one := masked(nil, frame.Fin|frame.Text, 0x01020304, bytes.Repeat([]byte("x"), 143))
	s := &busy{script: script{input: bytes.Repeat(one, 100)}, left: b.N * len(one)}
	c := New(s, nil, NewGroup(Options{MaxMessage: 1000, MaxFragments: 10}))
	var got int
	b.ReportAllocs()
	b.ResetTimer()
	_ = c.Receive(owner(func(frames []flow.Frame) {
		got += len(frames)
		_ = c.Write(context.Background(), frames, true)
	}))
	if got < b.N {
		b.Fatalf("%d of %d messages came: %v", got, b.N, c.Failure())
	}
}
