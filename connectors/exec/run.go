package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// chunk is how much is read at a time.
const chunk = 64 << 10

// program is a connector that runs a program.
type program struct {
	cfg  *Config
	path string
}

// Run implements flow.Connector: it is one life of the program.
func (c *program) Run(ctx context.Context, host flow.Host) error {
	p, err := c.start(host.Log())
	if err != nil {
		return err
	}
	log := host.Log().With(zap.Int("pid", p.cmd.Process.Pid))
	log.Info("the program has started", zap.String("path", c.path))
	err = c.serve(ctx, host, p, log)
	p.close()
	p.signal(syscall.SIGKILL)
	<-p.exited
	p.told.Wait()
	return err
}

// serve is the connection with the program, from its start to its end.
func (c *program) serve(ctx context.Context, host flow.Host, p *process, log *zap.Logger) error {
	buf := make([]byte, chunk)
	first, failed := c.settle(ctx, p, buf)
	if failed {
		return p.err
	}
	var w flow.Writer
	if p.stdin != nil {
		w = &writer{p: p, patience: time.Duration(c.cfg.CloseTimeout)}
	}
	link, err := host.Open(flow.Peer{}, w)
	if err != nil {
		return err
	}
	var ending sync.WaitGroup
	over, stop := context.WithCancel(ctx)
	ending.Go(func() {
		<-over.Done()
		if ctx.Err() != nil {
			c.end(host, link, p, log)
		}
	})
	kill := context.AfterFunc(host.Abandon(), func() { p.signal(syscall.SIGKILL) })
	c.read(host, link, p, buf, first)
	<-p.exited
	stop()
	ending.Wait()
	kill()
	return c.ended(ctx, host, link, p, log)
}

// settle waits until the program counts as started. It returns how much was read
// meanwhile, and whether the program failed at once: without a word, and with an error.
func (c *program) settle(ctx context.Context, p *process, buf []byte) (n int, failed bool) {
	early := time.NewTimer(time.Duration(c.cfg.StartTime))
	defer early.Stop()
	select {
	case <-ctx.Done():
		return 0, false
	case <-early.C:
		return 0, false
	case <-p.exited:
	}
	if p.stdout != nil {
		n, _ = p.stdout.Read(buf) // its end is noticed again
	}
	return n, n == 0 && p.err != nil
}

// read passes on what the program prints, until its end.
func (c *program) read(host flow.Host, link flow.Link, p *process, buf []byte, n int) {
	if p.stdout == nil {
		return
	}
	frames := make([]flow.Frame, 1)
	for {
		if n > 0 {
			frames[0] = flow.Frame{Data: buf[:n]}
			if err := link.Receive(host.Abandon(), frames); err != nil {
				host.Log().Warn("what the program printed was not handled", zap.Error(err))
			}
		}
		var err error
		if n, err = p.stdout.Read(buf); n == 0 && err != nil {
			return
		}
	}
}

// end tells the program to end, more and more clearly.
func (c *program) end(host flow.Host, link flow.Link, p *process, log *zap.Logger) {
	patience := time.Duration(c.cfg.CloseTimeout)
	if p.stdin != nil {
		_ = link.Flush(host.Abandon()) // what is not written is told by Close
		_ = p.stdin.Close()            // nothing waits in it
		if p.endsWithin(context.Background(), patience) {
			return
		}
		log.Warn("the program does not end when its input is closed: it is sent SIGTERM", zap.Duration("close_timeout", patience))
	}
	p.signal(syscall.SIGTERM)
	if p.endsWithin(context.Background(), patience) {
		return
	}
	log.Warn("the program does not end when it is told to: it is killed", zap.Duration("close_timeout", patience))
	p.signal(syscall.SIGKILL)
}

// endsWithin waits for the end of the program, and reports whether it came in time.
func (p *process) endsWithin(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// ended closes the connection and decides what the end of the program means.
func (c *program) ended(ctx context.Context, host flow.Host, link flow.Link, p *process, log *zap.Logger) error {
	end := &flow.Ended{Err: p.err, Torn: p.err != nil && ctx.Err() == nil, Cause: flow.EndedByPeer}
	switch {
	case ctx.Err() != nil:
		end.Cause = flow.EndedDrain
	case p.err != nil:
		end.Cause = flow.EndedLost
	}
	link.Close(host.Abandon(), end)
	log.Info("the program has ended", zap.Int("exit_code", p.cmd.ProcessState.ExitCode()), zap.NamedError("reason", p.err))
	switch {
	case ctx.Err() != nil, c.cfg.Restart == never, c.cfg.Restart == onFailure && p.err == nil:
		return nil
	case p.err == nil:
		return errors.New("the program has ended with exit code 0: write restart = \"on_failure\" if it may")
	}
	return p.err
}

// writer writes to the program. The link calls it from one goroutine at a time.
type writer struct {
	p        *process
	patience time.Duration // how long a program may take to end that has closed its input
	closed   bool          // it has, and it goes on
	buf      []byte
}

// gather is up to how many bytes several frames are copied together for one write.
const gather = 64 << 10

// Write implements flow.Writer. It holds nothing back.
func (w *writer) Write(ctx context.Context, frames []flow.Frame, _ bool) error {
	f := w.p.stdin
	_ = f.SetWriteDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = f.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	for written := 0; written < len(frames); {
		w.buf = append(w.buf[:0], frames[written].Data...)
		next := written + 1
		for ; next < len(frames) && len(w.buf)+len(frames[next].Data) <= gather; next++ {
			w.buf = append(w.buf, frames[next].Data...)
		}
		if n, err := f.Write(w.buf); err != nil {
			for ; written < next && n >= len(frames[written].Data); written++ {
				n -= len(frames[written].Data)
			}
			return &flow.WriteError{Written: written, Err: fmt.Errorf("write to the program: %w", w.explain(ctx, err))}
		}
		written = next
	}
	if cap(w.buf) > gather {
		w.buf = nil
	}
	return nil
}

// explain says why a write has failed. A program that has ended is gone, and the next one
// gets what it has not taken; one that has closed its input may be about to end.
func (w *writer) explain(ctx context.Context, err error) error {
	closed := errors.Is(err, syscall.EPIPE)
	if closed && !w.closed {
		w.closed = !w.p.endsWithin(ctx, w.patience) && ctx.Err() == nil
	}
	switch {
	case w.p.hasExited():
		return fmt.Errorf("it has ended: %w", flow.ErrGone)
	case closed:
		return errors.New("it has closed its input")
	case errors.Is(err, os.ErrClosed):
		return errors.New("its input is closed, so that it ends")
	}
	return cause(err)
}

// Flush implements flow.Writer.
func (w *writer) Flush(context.Context) error { return nil }
