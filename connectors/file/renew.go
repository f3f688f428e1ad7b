package file

import (
	"fmt"
	"os"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/packed"
	"github.com/flowrun/flowrun/runtime/flow"
)

// room makes sure that there is a file to write to, and returns how many of the
// frames, at least one, fit into it.
func (w *writer) room(frames []flow.Frame) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	if !w.regular {
		return len(frames), nil
	}
	now := time.Now()
	if now.Sub(w.looked) >= moved {
		if err := w.reopen(now); err != nil {
			return 0, err
		}
	}
	if w.archive == nil {
		return len(frames), nil
	}
	size := w.size()
	if size > 0 && (w.isOver(now) || w.fits(size, frames) == 0) {
		if err := w.rotate(); err != nil {
			return 0, err
		}
		size = 0
	}
	if size == 0 {
		w.period = w.archive.rotate.period(now)
	}
	return max(1, w.fits(size, frames)), nil
}

// fits is how many frames fit into a file of that size. How large they are when they
// are compressed is known afterwards: it grows by a block too many at most.
func (w *writer) fits(size int64, frames []flow.Frame) int {
	limit := int64(w.archive.rotate.MaxSize)
	switch {
	case limit == 0:
		return len(frames)
	case w.packer != nil && size >= limit:
		return 0
	case w.packer != nil:
		size, limit = 0, packed.Block
	}
	for i, f := range frames {
		if size += int64(len(f.Data)); size > limit {
			return i
		}
	}
	return len(frames)
}

// isOver reports whether the time of the file is over.
func (w *writer) isOver(now time.Time) bool {
	return w.archive != nil && !w.archive.rotate.period(now).Equal(w.period)
}

// rotate puts the file into the archive and begins a new one.
func (w *writer) rotate() error {
	if err := w.seal(); err != nil {
		return err
	}
	if w.sync {
		if err := w.file.Sync(); err != nil {
			return fmt.Errorf("write %s: %w", w.path, disk.Bare(err))
		}
	}
	if err := w.archive.take(); err != nil {
		return err
	}
	select {
	case w.tidy <- struct{}{}:
	default: // it is about to look
	}
	return w.renew()
}

// reopen begins a new file when somebody has renamed the old one, as logrotate does,
// or removed it.
func (w *writer) reopen(now time.Time) error {
	w.looked = now
	there, err := os.Stat(w.path)
	if err == nil {
		if ours, err := w.file.Stat(); err != nil || os.SameFile(ours, there) {
			return nil
		}
	}
	if err := w.seal(); err != nil { // what was taken belongs to the old one
		return err
	}
	return w.renew()
}

// renew opens the file that is at the path, or makes it. Without one, Run ends, and
// whoever sends waits for the next.
func (w *writer) renew() error {
	old := w.file
	if err := w.open(); err != nil {
		w.broken = err
		close(w.lost)
		return err
	}
	if err := old.Close(); err != nil {
		return fmt.Errorf("close %s: %w", w.path, disk.Bare(err)) // some file systems say only now that the disk is full
	}
	return nil
}
