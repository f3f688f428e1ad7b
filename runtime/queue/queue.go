package queue

import (
	"context"
	"errors"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Limits bound a queue.
type Limits struct {
	Events int
	Bytes  int64 // where it is persistent, of the disk: with what records need beside their frames
}

// Queue keeps events, each as the frames that it is spelled in, until they are
// confirmed. Its methods may be called from any goroutine; Next, Rewind and what is
// confirmed are for its one reader.
type Queue struct {
	reading sync.Mutex // held while segments are read, and before mu
	mu      sync.Mutex
	limits  Limits
	events  int   // that are not confirmed
	bytes   int64 // of these, in memory; see size
	head    Mark  // where what is not confirmed begins
	cursor  Mark  // where Next goes on
	changed chan struct{}
	oldest  arrival // that Oldest has read; reading guards it
	reader  *Reader
	others  []*Reader // who wait for their turn

	memory []entry // from head on
	disk   *disk   // nil where the queue is in memory
	// pending is what has been added and is not being written yet; nil for nothing.
	pending    *Ticket
	committing bool
	opened     int // how many have it open
	closed     bool
}

// entry is an event in memory.
type entry struct {
	frames []flow.Frame
	bytes  int
}

// New returns a queue in memory.
func New(l Limits) *Queue { return &Queue{limits: l} }

// Close makes a queue in memory take nothing more, and forget what is in it. One on the
// disk is closed by its Set.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.events, q.bytes, q.memory = true, 0, 0, nil
	q.notify()
}

// Persistent reports whether what is in the queue outlives the process.
func (q *Queue) Persistent() bool { return q.disk != nil }

// ErrClosed is the error of what is done with a queue that is closed.
var ErrClosed = errors.New("the queue is closed")

// Ticket stands for what was added together. nil is what needs no waiting.
type Ticket struct {
	records []byte
	events  int
	done    chan struct{}
	err     error
}

// Add takes events, the oldest first, as far as there is room: frames are those of all
// of them, from the given place on, and ends says where those of each end. It copies the
// bytes, does not wait, and returns how many it has taken. They are safe when Wait says so. A queue that is
// empty has room for any event.
func (q *Queue) Add(frames []flow.Frame, from int, ends []int) (n int, t *Ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, end := range ends {
		of := frames[from:end]
		if q.closed || q.isFull(of) {
			break
		}
		if q.disk != nil {
			q.append(of)
		} else {
			q.remember(of)
		}
		from = end
		q.events++
		n++
	}
	if n > 0 {
		t = q.pending
	}
	return n, t
}

func (q *Queue) isFull(frames []flow.Frame) bool {
	if q.events == 0 {
		return false
	}
	more := int64(0)
	for i := range frames {
		more += int64(len(frames[i].Data))
	}
	return q.events >= q.limits.Events || q.size()+more > q.limits.Bytes
}

// size is what counts against the limit of bytes. The caller holds mu.
func (q *Queue) size() int64 {
	switch {
	case q.events == 0:
		return 0
	case q.disk == nil:
		return q.bytes
	}
	size := q.disk.total - q.head.at.offset
	if q.pending != nil {
		size += int64(len(q.pending.records))
	}
	return size
}

func (q *Queue) remember(frames []flow.Frame) {
	e := entry{frames: make([]flow.Frame, len(frames))}
	for i := range frames {
		e.bytes += len(frames[i].Data)
	}
	all := make([]byte, 0, e.bytes)
	for i, f := range frames {
		start := len(all)
		all = append(all, f.Data...)
		f.Data = all[start:len(all):len(all)]
		e.frames[i] = f
	}
	q.memory = append(q.memory, e)
	q.bytes += int64(e.bytes)
}

func (q *Queue) append(frames []flow.Frame) {
	if q.pending == nil {
		q.pending = &Ticket{done: make(chan struct{}), records: q.disk.spare[:0]}
		q.disk.spare = nil
	}
	q.pending.records = appendEvent(q.pending.records, frames)
	q.pending.events++
}

// Wait waits until what a ticket stands for is on the disk. The error says why it is
// not there: nothing of it is in the queue then, unless it is that of ctx. What is
// added meanwhile by others is written together, with one wait for the disk.
func (q *Queue) Wait(ctx context.Context, t *Ticket) error {
	if t == nil {
		return nil
	}
	q.mu.Lock()
	if !q.committing && q.pending == t {
		q.committing = true
		go q.commit()
	}
	q.mu.Unlock()
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit writes what is pending, and what comes meanwhile.
func (q *Queue) commit() {
	q.mu.Lock()
	for q.pending != nil {
		t := q.pending
		q.pending = nil
		q.disk.writing = int64(len(t.records))
		s, limit := q.disk.last(), q.disk.limit
		q.mu.Unlock()
		s, t.err = q.disk.write(s, limit, t.records)
		q.mu.Lock()
		q.disk.writing = 0
		q.disk.wrote(s, int64(len(t.records)), t.err)
		if t.err != nil {
			q.events -= t.events
			q.trim()
		}
		if cap(t.records) <= maxSpare {
			q.disk.spare = t.records
		}
		t.records = nil
		q.writeHead()
		q.notify()
		wake := q.reader
		q.mu.Unlock()
		close(t.done)
		if t.err == nil && wake != nil {
			wake.wake()
		}
		q.mu.Lock()
	}
	q.committing = false
	q.notify()
	q.mu.Unlock()
}

// Changed returns what is closed when there may be room again. Who was refused asks for
// it, tries once more, and then waits.
func (q *Queue) Changed() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.change()
}

// change is Changed for who holds mu.
func (q *Queue) change() <-chan struct{} {
	if q.changed == nil {
		q.changed = make(chan struct{})
	}
	return q.changed
}

// notify is called by who holds mu.
func (q *Queue) notify() {
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

// Len tells how many events are not confirmed, and how many bytes of the queue's
// bound they take.
func (q *Queue) Len() (events int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events, q.size()
}

// Sent tells how many events Next has given that are not confirmed, and their bytes.
func (q *Queue) Sent() (events, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.cursor.events - q.head.events), int(q.cursor.bytes - q.head.bytes)
}

// Confirm says that everything up to m has arrived, lets it go, and returns how many
// events that were.
func (q *Queue) Confirm(m Mark) (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.letGo(m)
}

// letGo is Confirm for who holds mu.
func (q *Queue) letGo(m Mark) (n int) {
	if m.events <= q.head.events || q.closed {
		return 0
	}
	n = int(m.events - q.head.events)
	q.events -= n
	if q.disk == nil {
		for i := range n {
			q.bytes -= int64(q.memory[i].bytes)
		}
		clear(q.memory[:n])
		q.memory = q.memory[n:]
	}
	q.head = m
	if q.cursor.events < m.events {
		q.cursor = m
	}
	if q.disk != nil {
		q.disk.stale = true
		q.trim()
		q.writeHead()
	}
	q.notify()
	return n
}

// trim removes what is confirmed, as far as that can be done. The caller holds mu.
func (q *Queue) trim() {
	if s := q.disk.last(); s != nil && q.events == 0 {
		q.head.at = place{s.number, s.size} // what is there are heads
	}
	q.head.at = q.disk.trim(q.head.at)
	if q.cursor.at.before(q.head.at) {
		q.cursor.at = q.head.at
	}
}

// writeHead notes where the head is, so that a later process does not begin before
// it. It does not wait for the disk: what a crash of the machine loses of it is sent
// once more. The caller holds mu.
func (q *Queue) writeHead() {
	if q.disk == nil || !q.disk.stale || q.committing && q.disk.writing > 0 {
		return // or at the end of what is being written
	}
	q.disk.writeHead(q.head.at)
}

// Rewind makes Next begin at the oldest event that is not confirmed.
func (q *Queue) Rewind() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cursor = q.head
}

// Drop removes the oldest event, confirmed or not by then, and returns its frames.
// ok is false when there is none that is on the disk.
func (q *Queue) Drop() (frames []flow.Frame, ok bool) {
	q.reading.Lock()
	defer q.reading.Unlock()
	q.mu.Lock()
	from := q.head
	q.mu.Unlock()
	var b Batch
	if err := q.read(&b, from, 1, 1); err != nil || b.Events() == 0 {
		return nil, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.letGo(b.Upto(1))
	return b.Frames, true
}
