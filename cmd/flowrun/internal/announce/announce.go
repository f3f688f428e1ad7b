// Package announce tells who listens what becomes of the process as a whole: that
// its flows have changed, and now and then what it has done so far. What becomes of
// connectors and connections is told by the engine.
package announce

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/notice"
)

// Announcer publishes notices about the process. A nil To is nobody.
type Announcer struct {
	To *feed.Feed[notice.Notice]
}

func (a Announcer) listened() bool { return a.To != nil && a.To.Listened() }

// Reloaded tells that other flows run: what has become of the parts of each, by the
// flows' names, and whether something waits for the process to start anew.
func (a Announcer) Reloaded(changes map[string][]graph.Change, restart bool) {
	if a.listened() {
		a.To.Publish(notice.Of(notice.ConfigReload, nil, changed(changes, restart)...))
	}
}

// Failed tells that a reload has changed nothing, and why.
func (a Announcer) Failed(why string) {
	if a.listened() {
		a.To.Publish(notice.Of(notice.ConfigReload, nil, append(changed(nil, false), flow.Field{Key: "error", Value: flow.TextOf(why)})...))
	}
}

// Saved tells that the files have been written: what a reload would do, which is
// nothing when they are not valid, and whether it would leave something to a new start.
func (a Announcer) Saved(now, next []*flowfile.File, restart, valid bool) {
	if !a.listened() {
		return
	}
	changes := map[string][]graph.Change{}
	if valid {
		changes = compare(now, next)
	}
	a.To.Publish(notice.Of(notice.ConfigSaved, nil, append(changed(changes, restart), flow.Field{Key: "valid", Value: flow.BoolOf(valid)})...))
}

// compare tells what becomes of the parts of flows, by the flows' names.
func compare(now, next []*flowfile.File) map[string][]graph.Change {
	before, after := map[string]*graph.Graph{}, map[string]*graph.Graph{}
	changes := map[string][]graph.Change{}
	for _, f := range now {
		before[f.Name] = graph.New(f)
		changes[f.Name] = nil
	}
	for _, f := range next {
		after[f.Name] = graph.New(f)
		changes[f.Name] = nil
	}
	for name := range changes {
		changes[name] = graph.Diff(before[name], after[name])
	}
	return changes
}

// changed lists the addresses of the blocks that do not just go on; of several
// flows, with the flow's name before them. What waits for a new start is in the
// block flow.
func changed(changes map[string][]graph.Change, restart bool) []flow.Field {
	var sections []flow.Value
	if restart {
		sections = append(sections, flow.TextOf("flow"))
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		for _, c := range changes[name] {
			section := c.Node().Block()
			if len(changes) > 1 {
				section = name + "/" + section
			}
			if c.Fate != graph.Keep && !seen[section] {
				seen[section] = true
				sections = append(sections, flow.TextOf(section))
			}
		}
	}
	return []flow.Field{
		{Key: "changed_sections", Value: flow.ListOf(sections)},
		{Key: "requires_restart", Value: flow.BoolOf(restart)},
	}
}

// Stats tells the counters of the process, as total gives them, at each interval
// until ctx ends.
func (a Announcer) Stats(ctx context.Context, interval time.Duration, total func() link.Stats) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if a.listened() {
				a.To.Publish(notice.Of(notice.StatsUpdate, nil, counters(total())...))
			}
		}
	}
}

func counters(s link.Stats) []flow.Field {
	var fields []flow.Field
	for _, c := range []struct {
		name  string
		value uint64
	}{
		{"active_connections", s.Open},
		{"total_connections", s.Opened},
		{"bytes_sent", s.BytesOut},
		{"bytes_received", s.BytesIn},
		{"events_in", s.EventsIn},
		{"events_out", s.EventsOut},
		{"lost", s.Lost},
		{"dropped", s.Dropped},
		{"failed", s.Failed},
		{"queued", s.Queued},
	} {
		fields = append(fields, flow.Field{Key: c.name, Value: flow.IntOf(int64(c.value))})
	}
	return fields
}
