package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/position"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// tail is one file that is followed, wherever it is renamed to. It has a link of
// its own: a message begins and ends in one file.
type tail struct {
	path   string
	id     position.Identity
	file   *os.File
	link   flow.Link
	isNew  bool  // it was never read before
	before *tail // stood at the path before: it is read to its end first
	offset int64 // of the next byte to read
	taken  int64 // of the first byte that the flow may not have
	head   []byte
	size   int64     // when it was last looked at
	time   time.Time // when it had been written to then
	idle   bool      // there was nothing more to read then
	atEnd  bool      // all that was there has been read, since another file is at its path
	last   time.Time // when something was read, or the file left its path
	gone   bool      // another file, or none, is at its path
}

// place is where to go on reading after the end of the process.
func (t *tail) place() position.Place {
	head := t.head[:min(int64(len(t.head)), t.taken)]
	return position.Place{
		Path: t.path, Device: t.id.Device, Inode: t.id.Inode,
		Offset: t.taken, Head: len(head), SHA256: position.HashOf(head),
		Modified: t.time.UnixNano(),
	}
}

// beginAt sets where reading begins, in a file that has at least so many bytes.
func (t *tail) beginAt(offset int64) error {
	t.offset, t.taken = offset, offset
	t.head = append(make([]byte, 0, position.HeadSize), make([]byte, min(position.HeadSize, offset))...)
	if _, err := t.file.ReadAt(t.head, 0); err != nil && len(t.head) > 0 {
		return fmt.Errorf("read %s: %w", t.path, disk.Bare(err))
	}
	return nil
}

// read returns the next bytes, none at the end. begins says that they are the
// first of the file, which was emptied and written anew.
func (t *tail) read(buf []byte) (n int, begins bool, err error) {
	info, err := t.file.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("read %s: %w", t.path, disk.Bare(err))
	}
	size := info.Size()
	same := size == t.size && info.ModTime().Equal(t.time)
	t.size, t.time = size, info.ModTime()
	if t.idle && same {
		t.atEnd = true
		return 0, false, nil
	}
	if size < t.offset || !t.sameHead() {
		begins = true
		t.offset, t.taken, t.head = 0, 0, t.head[:0]
	}
	n, err = t.file.ReadAt(buf, t.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, begins, fmt.Errorf("read %s: %w", t.path, disk.Bare(err))
	}
	if t.offset <= int64(len(t.head)) && len(t.head) < position.HeadSize {
		fresh := buf[int64(len(t.head))-t.offset : n]
		t.head = append(t.head, fresh[:min(len(fresh), position.HeadSize-len(t.head))]...)
	}
	if t.idle = n == 0; t.idle {
		t.atEnd = true
	}
	return n, begins, nil
}

// sameHead reports whether the file still begins as it did.
func (t *tail) sameHead() bool {
	var now [position.HeadSize]byte
	n, _ := t.file.ReadAt(now[:len(t.head)], 0)
	return bytes.Equal(now[:n], t.head)
}

// step reads once, if there is anything, and passes it on. An error is one of the
// file, or says that the flow has not taken what must not be lost.
func (f *follower) step(t *tail) (more bool, err error) {
	n, begins, err := t.read(f.buf)
	if err != nil {
		return false, err
	}
	if begins {
		f.host.Log().Info("the file was emptied: it is read from its beginning", zap.String("path", t.path))
		if err := f.taken(t, t.link.Finish(f.host.Abandon())); err != nil {
			return false, err
		}
	}
	if n == 0 {
		return false, nil
	}
	t.last = time.Now()
	t.offset += int64(n)
	f.frames[0] = flow.Frame{Data: f.buf[:n]}
	if err := f.taken(t, t.link.Receive(f.host.Abandon(), f.frames[:])); err != nil {
		return false, err
	}
	if held, known := t.link.Held(); known {
		t.taken = t.offset - held
	}
	return true, nil
}

// taken decides what an error of the link means. What the flow has not taken is
// read again when there is a position; what is no message never will be.
func (f *follower) taken(t *tail, err error) error {
	if err == nil {
		return nil
	}
	if unreadable := (*flow.Unreadable)(nil); f.acknowledges() && !errors.As(err, &unreadable) {
		return fmt.Errorf("pass on what was read of %s: %w", t.path, err)
	}
	f.host.Log().Warn("a message of the file was not handled", zap.String("path", t.path), zap.Error(err))
	return nil
}

// finish ends a file that nothing more will be written to: what stands behind the
// last separator is a message now.
func (f *follower) finish(t *tail) error {
	if err := f.taken(t, t.link.Finish(f.host.Abandon())); err != nil {
		return err
	}
	t.link.Close(f.host.Abandon(), nil)
	f.remember(t)
	_ = t.file.Close() // it was only read
	return nil
}

// interrupt lets a file go in the middle: what has come of a message comes again.
func (t *tail) interrupt(ctx context.Context, cause error) {
	end := &flow.Ended{Err: cause, Torn: true}
	if cause == nil {
		end.Cause = flow.EndedDrain
	}
	t.link.Close(ctx, end)
	_ = t.file.Close() // it was only read
}
