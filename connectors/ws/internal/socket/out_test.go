package socket

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// breaking is a socket that takes so many bytes, in pieces, and then breaks.
type breaking struct {
	net.Conn
	left int
	took []byte
}

func (b *breaking) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.took = append(b.took, p[:n]...)
	if b.left -= n; n < len(p) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

func (b *breaking) SetReadDeadline(time.Time) error { return nil }

// Wherever a connection breaks, it is known which messages of the last Write
// have left: pongs of both kinds, and what was written before, do not count.
func TestABrokenWriteSaysHowFarItCame(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(1, seed))
		nc := &breaking{left: random.IntN(100 << 10)}
		o := New(nc, nil, NewGroup(Options{}))
		write := func(frames []flow.Frame) error {
			return o.Write(context.Background(), frames, true)
		}
		frames := func(what string) (fs []flow.Frame) {
			for range 1 + random.IntN(50) {
				fs = append(fs, flow.Frame{Data: []byte(what + strings.Repeat("x", random.IntN(4000)))})
			}
			return fs
		}
		if random.IntN(2) == 0 && write(frames("before")) != nil {
			continue
		}
		if random.IntN(2) == 0 {
			o.control(frame.Pong, []byte("pong"))
		}
		last := frames("last")
		if random.IntN(2) == 0 {
			o.reply("pong")
		}
		err := write(last)
		if err == nil && random.IntN(2) == 0 {
			o.reply("pong")
		}
		if err == nil {
			err = o.Flush(context.Background())
		}
		written := len(last)
		if err != nil {
			we := (*flow.WriteError)(nil)
			if !errors.As(err, &we) || !errors.Is(err, io.ErrClosedPipe) {
				t.Fatalf("seed %d: %v is no WriteError, or not the cause", seed, err)
			}
			written = we.Written
		}
		want := 0
		for p := nc.took; ; want++ {
			h, ok := frame.Parse(p)
			for ok && h.Total() <= int64(len(p)) && !strings.HasPrefix(string(p[h.Size:h.Total()]), "last") {
				p = p[h.Total():]
				h, ok = frame.Parse(p)
			}
			if !ok || h.Total() > int64(len(p)) {
				break
			}
			p = p[h.Total():]
		}
		if written != want {
			t.Fatalf("seed %d: %d messages are said to be written, %d are", seed, written, want)
		}
	}
}
