package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"go.uber.org/zap"
)

// Sizes in bytes: of segments, and of the buffer that is kept for the next commit.
const (
	minSegment = 64 << 10
	maxSegment = 16 << 20
	maxSpare   = 1 << 20
)

// disk is the log of a persistent queue. Its queue's mu guards it, except for write,
// which one goroutine at a time is in.
type disk struct {
	dir      string
	lock     *os.File
	log      *zap.Logger
	segments []*segment // the oldest first, the last one is written
	newest   uint64     // number of a segment
	total    int64      // bytes in segments
	limit    int64      // of a segment
	writing  int64      // bytes that are being written
	stale    bool       // the head has moved since it was written
	spare    []byte
	told     map[place]bool // where damage begins that has been told of
	failing  bool           // writing has failed, and that has been told
}

func (d *disk) last() *segment {
	if len(d.segments) == 0 {
		return nil
	}
	return d.segments[len(d.segments)-1]
}

// write puts records behind s, the last segment, or into a new one, which it returns,
// when that has as many bytes as limit. Nobody else writes meanwhile.
func (d *disk) write(s *segment, limit int64, records []byte) (*segment, error) {
	if s == nil || s.full || s.size >= limit {
		var err error
		if s, err = create(d.dir, d.newest+1); err != nil {
			return nil, err
		}
	}
	seal(records, s.key)
	return s, s.write(records, true)
}

// wrote notes what has become of a write.
func (d *disk) wrote(s *segment, n int64, err error) {
	if s != nil && s != d.last() {
		d.newest = s.number
		d.segments = append(d.segments, s)
	}
	if err == nil {
		s.size += n
		d.total += n
		if d.failing {
			d.failing = false
			d.log.Info("the queue can be written again", zap.String("directory", d.dir))
		}
		return
	}
	if !d.failing {
		d.failing = true
		d.log.Error("the queue cannot be written, events are refused until it can", zap.String("directory", d.dir), zap.Error(bare(err)))
	}
	switch {
	case s == nil:
	case s.size > 0:
		s.full = true
	case len(d.segments) > 1:
		d.segments = d.segments[:len(d.segments)-1]
		s.remove()
	}
}

// writeHead notes the head in the last segment, as far as that can be done now.
func (d *disk) writeHead(head place) {
	s := d.last()
	if s == nil || s.full {
		return
	}
	record := appendHead(nil, head)
	seal(record, s.key)
	if s.write(record, false) == nil {
		s.size += int64(len(record))
		d.total += int64(len(record))
		d.stale = false
	}
}

// trim removes the segments before head, which it returns as a place in those that
// are left. The last one goes only when it is full, on a full disk, too: then the next
// write needs its room.
func (d *disk) trim(head place) place {
	for len(d.segments) > 0 {
		s := d.segments[0]
		if s.number > head.segment || s.number == head.segment && head.offset < s.size {
			break
		}
		if s == d.last() && (!s.full || d.writing > 0) {
			break
		}
		d.segments = d.segments[1:]
		d.total -= s.size
		s.remove()
		if s.number == head.segment {
			head = place{segment: s.number + 1}
		}
	}
	return head
}

// at returns the segment of a place, or the first one behind it, and whether there are
// others behind that.
func (d *disk) at(p place) (s *segment, more bool) {
	for i, s := range d.segments {
		if s.number >= p.segment {
			return s, i < len(d.segments)-1
		}
	}
	return nil, false
}

// close gives everything up; an empty queue leaves nothing behind.
func (d *disk) close(empty bool) {
	for _, s := range d.segments {
		if empty {
			s.remove()
		} else {
			_ = s.file.Close()
		}
	}
	d.segments = nil
	_ = d.lock.Close()
}

// Check says what would keep a queue from being opened in a directory, without
// making anything: the directory may be missing, but not what it is in.
func Check(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		parent := filepath.Dir(dir)
		if info, err = os.Stat(parent); err == nil && info.IsDir() {
			dir = parent
		} else if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the folder %s does not exist: make it first", parent)
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("the queue's directory: %w", bare(err))
	case !info.IsDir():
		return fmt.Errorf("%s is a file: name a directory of the queue's own", dir)
	}
	if err := writable(dir); err != nil {
		return fmt.Errorf("%s cannot be written to: %w", dir, bare(err))
	}
	return nil
}

// bare removes operation and path, which our own message names, and says what helps.
func bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: make room", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the process may not do that, change the owner or mode", err)
	}
	return err
}
