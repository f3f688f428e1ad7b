package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// gather is up to how many bytes several frames are copied together for one
// write.
const gather = 64 << 10

// writer is a connector that writes a file. It is its own flow.Writer: the
// link calls that part from one goroutine at a time.
type writer struct {
	path    string
	fresh   bool // empty the file when it is used first
	sync    bool
	file    *os.File
	regular bool
	buf     []byte
}

// Prepare implements flow.Preparer.
func (w *writer) Prepare(context.Context, flow.Host) error {
	f, info, err := open(w.path, "write", os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: create its folder first", err)
	}
	if err != nil {
		return err
	}
	w.file, w.regular = f, info.Mode().IsRegular()
	return nil
}

// Release implements flow.Preparer.
func (w *writer) Release() {
	if w.file != nil {
		_ = w.file.Close() // after a Run it is closed already
		w.file = nil
	}
}

// Run implements flow.Connector.
func (w *writer) Run(ctx context.Context, host flow.Host) error {
	if w.fresh && w.regular {
		if err := w.file.Truncate(0); err != nil {
			return fmt.Errorf("empty %s: %w", w.path, bare(err))
		}
	}
	w.fresh = false
	link, err := host.Open(flow.Peer{}, w)
	if err != nil {
		return err
	}
	<-ctx.Done()
	err = link.Flush(host.Abandon())
	link.Close(host.Abandon(), err)
	if cause := w.file.Close(); cause != nil && err == nil {
		err = fmt.Errorf("close %s: %w", w.path, bare(cause)) // some file systems say only now that the disk is full
	}
	return err
}

// Write implements flow.Writer. It holds nothing back, corked or not.
func (w *writer) Write(ctx context.Context, frames []flow.Frame, _ bool) error {
	start := w.size()
	if !w.regular {
		// A named pipe waits for its reader, but not beyond ctx.
		f := w.file // Release may come before a late call of the following
		_ = f.SetWriteDeadline(time.Time{})
		stop := context.AfterFunc(ctx, func() { _ = f.SetWriteDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	err := w.writeAll(frames)
	if err == nil && w.sync && w.regular {
		err = w.file.Sync()
	}
	if err != nil {
		w.takeBack(start)
		return fmt.Errorf("write %s: %w", w.path, bare(err))
	}
	return nil
}

// Flush implements flow.Writer.
func (w *writer) Flush(context.Context) error { return nil }

// writeAll writes the frames, small ones together.
func (w *writer) writeAll(frames []flow.Frame) error {
	if len(frames) == 1 {
		_, err := w.file.Write(frames[0].Data)
		return err
	}
	w.buf = w.buf[:0]
	for _, f := range frames {
		if len(w.buf)+len(f.Data) > gather {
			if err := w.spill(); err != nil {
				return err
			}
		}
		if len(f.Data) >= gather {
			if _, err := w.file.Write(f.Data); err != nil {
				return err
			}
			continue
		}
		w.buf = append(w.buf, f.Data...)
	}
	return w.spill()
}

func (w *writer) spill() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.file.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// size is the file's length before a write, -1 where there is none.
func (w *writer) size() int64 {
	if !w.regular {
		return -1
	}
	end, err := w.file.Seek(0, io.SeekEnd)
	if err != nil {
		return -1
	}
	return end
}

// takeBack removes the half of a write that failed.
func (w *writer) takeBack(start int64) {
	if start >= 0 {
		_ = w.file.Truncate(start) // the write's own error is the one to tell
	}
}
