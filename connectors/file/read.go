package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/packed"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// chunk is how much is read at a time.
const chunk = 64 << 10

// reader is a connector that reads a file to its end.
type reader struct {
	path        string
	compression string
	file        *os.File
	// holder is our own writing end of a named pipe: without it, a pipe that
	// nobody has opened yet would seem to be at its end.
	holder *os.File
	offset int64 // where to go on after a Run that failed, in what is unpacked
	failed bool  // reading has, and not what makes sense of it
}

// Prepare implements flow.Preparer.
func (r *reader) Prepare(context.Context, flow.Host) error {
	f, info, err := open(r.path, "read", os.O_RDONLY)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: create it, or correct the path", err)
		}
		return err
	}
	if info.Mode()&fs.ModeNamedPipe != 0 {
		r.holder, _ = os.OpenFile(r.path, os.O_WRONLY|syscall.O_NONBLOCK, 0) // where we may not write, the writer must come first
	}
	if r.offset > 0 && info.Mode().IsRegular() && r.isPlain() {
		if _, err := f.Seek(r.offset, io.SeekStart); err != nil {
			_ = f.Close()
			return fmt.Errorf("read %s from byte %d on: %w", r.path, r.offset, disk.Bare(err))
		}
	}
	r.file = f
	return nil
}

// Release implements flow.Preparer.
func (r *reader) Release() {
	r.letGo()
	if r.file != nil {
		_ = r.file.Close() // it was only read
		r.file = nil
	}
}

// letGo closes our own end of a named pipe.
func (r *reader) letGo() {
	if r.holder != nil {
		_ = r.holder.Close()
		r.holder = nil
	}
}

// isPlain reports whether the file is read as it is.
func (r *reader) isPlain() bool { return r.compression == packed.None || r.compression == "" }

// Run implements flow.Connector.
func (r *reader) Run(ctx context.Context, host flow.Host) error {
	link, err := host.Open(flow.Peer{}, nil)
	if err != nil {
		return err
	}
	// What waits for data (a named pipe, a terminal) ends with ctx; regular
	// files know no deadline and do not wait.
	f := r.file // Release may come before a late call of the following
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	r.failed = false
	err = r.readAll(ctx, host, link)
	link.Close(host.Abandon(), err)
	if ended := (*flow.Ended)(nil); err == nil || errors.As(err, &ended) { // it would end there again
		r.offset = 0
	}
	return err
}

func (r *reader) readAll(ctx context.Context, host flow.Host, link flow.Link) error {
	in, done, err := r.content(ctx)
	if err != nil || in == nil {
		return r.unlessDamaged(err)
	}
	defer done()
	buf := make([]byte, chunk)
	frames := make([]flow.Frame, 1)
	for ctx.Err() == nil {
		n, err := in.Read(buf)
		if n > 0 {
			r.offset += int64(n)
			frames[0] = flow.Frame{Data: buf[:n]}
			if failed := link.Receive(host.Abandon(), frames); failed != nil {
				host.Log().Warn("a message of the file was not handled", zap.String("path", r.path), zap.Error(failed))
			}
		}
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		case err != nil:
			return r.unlessDamaged(fmt.Errorf("read %s: %w", r.path, disk.Bare(err)))
		}
	}
	return nil
}

// unlessDamaged returns err, or where it says that a compressed file is not what was
// written, an *Ended: its content has ended in the middle.
func (r *reader) unlessDamaged(err error) error {
	switch {
	case err == nil || r.failed || r.isPlain():
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s ends in the middle of a compressed block: what was to come is missing", r.path)
	default:
		err = fmt.Errorf("the compressed file is damaged, what follows is lost: %w", err)
	}
	return &flow.Ended{Err: err, Torn: true, Cause: flow.EndedDone}
}

// content is what there is to read: unpacked, and from where it was left on. It is
// nil when ctx has ended.
func (r *reader) content(ctx context.Context) (io.Reader, func(), error) {
	if r.isPlain() {
		return source{r}, func() {}, nil
	}
	in, done, err := packed.Reader(r.compression, source{r})
	if err == nil && r.offset > 0 {
		if _, err = io.CopyN(io.Discard, in, r.offset); err != nil {
			done()
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read %s: unpack it: %w", r.path, disk.Bare(err))
	}
	return in, done, nil
}

// source is the file as it is.
type source struct{ r *reader }

func (s source) Read(p []byte) (int, error) {
	n, err := s.r.file.Read(p)
	if n > 0 {
		s.r.letGo() // somebody writes: the end is where the last writer closes
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.r.failed = true
	}
	return n, err
}
