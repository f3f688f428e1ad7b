package http

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Sizes of the buffers that bodies are read into.
const (
	smallBody = 4 << 10
	largeBody = 64 << 10 // the largest that is kept for others
	piece     = 32 << 10 // of a stream
)

var bodies = sync.Pool{New: func() any { b := make([]byte, smallBody); return &b }}

// receive reads the body and hands it over. An error is a refusal, errAborted, or
// why the flow has not taken what it was given.
func (x *exchange) receive(r *route) error {
	x.frames[0] = flow.Frame{Meta: r.said[x.r.Method]}
	if x.r.ContentLength == 0 {
		x.frames[0].Empty = true
		return x.deliver()
	}
	body := &body{exchange: x, left: x.server.config.maxBody(), time: time.Duration(x.server.config.BodyTimeout)}
	buf := bodies.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= largeBody {
			bodies.Put(buf)
		}
	}()
	if x.server.config.Body == "stream" {
		return x.receivePieces(body, buf)
	}
	n, err := body.readAll(buf)
	if err != nil {
		return err
	}
	x.frames[0].Data, x.frames[0].Empty = (*buf)[:n], n == 0
	return x.deliver()
}

// deliver hands over what is in frames, and says that it was all.
func (x *exchange) deliver() error {
	err := x.link.Receive(&x.ctx, x.frames[:])
	return errors.Join(err, x.link.Finish(&x.ctx))
}

// receivePieces hands a body over as it comes: what takes a piece long, holds back
// the client. A message that cannot be read costs only itself.
func (x *exchange) receivePieces(body *body, buf *[]byte) error {
	if len(*buf) < piece {
		*buf = make([]byte, piece)
	}
	var failed error
	for any := false; ; any = true {
		n, err := body.Read(*buf)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return errors.Join(body.refusal(err), failed)
		}
		if x.frames[0].Data = (*buf)[:n]; n == 0 && last && !any {
			x.frames[0].Empty = true
		}
		if n > 0 || x.frames[0].Empty {
			err = x.link.Receive(&x.ctx, x.frames[:])
			if failed == nil {
				failed = err
			}
			if cut := x.parted(); cut != nil {
				return cut
			}
			if unreadable := (*flow.Unreadable)(nil); err != nil && !errors.As(err, &unreadable) {
				return err
			}
		}
		if last {
			return errors.Join(failed, x.link.Finish(&x.ctx))
		}
	}
}

// body reads the body of a request, within its limits.
type body struct {
	*exchange
	left int64         // bytes
	time time.Duration // that the client may still take
}

// Read implements io.Reader. The time that passes between two calls is not the
// client's.
func (b *body) Read(p []byte) (int, error) {
	begin := time.Now()
	_ = b.control.SetReadDeadline(begin.Add(b.time)) // of a connection that has broken, Read tells
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge
	}
	if err == nil {
		b.time -= time.Since(begin)
	}
	return n, err
}

// readAll reads the whole body into buf, which grows as it comes.
func (b *body) readAll(buf *[]byte) (n int, err error) {
	for {
		m, err := b.Read((*buf)[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, b.refusal(err)
		}
		if n == len(*buf) {
			grown := make([]byte, 2*n)
			copy(grown, *buf)
			*buf = grown
		}
	}
}

// refusal says how a request is answered whose body could not be read.
func (b *body) refusal(err error) error {
	switch cut := b.parted(); {
	case cut != nil:
		return cut
	case errors.Is(err, tooLarge):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded) && b.ctx.Err() == nil:
		return tooSlow
	case b.ctx.Err() != nil, b.r.Context().Err() != nil:
		return errAborted
	}
	return malformed
}
