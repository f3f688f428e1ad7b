package pipeline

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var windowSpec = flow.Spec[flow.StepConfig]{
	Name:    "window",
	Summary: "makes one event of many: what they come to in a time",
	Doc: `The events of a group (` + "`group_by`" + `) that are in one window become one event, ` + "`emit`" + `: the group's key
` + "`group`" + `, the window's ` + "`window.start`" + ` and ` + "`window.end`" + ` (RFC 3339, UTC), and aggregates over the events.

| kind | a window |
|---|---|
| ` + "`tumbling`" + ` with ` + "`interval`" + ` | follows the one before; its borders are multiples of the interval since 1970 in UTC: with "1m" on the minute |
| ` + "`tumbling`" + ` with ` + "`size`" + ` | is so many events of a group |
| ` + "`sliding`" + ` with ` + "`interval`" + ` and ` + "`every`" + ` | closes with each ` + "`every`" + ` and reaches back for the interval |
| ` + "`sliding`" + ` with ` + "`size`" + ` and ` + "`every`" + ` | closes with every so many events of a group and reaches back for ` + "`size`" + ` of them; the first ones have fewer |
| ` + "`session`" + ` with ` + "`gap`" + ` | is the events of a group between which there is no silence of the gap or longer |

A session whose group is never silent does not close, nor does a window of so many events that never come, before the
process ends. Without an interval, ` + "`window.start`" + ` and ` + "`window.end`" + ` are the times of the first and the last event. A
sliding window costs one aggregation for each ` + "`every`" + ` that an event is in it, at most 1000.

**Time.** An event is in the window of the moment at which it comes, and windows close when their time is
over, whether or not anything comes; a clock that is set back stands still for them until it has caught up. With ` + "`time`" + ` the event says its own time. How far the stream has
come is then the newest time seen less ` + "`lateness`" + `, and windows close when it has come to their end; while
nothing comes, that goes on with the clock. An event whose window (of a sliding one, the first that
it would be in) has closed is ` + "`late`" + `: it is dropped and counted, or goes to ` + "`err`" + `.

Windows that close at the same time go on together, in the order of their start and then of the
group's first event. Those of one group go on in order. When the process ends, all windows close early, before
the connections that the results can go to are told goodbye; what still comes is a window by itself.

**Answers.** The result has no meta. With ` + "`origins = \"all\"`" + ` it answers every connection that an event in it
came from, once, however many it sent; at most ` + "`max_origins`" + ` of them, the first ones. ` + "`\"last\"`" + ` answers the
connection of the last event, ` + "`\"none\"`" + ` nobody: then the target needs another way to know where the
result goes.

**What is lost.** An event counts as delivered when its window has taken it. A crash loses what open windows
hold. When a result cannot be computed or delivered it goes to the pipeline's ` + "`err`" + ` port; without one it
is lost, which is logged and counted. As long as results are not taken by what comes behind, those
who bring more events wait. An event that an expression fails on counts in no aggregate and goes to
` + "`err`" + `.

**Memory.** Events are not kept, only what aggregates need of them. A group takes about 0.5 KiB, its
key, and what its aggregates keep: tens of bytes for count, sum, avg, min, max, stdev, some KiB for quantile, and for
collect and distinct their values, at most ` + "`max_items`" + `. A sliding window keeps that for each ` + "`every`" + ` in it,
and one that waits for what is late for each of its windows in ` + "`lateness`" + `, which are fewer than 10000. A
connection to answer takes 8 bytes in each group, 40 where there are many, and stays in memory, although
it may have closed, until the window closes. What ` + "`max_groups`" + ` and ` + "`max_items`" + ` do not allow is for ` + "`on_overflow`" + `
to decide.`,
	Example: windowExample,
	Config: func() flow.StepConfig {
		return &Window{
			Late:       "drop",
			MaxAhead:   setting.Duration(time.Minute),
			Origins:    "all",
			MaxGroups:  10000,
			MaxOrigins: 1000,
			MaxItems:   10000,
			OnOverflow: "err",
		}
	},
}

const windowExample = `connector "metronome" "clock" {
  interval = "100ms"
  event    = jsonencode({ site = "north", value = 3 })
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "per_second" {
  window "second" {
    kind     = "tumbling"
    interval = "1s"
    group_by = event.site
    emit     = { site = group, from = window.start, count = count(), mean = avg(event.value) }
  }
}

connect "show" {
  from = connector.clock
  via  = [pipeline.per_second]
  to   = connector.console
}
`
