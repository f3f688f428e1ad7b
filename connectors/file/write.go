package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/packed"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

const (
	// gather is up to how many bytes several frames are copied together for one
	// write.
	gather = 64 << 10
	// moved is how often to look whether the file still has its name.
	moved = 100 * time.Millisecond
)

// writer is a connector that writes a file. It is its own flow.Writer: the
// link calls that part from one goroutine at a time.
type writer struct {
	path    string
	fresh   bool // empty the file when it is used first
	sync    bool
	flush   time.Duration // how long bytes may wait to be compressed
	kind    string        // the compression
	packer  packed.Packer // nil without compression
	archive *archive      // nil without rotation

	mu      sync.Mutex // Write, and the clock of Run
	file    *os.File
	regular bool
	buf     []byte    // what is gathered; with compression, also what has been taken
	since   time.Time // when the first of that was taken
	period  time.Time // in which the file was begun
	looked  time.Time // when the file was last known to have its name
	broken  error     // there is no file to write to
	lost    chan struct{}
	tidy    chan struct{}
}

func newWriter(c *Config) *writer {
	w := &writer{path: string(c.Path), fresh: c.Mode != appendTo, sync: c.Sync, flush: time.Duration(c.FlushInterval), kind: c.compression()}
	w.packer = packed.NewPacker(w.kind)
	if c.Rotate != nil {
		w.archive = newArchive(w.path, w.kind, c.Rotate, c.Sync)
	}
	return w
}

// Prepare implements flow.Preparer.
func (w *writer) Prepare(context.Context, flow.Host) error {
	return w.open()
}

func (w *writer) open() error {
	f, info, err := open(w.path, "write", os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: create its folder first", err)
	}
	if err != nil {
		return err
	}
	w.file, w.regular, w.looked = f, info.Mode().IsRegular(), time.Now()
	if w.archive != nil {
		begun := time.Now()
		if info.Size() > 0 {
			begun = info.ModTime()
		}
		w.period = w.archive.rotate.period(begun)
	}
	return nil
}

// Release implements flow.Preparer.
func (w *writer) Release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file != nil {
		_ = w.file.Close() // after a Run it is closed already
		w.file = nil
	}
}

// Run implements flow.Connector.
func (w *writer) Run(ctx context.Context, host flow.Host) error {
	if err := w.begin(host.Log()); err != nil {
		return err
	}
	link, err := host.Open(flow.Peer{}, w)
	if err != nil {
		return err
	}
	tidied := w.keepTidy(ctx, host.Log())
	err = w.watch(ctx, host.Log())
	if err == nil {
		err = link.Flush(host.Abandon())
	}
	link.Close(host.Abandon(), err)
	<-tidied
	if cause := w.end(ctx); err == nil {
		err = cause
	}
	return err
}

// begin makes the file ready to be written to.
func (w *writer) begin(log *zap.Logger) error {
	w.broken, w.lost, w.tidy = nil, make(chan struct{}), make(chan struct{}, 1)
	switch {
	case !w.regular:
	case w.fresh:
		if err := w.file.Truncate(0); err != nil {
			return fmt.Errorf("empty %s: %w", w.path, disk.Bare(err))
		}
	case w.packer != nil:
		if err := w.mend(log); err != nil {
			return err
		}
	}
	w.fresh = false
	return nil
}

// mend removes the half block that a crash has left at the end.
func (w *writer) mend(log *zap.Logger) error {
	written, err := os.Open(w.path)
	if err != nil {
		return fmt.Errorf("append to %s: see where its last block ends: %w", w.path, disk.Bare(err))
	}
	defer func() { _ = written.Close() }() // it is only read
	end, err := packed.End(w.kind, written)
	if err != nil {
		return fmt.Errorf("append to %s: %w", w.path, disk.Bare(err))
	}
	if size := w.size(); size > end {
		log.Warn("the file ends in the middle of a compressed block: that is removed", zap.String("path", w.path), zap.Int64("bytes", size-end))
		if err := w.file.Truncate(end); err != nil {
			return fmt.Errorf("append to %s: %w", w.path, disk.Bare(err))
		}
	}
	return nil
}

// watch does what is to be done at a time, until ctx ends or the file is lost.
func (w *writer) watch(ctx context.Context, log *zap.Logger) error {
	var due <-chan time.Time
	if w.packer != nil || w.archive != nil {
		clock := time.NewTicker(w.step())
		defer clock.Stop()
		due = clock.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.lost:
			return w.broken
		case now := <-due:
			if err := w.atTime(now); err != nil {
				log.Warn("what was to be written waits", zap.Error(err))
			}
		}
	}
}

// step is how often to look what is to be done.
func (w *writer) step() time.Duration {
	step := time.Second
	if w.packer != nil && w.flush > 0 {
		step = min(step, w.flush)
	}
	return step
}

func (w *writer) atTime(now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.packer != nil && len(w.buf) > 0 && now.Sub(w.since) >= w.flush {
		if err := w.seal(); err != nil {
			return err
		}
	}
	if w.broken == nil && w.isOver(now) && w.size() > 0 {
		return w.rotate()
	}
	return nil
}

// keepTidy looks after rotated files, beside what is written, until ctx ends.
func (w *writer) keepTidy(ctx context.Context, log *zap.Logger) (done <-chan struct{}) {
	over := make(chan struct{})
	if w.archive == nil {
		close(over)
		return over
	}
	go func() {
		defer close(over)
		for w.archive.tidy(ctx, log); ; w.archive.tidy(ctx, log) {
			select {
			case <-ctx.Done():
				return
			case <-w.tidy:
			}
		}
	}()
	return over
}

// end closes the file, when nobody writes any more. What waits to be compressed and
// cannot be written is for the next Run, if there is one.
func (w *writer) end(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.seal()
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %d bytes that were to be compressed are lost", err, len(w.buf))
	}
	if cause := w.file.Close(); cause != nil && err == nil {
		err = fmt.Errorf("close %s: %w", w.path, disk.Bare(cause)) // some file systems say only now that the disk is full
	}
	return err
}

// Write implements flow.Writer. Corked or not, it holds back only what is to be
// compressed.
func (w *writer) Write(ctx context.Context, frames []flow.Frame, _ bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.regular {
		// A named pipe waits for its reader, but not beyond ctx.
		f := w.file // Release may come before a late call of the following
		_ = f.SetWriteDeadline(time.Time{})
		stop := context.AfterFunc(ctx, func() { _ = f.SetWriteDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	for written := 0; written < len(frames); {
		n, err := w.room(frames[written:])
		if err == nil {
			err = w.append(frames[written : written+n])
		}
		if err != nil {
			return &flow.WriteError{Written: written, Err: err}
		}
		written += n
	}
	return nil
}

// Flush implements flow.Writer.
func (w *writer) Flush(context.Context) error { return nil }

// append writes frames to the file that there is, all or none.
func (w *writer) append(frames []flow.Frame) error {
	if w.packer != nil {
		return w.pack(frames)
	}
	start := w.size()
	err := w.writeAll(frames)
	return w.settle(start, err)
}

// settle is the end of a write that began at start.
func (w *writer) settle(start int64, err error) error {
	if err == nil && w.sync && w.regular {
		err = w.file.Sync()
	}
	if err != nil {
		w.takeBack(start)
		return fmt.Errorf("write %s: %w", w.path, disk.Bare(err))
	}
	return nil
}

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

// pack takes frames to be compressed: with others, a moment later, or at once.
func (w *writer) pack(frames []flow.Frame) error {
	before := len(w.buf)
	for _, f := range frames {
		if before > 0 && before+len(f.Data) > packed.Block {
			if err := w.seal(); err != nil {
				return err
			}
			before = 0
		}
		if len(w.buf) == 0 {
			w.since = time.Now()
		}
		w.buf = append(w.buf, f.Data...)
	}
	if w.sync || w.flush == 0 || len(w.buf) >= packed.Block {
		if err := w.seal(); err != nil {
			w.buf = w.buf[:before] // these are told to have failed
			return err
		}
	}
	return nil
}

// seal writes what waits to be compressed, as a block. What cannot be written waits on.
func (w *writer) seal() error {
	if w.packer == nil || len(w.buf) == 0 {
		return nil
	}
	if w.broken != nil {
		return w.broken
	}
	start := w.size()
	_, err := w.file.Write(w.packer.Pack(w.buf))
	if err := w.settle(start, err); err != nil {
		return err
	}
	if cap(w.buf) > 4*packed.Block {
		w.buf = nil
	}
	w.buf = w.buf[:0]
	return nil
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
