package queue

// arrival is when an event came, by its number.
type arrival struct {
	number uint64
	time   int64 // Unix nanoseconds; 0 where nobody has said
}

// Oldest tells when the oldest event arrived that is not confirmed, in Unix
// nanoseconds; 0 when there is none that is safe, or nobody has said when. On the disk it is
// read there, once for each event that somebody asks about.
func (q *Queue) Oldest() int64 {
	q.reading.Lock()
	defer q.reading.Unlock()
	q.mu.Lock()
	head, none := q.head, q.events == 0 || q.closed
	q.mu.Unlock()
	switch {
	case none:
		return 0
	case q.oldest.time != 0 && q.oldest.number == head.events:
		return q.oldest.time
	}
	var b Batch
	if err := q.read(&b, head, 1, 1); err != nil || len(b.Frames) == 0 {
		return 0 // who is to send it will tell
	}
	q.oldest = arrival{head.events, b.Frames[0].Time}
	return q.oldest.time
}
