package pipeline

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// group is what a window keeps for one value of group_by.
type group struct {
	key   flow.Value
	panes []*pane // by start
	due   int64   // when it closes by time
	place int     // in the agenda; -1 when it is not there
}

// pane is a part of a group's events.
type pane struct {
	acc        flow.Accumulator
	start, end int64  // the borders of a part of an interval; else the times of the first and last event
	arrived    uint64 // place of its first event in the stream
	events     int
	origins    origins
	trace      *flow.Trace // of the last event that has one
	errs       bool        // err events are among them
}

// insert puts a pane in its place.
func (g *group) insert(p *pane) {
	i := len(g.panes)
	for i > 0 && g.panes[i-1].start > p.start {
		i--
	}
	g.panes = slices.Insert(g.panes, i, p)
}

// find returns the pane that takes an event at t, nil when a new one must.
func (w *window) find(g *group, t int64) *pane {
	for i := len(g.panes) - 1; i >= 0; i-- {
		p := g.panes[i]
		switch w.kind {
		case byTime:
			if p.start <= t && t < p.end {
				return p
			}
		case byCount:
			if int64(p.events) < w.step {
				return p
			}
			return nil
		case bySilence:
			if t < p.end+w.step && t > p.start-w.step {
				return p
			}
		}
	}
	return nil
}

// settle is called after an event at t has been added to pane p of g.
func (w *window) settle(g *step.Entry[group], p *pane, t int64) {
	switch w.kind {
	case byTime:
		if p.events == 1 {
			w.due.bring(g, p.end)
		}
	case byCount:
		p.end = max(p.end, t)
		if int64(p.events) == w.step {
			w.emit(&g.Value, g.Value.panes, p.end)
			if n := len(g.Value.panes); int64(n)*w.step >= w.width {
				w.leave(g, 1)
			}
		}
	case bySilence:
		p.start, p.end = min(p.start, t), max(p.end, t)
		w.join(&g.Value)
		// A session that goes on closes later than it is on the agenda for,
		// which is found out then: that saves moving it with each event.
		w.due.bring(g, g.Value.panes[0].end+w.step)
	}
}

// join merges sessions between which an event has closed the gap.
func (w *window) join(g *group) {
	for i := 1; i < len(g.panes); i++ {
		a, b := g.panes[i-1], g.panes[i]
		if b.start-a.end >= w.step {
			continue
		}
		a.acc.Merge(b.acc)
		a.end, a.events = max(a.end, b.end), a.events+b.events
		a.arrived, a.errs = min(a.arrived, b.arrived), a.errs || b.errs
		a.trace = cmp.Or(b.trace, a.trace)
		w.joinOrigins(&a.origins, &b.origins)
		g.panes = slices.Delete(g.panes, i, i+1)
		i--
	}
}

// joinOrigins adds the connections of a later pane to those of an earlier one.
func (w *window) joinOrigins(to, later *origins) {
	for _, o := range later.list {
		if w.Origins == "last" {
			to.only(o)
		} else {
			w.addOrigin(to, o)
		}
	}
}

// closeDue closes what is due at the time mark.
func (w *window) closeDue(mark int64) {
	for w.due.first() <= mark {
		g := w.due[0]
		at := g.Value.due
		if w.kind == bySilence {
			w.closeSessions(g, mark)
		} else {
			w.closeInterval(g, at)
		}
	}
	w.closed = max(w.closed, mark)
}

// closeInterval closes the window of g that ends at the time at.
func (w *window) closeInterval(g *step.Entry[group], at int64) {
	panes := g.Value.panes
	n := 0
	for n < len(panes) && panes[n].end <= at {
		n++
	}
	w.emit(&g.Value, panes[:n], at)
	gone := 0
	for gone < n && panes[gone].start+w.width <= at {
		gone++
	}
	next := int64(never)
	if gone < n {
		next = at + w.step // what stays is in the next window, too
	}
	if n < len(panes) {
		next = min(next, panes[n].end)
	}
	w.leave(g, gone)
	if !g.Forgotten() {
		w.due.move(g, next)
	}
}

// closeSessions closes the sessions of g that have been silent for the gap.
func (w *window) closeSessions(g *step.Entry[group], mark int64) {
	panes := g.Value.panes
	n := 0
	for n < len(panes) && panes[n].end+w.step <= mark {
		w.emit(&g.Value, panes[n:n+1], panes[n].end)
		n++
	}
	w.leave(g, n)
	if !g.Forgotten() {
		w.due.move(g, g.Value.panes[0].end+w.step)
	}
}

// leave takes the n oldest panes from g, and g away when none are left.
func (w *window) leave(g *step.Entry[group], n int) {
	for _, p := range g.Value.panes[:n] {
		w.Held.Add(-int64(p.events))
	}
	if n < len(g.Value.panes) {
		g.Value.panes = slices.Delete(g.Value.panes, 0, n)
		return
	}
	g.Value.panes = nil
	w.due.remove(g)
	w.groups.Forget(g)
}

// forget closes all windows of g early.
func (w *window) forget(g *step.Entry[group]) {
	panes := g.Value.panes
	switch w.kind {
	case byTime:
		last := panes[len(panes)-1].end
		for !g.Forgotten() && g.Value.due <= last {
			w.closeInterval(g, g.Value.due)
		}
	case byCount:
		if p := panes[len(panes)-1]; int64(p.events) < w.step {
			w.emit(&g.Value, panes, p.end)
		}
	case bySilence:
		for i, p := range panes {
			w.emit(&g.Value, panes[i:i+1], p.end)
		}
	}
	if !g.Forgotten() {
		w.leave(g, len(g.Value.panes))
	}
}

func (w *window) closeAll() {
	for g := w.groups.Oldest(); g != nil; g = w.groups.Oldest() {
		w.forget(g)
	}
}

// emit makes a result of panes, which end at the time at.
func (w *window) emit(g *group, panes []*pane, at int64) {
	c := &closedWindow{window: w, key: g.key, panes: slices.Clone(panes), start: panes[0].start, end: at, arrived: panes[0].arrived}
	if w.kind == byTime {
		c.start = at - w.width
	}
	for _, p := range panes[1:] {
		c.arrived = min(c.arrived, p.arrived)
	}
	w.closing = append(w.closing, c)
}

// closedWindow is a result: what a group had in a window.
type closedWindow struct {
	*window
	key        flow.Value
	panes      []*pane
	start, end int64
	arrived    uint64
}

func sortClosed(all []*closedWindow) {
	slices.SortFunc(all, func(a, b *closedWindow) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.arrived, b.arrived))
	})
}

// payload implements result.
func (c *closedWindow) payload() (flow.Value, string, error) {
	acc := c.panes[0].acc
	if len(c.panes) > 1 {
		acc = c.Emit.New()
		for _, p := range c.panes {
			acc.Merge(p.acc)
		}
	}
	v, err := acc.Value(c.key, c.window.span.of(c.start, c.end))
	var part interface{ At() string }
	if errors.As(err, &part) {
		return v, part.At(), err
	}
	return v, c.Emit.At(), err
}

// origin implements result.
func (c *closedWindow) origin() *flow.Origin {
	if len(c.panes) == 1 {
		return c.panes[0].origins.union()
	}
	var all origins
	for _, p := range c.panes {
		c.joinOrigins(&all, &p.origins)
	}
	return all.union()
}

// trace implements result.
func (c *closedWindow) trace() (last *flow.Trace) {
	for _, p := range c.panes {
		last = cmp.Or(p.trace, last)
	}
	return last
}

// ofErrs implements result.
func (c *closedWindow) ofErrs() bool {
	return slices.ContainsFunc(c.panes, func(p *pane) bool { return p.errs })
}

// span is `window` in an emit. Many results in a row have the same.
type span struct {
	start, end int64
	value      flow.Value
}

func (s *span) of(start, end int64) flow.Value {
	if s.start != start || s.end != end || s.value.IsNull() {
		*s = span{start, end, flow.MapOf(flow.ObjectOf(
			flow.Field{Key: "start", Value: timeValue(start)},
			flow.Field{Key: "end", Value: timeValue(end)},
		))}
	}
	return s.value
}

func timeValue(t int64) flow.Value {
	return flow.TextOf(time.Unix(0, t).UTC().Format(time.RFC3339Nano))
}

// agenda is a heap of groups by when they are due.
type agenda []*step.Entry[group]

func (a agenda) first() int64 {
	if len(a) == 0 {
		return never
	}
	return a[0].Value.due
}

// bring sees to it that g is on the agenda at due, or before.
func (a *agenda) bring(g *step.Entry[group], due int64) {
	if g.Value.place < 0 {
		g.Value.due = due
		heap.Push(a, g)
	} else if due < g.Value.due {
		a.move(g, due)
	}
}

// move changes when g, which is on the agenda, is due.
func (a *agenda) move(g *step.Entry[group], due int64) {
	g.Value.due = due
	heap.Fix(a, g.Value.place)
}

func (a *agenda) remove(g *step.Entry[group]) {
	if g.Value.place >= 0 {
		heap.Remove(a, g.Value.place)
	}
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].Value.due < a[j].Value.due }
func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].Value.place, a[j].Value.place = i, j
}

// Push implements heap.Interface.
func (a *agenda) Push(x any) {
	g := x.(*step.Entry[group])
	g.Value.place = len(*a)
	*a = append(*a, g)
}

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	g := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	g.Value.place = -1
	return g
}

// arrivals is a batch on its way into panes: what could be computed before the
// lock was taken.
type arrivals struct {
	now     int64
	errs    bool // they are err events
	closed  bool // they have closed windows
	keys    []byte
	events  []arrival
	refused []flow.Failure
}

type arrival struct {
	key      flow.Value
	from, to int // in keys
	time     int64
	err      error
}

// maxKept bounds the keys of a batch whose memory is kept for the next.
const maxKept = 64 << 10

var arriving = sync.Pool{New: func() any { return new(arrivals) }}

func (a *arrivals) release() {
	if cap(a.keys) > maxKept || cap(a.events) > 4*maxSent {
		return // one large batch does not stay in memory
	}
	clear(a.events)
	clear(a.refused)
	*a = arrivals{keys: a.keys[:0], events: a.events[:0], refused: a.refused[:0]}
	arriving.Put(a)
}

func (a *arrivals) keyOf(x *arrival) []byte { return a.keys[x.from:x.to] }

// look evaluates what decides on the pane of each event.
func (a *arrivals) look(ctx context.Context, w *window, batch []flow.Event) {
	a.now, a.errs = time.Now().UnixNano(), flow.OnErrPath(ctx)
	for i := range batch {
		x := arrival{from: len(a.keys)}
		if w.GroupBy != nil {
			x.key, x.err = w.GroupBy.Eval(&batch[i])
			a.keys = valuekey.Append(a.keys, x.key)
		}
		x.to = len(a.keys)
		if w.Time != nil && x.err == nil {
			x.time, x.err = w.timeOf(&batch[i], a.now)
		}
		a.events = append(a.events, x)
	}
}
