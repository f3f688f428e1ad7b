package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// chunk is how much is read at a time.
const chunk = 64 << 10

// Feed implements flow.Feeder: it reads standard input to its end.
func (c *stdio) Feed(ctx context.Context, host flow.Host) error {
	chunks, done, err := c.in.lease()
	if err != nil {
		return err
	}
	defer done()
	link, err := host.Open(flow.Peer{}, nil)
	if err != nil {
		return err
	}
	err = c.feed(ctx, host, link, chunks)
	link.Close(host.Abandon(), err)
	return err
}

func (c *stdio) feed(ctx context.Context, host flow.Host, link flow.Link, chunks <-chan []byte) error {
	frames := make([]flow.Frame, 1)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case data, open := <-chunks:
			if !open {
				return c.in.err
			}
			frames[0] = flow.Frame{Data: data}
			if err := link.Receive(host.Abandon(), frames); err != nil {
				host.Log().Warn("a message of standard input was not handled", zap.Error(err))
			}
			c.in.free <- data
		}
	}
	return nil
}

// input reads standard input, in one goroutine for the whole process, as far
// as somebody takes what it brings.
type input struct {
	file   *os.File
	mu     sync.Mutex
	leased bool
	chunks chan []byte // what was read; closed at the end of input
	free   chan []byte // the same memory on its way back
	err    error       // why it ended, nil at its end; read after chunks is closed
}

// lease gives the input to one reader at a time, until done is called.
func (in *input) lease() (chunks <-chan []byte, done func(), err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.leased {
		return nil, nil, errors.New("read standard input: another connector reads it: connect the out of one stdio connector only")
	}
	in.leased = true
	if in.chunks == nil {
		in.chunks = make(chan []byte)
		in.free = make(chan []byte, 1)
		in.free <- make([]byte, chunk)
		go in.read()
	}
	return in.chunks, in.release, nil
}

func (in *input) release() {
	in.mu.Lock()
	in.leased = false
	in.mu.Unlock()
}

func (in *input) read() {
	defer close(in.chunks)
	for buf := range in.free {
		n, err := in.file.Read(buf[:chunk])
		if n > 0 {
			in.chunks <- buf[:n]
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if p := (*fs.PathError)(nil); errors.As(err, &p) {
				err = p.Err
			}
			in.err = fmt.Errorf("read standard input: %w", err)
			return
		}
		if n == 0 {
			in.free <- buf
		}
	}
}
