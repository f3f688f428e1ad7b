package queue

import "slices"

// Reader is one who reads a queue: one at a time does.
type Reader struct {
	queue *Queue
	wake  func()
}

// Reader returns one of those who may read the queue. wake is called, from any
// goroutine and without a lock, when something has come, or it is this reader's turn.
func (q *Queue) Reader(wake func()) *Reader { return &Reader{queue: q, wake: wake} }

// Begin reports whether it is the reader's turn. Else it will be woken when the one
// before has ended.
func (r *Reader) Begin() bool {
	q := r.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reader == nil {
		q.reader = r
		q.others = slices.DeleteFunc(q.others, func(o *Reader) bool { return o == r })
	}
	if q.reader != r && !slices.Contains(q.others, r) {
		q.others = append(q.others, r)
	}
	return q.reader == r
}

// End lets another one read. What was not confirmed is read again.
func (r *Reader) End() {
	q := r.queue
	q.mu.Lock()
	q.others = slices.DeleteFunc(q.others, func(o *Reader) bool { return o == r })
	var next *Reader
	if q.reader == r {
		q.reader, q.cursor = nil, q.head
		if len(q.others) > 0 {
			next = q.others[0]
		}
	}
	q.mu.Unlock()
	if next != nil {
		next.wake()
	}
}
