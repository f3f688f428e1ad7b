package topic

import (
	"cmp"
	"container/list"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// history is what was published lately.
type history struct {
	limits flow.History
	match  Match
	topics map[string]*past
	byAddr families[*past] // of CIDR
	recent list.List       // of *past: the topic that was published last is at the back
	order  list.List       // of *record: the newest is at the back
	bytes  int
	seq    uint64
}

// past is what is kept of a topic.
type past struct {
	topic   string
	records []*record // the newest is the last
	recent  *list.Element
}

// record is one message under one topic.
type record struct {
	*Message
	of    *past
	bytes int
	order *list.Element
}

func newHistory(limits flow.History, match Match) *history {
	return &history{limits: limits, match: match, topics: map[string]*past{}}
}

// keep adds a message under each of its topics.
func (h *history) keep(topics []string, m *Message) {
	h.seq++
	m.seq = h.seq
	h.expire(m.Time)
	size := m.size()
	for _, t := range topics {
		t, err := h.match.Check(t)
		if err != nil || size+len(t) > int(h.limits.MaxBytes) {
			continue
		}
		p := h.past(t)
		if n := len(p.records); n > 0 && p.records[n-1].Message == m {
			continue // it is named twice
		}
		r := &record{Message: m, of: p, bytes: size + len(t)}
		r.order = h.order.PushBack(r)
		p.records = append(p.records, r)
		h.bytes += r.bytes
		if len(p.records) > h.limits.Size {
			h.forget(p.records[0])
		}
		for len(h.topics) > h.limits.MaxTopics {
			for least := h.recent.Front().Value.(*past); len(least.records) > 0; {
				h.forget(least.records[0])
			}
		}
		for h.bytes > int(h.limits.MaxBytes) {
			h.forget(h.order.Front().Value.(*record))
		}
	}
}

// past returns what is kept of a topic that is being published.
func (h *history) past(topic string) *past {
	if p := h.topics[topic]; p != nil {
		h.recent.MoveToBack(p.recent)
		return p
	}
	topic = strings.Clone(topic) // of an event
	p := &past{topic: topic}
	p.recent = h.recent.PushBack(p)
	h.topics[topic] = p
	if h.match == CIDR {
		if prefix, err := parsePrefix(topic); err == nil {
			*h.byAddr.of(prefix).at(keyOf(prefix)) = p
		}
	}
	return p
}

// expire forgets what is too old.
func (h *history) expire(now int64) {
	for e := h.order.Front(); e != nil && h.tooOld(e.Value.(*record), now); e = h.order.Front() {
		h.forget(e.Value.(*record))
	}
}

func (h *history) tooOld(r *record, now int64) bool {
	return h.limits.Age > 0 && r.Time < now-int64(h.limits.Age)
}

// forget drops a record, which is the oldest of its topic.
func (h *history) forget(r *record) {
	p := r.of
	h.order.Remove(r.order)
	h.bytes -= r.bytes
	p.records[0] = nil
	if p.records = p.records[1:]; len(p.records) > 0 {
		return
	}
	h.recent.Remove(p.recent)
	delete(h.topics, p.topic)
	if h.match == CIDR {
		if prefix, err := parsePrefix(p.topic); err == nil {
			h.byAddr.of(prefix).delete(keyOf(prefix))
		}
	}
}

// after lists the messages of topics that one of the patterns means, each once,
// as far as they came after the given one.
func (h *history) after(patterns []string, seq uint64, now int64) []*Message {
	if seq == h.seq {
		return nil
	}
	var found []*Message
	for _, pattern := range patterns {
		for _, p := range h.meant(pattern) {
			for _, r := range p.records {
				if r.seq > seq && !h.tooOld(r, now) {
					found = append(found, r.Message)
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b *Message) int { return cmp.Compare(a.seq, b.seq) })
	return slices.Compact(found)
}

// meant lists the topics that a pattern means.
func (h *history) meant(pattern string) (found []*past) {
	switch h.match {
	case CIDR:
		if p, err := parsePrefix(pattern); err == nil {
			return h.byAddr.of(p).touching(nil, keyOf(p))
		}
	case Glob:
		for t, p := range h.topics {
			if matches(pattern, t) {
				found = append(found, p)
			}
		}
	default:
		if p := h.topics[pattern]; p != nil {
			found = append(found, p)
		}
	}
	return found
}
