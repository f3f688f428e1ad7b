package queue

import (
	"fmt"
	"io"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// Batch is what Next gives: some events. It can be used again.
type Batch struct {
	// Frames are those of all events. Who holds the batch does not change them.
	Frames []flow.Frame
	ends   []int  // per event, where its frames end
	marks  []Mark // per event, where it ends
	buf    []byte
}

// Events is how many there are.
func (b *Batch) Events() int { return len(b.marks) }

// Upto is where the first n events end. n is at least 1.
func (b *Batch) Upto(n int) Mark { return b.marks[n-1] }

// Whole is how many events there are whose frames are all among the first n.
func (b *Batch) Whole(n int) (events int) {
	for events < len(b.ends) && b.ends[events] <= n {
		events++
	}
	return events
}

// Of are the frames of event i.
func (b *Batch) Of(i int) []flow.Frame {
	from := 0
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.Frames[from:b.ends[i]]
}

// Behind are the frames of all events but the first n.
func (b *Batch) Behind(n int) []flow.Frame {
	if n == 0 {
		return b.Frames
	}
	return b.Frames[b.ends[n-1]:]
}

func (b *Batch) reset() {
	clear(b.Frames)
	b.Frames, b.ends, b.marks = b.Frames[:0], b.ends[:0], b.marks[:0]
}

// add notes that an event ends at m, of which the frames are there.
func (b *Batch) add(m Mark) {
	b.ends = append(b.ends, len(b.Frames))
	b.marks = append(b.marks, m)
}

// readSize is how much of a segment is read at once.
const readSize = 256 << 10

// Next gives the events that come next, about maxBytes of them and no more than
// maxEvents, or at least one where there is one: b is empty when nothing waits. The
// frames are valid until b is used again.
func (q *Queue) Next(b *Batch, maxBytes, maxEvents int) error {
	q.reading.Lock()
	defer q.reading.Unlock()
	q.mu.Lock()
	from := q.cursor
	q.mu.Unlock()
	if err := q.read(b, from, maxBytes, maxEvents); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := b.Events(); n > 0 && q.cursor.events < b.Upto(n).events {
		q.cursor = b.Upto(n)
	}
	return nil
}

// read fills b with what is behind from. The caller holds reading.
func (q *Queue) read(b *Batch, from Mark, maxBytes, maxEvents int) error {
	b.reset()
	if q.disk == nil {
		q.recall(b, from, maxBytes, maxEvents)
		return nil
	}
	want := min(readSize, max(maxBytes, 4<<10))
	for b.Events() == 0 {
		q.mu.Lock()
		s, more := q.disk.at(from.at)
		if s == nil || q.closed {
			q.mu.Unlock()
			return nil
		}
		if s.number > from.at.segment {
			from.at = place{segment: s.number}
		}
		size := s.size
		q.mu.Unlock()
		if from.at.offset >= size {
			if !more {
				return nil
			}
			from.at = place{segment: s.number + 1}
			continue
		}
		p := b.room(int(min(int64(want), size-from.at.offset)))
		if _, err := s.file.ReadAt(p, from.at.offset); err != nil && err != io.EOF { //nolint:errorlint // ReadAt returns it bare
			return fmt.Errorf("read the queue's %s: %w", s.name(), bare(err))
		}
		rest := size - from.at.offset
		need := b.take(p, s.key, &from, maxBytes, maxEvents)
		switch {
		case b.Events() > 0 || need < 0:
		case need > 0 && int64(need) <= rest:
			want = need // it is a long one
		case int64(len(p)) < rest:
			want = int(rest) // to look for where to go on
		default:
			q.skip(p, s, &from)
			want = min(readSize, max(maxBytes, 4<<10))
		}
	}
	return nil
}

// room returns n bytes of the batch's own.
func (b *Batch) room(n int) []byte {
	if cap(b.buf) < n {
		b.buf = make([]byte, max(n, 64<<10))
	}
	return b.buf[:n]
}

// take adds the events that p begins with, as many as are wanted, and moves from
// behind what it has read. It returns how long p had to be to go on, 0 when what
// follows is no record, and -1 when it has come to the end of p, or has enough.
func (b *Batch) take(p []byte, key uint32, from *Mark, maxBytes, maxEvents int) (need int) {
	bytes := 0
	for len(p) > 0 {
		if len(b.marks) >= maxEvents || bytes >= maxBytes && len(b.marks) > 0 {
			return -1
		}
		body, size, more := next(p, key)
		if size == 0 {
			return more
		}
		p = p[size:]
		from.at.offset += int64(size)
		had := len(b.Frames)
		frames, ok := event(b.Frames, body)
		if !ok {
			b.Frames = b.Frames[:had]
			continue
		}
		b.Frames = frames
		from.events++
		from.bytes += uint64(size)
		bytes += size
		b.add(*from)
	}
	return -1
}

// skip goes on behind what is damaged: p is the rest of a segment, which does not
// begin with a record.
func (q *Queue) skip(p []byte, s *segment, from *Mark) {
	n := resume(p, s.key)
	if n < 0 {
		n = len(p)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.disk.damaged(s, from.at.offset, from.at.offset+int64(n))
	from.at.offset += int64(n)
}

// damaged tells, once, of bytes that are no record.
func (d *disk) damaged(s *segment, begin, end int64) {
	at := place{s.number, begin}
	if d.told[at] {
		return
	}
	d.told[at] = true
	d.log.Error("a part of the queue is damaged, what was in it is lost; the rest goes on", zap.String("directory", d.dir), zap.String("file", s.name()),
		zap.Int64("from", begin), zap.Int64("bytes", end-begin))
}

// recall is read where the queue is in memory.
func (q *Queue) recall(b *Batch, from Mark, maxBytes, maxEvents int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes := 0
	for i := int(from.events - q.head.events); i < len(q.memory) && len(b.marks) < maxEvents && (bytes < maxBytes || len(b.marks) == 0); i++ {
		e := &q.memory[i]
		b.Frames = append(b.Frames, e.frames...)
		from.events++
		from.bytes += uint64(e.bytes)
		bytes += e.bytes
		b.add(from)
	}
}
