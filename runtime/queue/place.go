package queue

// place is one in the log: an offset in a segment.
type place struct {
	segment uint64
	offset  int64
}

func (p place) before(q place) bool {
	return p.segment < q.segment || p.segment == q.segment && p.offset < q.offset
}

// Mark is a place between two events. It is valid while the queue is open.
type Mark struct {
	at     place
	events uint64 // that have been read since the queue was opened
	bytes  uint64 // of these
}

// Events numbers the event before the place, since the queue was opened.
func (m Mark) Events() uint64 { return m.events }
