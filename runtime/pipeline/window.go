package pipeline

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Window is the configuration of a step that makes one event of many.
type Window struct {
	Kind       string           `hcl:"kind" required:"true" oneof:"tumbling|sliding|session" doc:"windows one after the other, windows that overlap, or windows that end with a silence"`
	Interval   setting.Duration `hcl:"interval" min:"1ms" max:"3650d" doc:"how long a tumbling or sliding window is; its borders are multiples of this length since 1970, in UTC"`
	Size       int              `hcl:"size" min:"1" doc:"how many events of its group a tumbling or sliding window has, in place of interval"`
	Every      pace             `hcl:"every" doc:"how often a sliding window closes: a duration where it has an interval, a number of events where it has a size; the length is a multiple of it"`
	Gap        setting.Duration `hcl:"gap" min:"1ms" max:"3650d" doc:"the silence of its group that ends a session"`
	Time       flow.Expr        `hcl:"time" doc:"the event's own time, RFC 3339 or seconds since 1970, which decides on its window in place of the time it comes; not with size"`
	Lateness   setting.Duration `hcl:"lateness" max:"3650d" doc:"with time: how far behind the newest event one may be"`
	Late       string           `hcl:"late" oneof:"drop|err" doc:"with time: what becomes of an event whose window has closed: dropped and counted, or to err"`
	MaxAhead   setting.Duration `hcl:"max_ahead" min:"1ms" max:"3650d" doc:"with time: how far ahead of the clock an event may be; what is beyond goes to err, or one wrong date would close all windows"`
	GroupBy    flow.Expr        `hcl:"group_by" doc:"events for which this is equal are aggregated together; null is a group of its own"`
	Emit       flow.Aggregate   `hcl:"emit" required:"true" vars:"group|window" doc:"the event that a window of a group becomes, with aggregates as in count(). group is what group_by was, window is {start, end}"`
	Origins    string           `hcl:"origins" oneof:"all|last|none" doc:"which connections it answers: each that contributed, the last that did, or none"`
	MaxGroups  int              `hcl:"max_groups" min:"1" doc:"groups that are kept at a time"`
	MaxOrigins int              `hcl:"max_origins" min:"1" doc:"connections that one result answers; the events of others count, but these get no answer, which is logged"`
	MaxItems   int              `hcl:"max_items" min:"1" doc:"values that collect and distinct keep for one group, in each every of a sliding window"`
	OnOverflow string           `hcl:"on_overflow" oneof:"err|close|drop" doc:"what happens when an event would exceed max_groups or max_items: it goes to err; the oldest group, or the one that is full, closes early; or the event is dropped and counted"`
}

// pace is how often a sliding window closes: "10s", or a number of events.
type pace struct {
	Time   setting.Duration
	Events int
}

// UnmarshalText parses a duration or a number of events.
func (p *pace) UnmarshalText(text []byte) error {
	*p = pace{}
	if n, err := strconv.Atoi(string(text)); err == nil && n > 0 {
		p.Events = n
		return nil
	}
	if err := p.Time.UnmarshalText(text); err != nil || p.Time <= 0 {
		return fmt.Errorf("%q is neither a duration, like \"10s\", nor a number of events", text)
	}
	return nil
}

// String spells p so that UnmarshalText reads it; "" for none.
func (p pace) String() string {
	switch {
	case p.Events > 0:
		return strconv.Itoa(p.Events)
	case p.Time > 0:
		return p.Time.String()
	}
	return ""
}

// maxParts bounds how often a sliding window closes while an event is in it,
// and maxOpen how many windows of a group wait for events that are late.
const (
	maxParts = 1000
	maxOpen  = 10000
)

// Ports implements flow.StepConfig: a window has none of its own.
func (c *Window) Ports() []string { return nil }

// New implements flow.StepConfig.
func (c *Window) New(env flow.StepEnv) (flow.Sink, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := &window{Window: *c, env: env, groups: step.NewKeyed[group](c.MaxGroups), closed: longAgo, newest: longAgo}
	w.out = outbox{mu: &w.mu, env: &w.env, counts: &w.Counters, most: maxWaiting + c.MaxGroups}
	w.width, w.step, w.kind = int64(c.Interval), int64(c.Interval), byTime
	switch {
	case c.Kind == "session":
		w.kind, w.step = bySilence, int64(c.Gap)
	case c.Size > 0:
		w.kind, w.width, w.step = byCount, int64(c.Size), int64(c.Size)
	}
	if c.Kind == "sliding" {
		w.step = int64(c.Every.Time) + int64(c.Every.Events) // one of them is zero
	}
	return w, nil
}

func (c *Window) check() error {
	problem := func(field, format string, args ...any) error {
		return &setting.Error{Field: field, Err: fmt.Errorf(format, args...)}
	}
	if c.Emit == nil {
		return problem("emit", "a window needs an emit: the event that it becomes")
	}
	if c.Kind == "session" {
		switch {
		case c.Gap == 0:
			return problem("gap", "a session window needs a gap: the silence that ends it")
		case c.Interval > 0:
			return problem("interval", "a session ends with a gap and has no interval")
		case c.Size > 0:
			return problem("size", "a session ends with a gap and has no size")
		}
	} else {
		switch {
		case c.Gap > 0:
			return problem("gap", "gap is for session windows, this one is %s", c.Kind)
		case c.Interval == 0 && c.Size == 0:
			return problem("interval", "a %s window needs an interval or a size", c.Kind)
		case c.Interval > 0 && c.Size > 0:
			return problem("size", "a window has an interval or a size, not both")
		case c.Time != nil && c.Size > 0:
			return problem("time", "a window with a size takes events in the order in which they come, and needs no time")
		}
	}
	if c.Kind == "sliding" {
		if err := c.checkEvery(); err != nil {
			return &setting.Error{Field: "every", Err: err}
		}
	} else if c.Every != (pace{}) {
		return problem("every", "every is for sliding windows, this one is %s", c.Kind)
	}
	if c.Lateness > 0 && c.Time == nil {
		return problem("lateness", "lateness needs time: without it, no event comes late")
	}
	if unit, length := c.pane(); c.Lateness/maxOpen >= length {
		return problem("lateness", "lateness is %d times %s or more: so many windows of each group would be open", maxOpen, unit)
	}
	return nil
}

// pane is how long the parts of the stream are that a window with time keeps
// apart, and what says so.
func (c *Window) pane() (field string, length setting.Duration) {
	switch c.Kind {
	case "session":
		return "gap", c.Gap
	case "sliding":
		return "every", max(c.Every.Time, 1)
	}
	return "interval", max(c.Interval, 1)
}

func (c *Window) checkEvery() error {
	length, every, unit := int64(c.Interval), int64(c.Every.Time), "interval"
	if c.Size > 0 {
		length, every, unit = int64(c.Size), int64(c.Every.Events), "size"
	}
	switch {
	case c.Every == pace{}:
		return errors.New("a sliding window needs every: how often it closes")
	case every == 0 && c.Size > 0:
		return errors.New("a window with a size closes every so many events, not by time")
	case every == 0:
		return errors.New("a window with an interval closes by time: write every as a duration, like \"10s\"")
	case length%every != 0:
		return fmt.Errorf("%s is not a multiple of every", unit)
	case length/every > maxParts:
		return fmt.Errorf("%s is more than %d times every", unit, maxParts)
	}
	return nil
}

// timeOf is an event's own time.
func (c *Window) timeOf(e *flow.Event, now int64) (int64, error) {
	v, err := c.Time.Eval(e)
	if err != nil {
		return 0, err
	}
	var t int64
	switch {
	case v.Kind() == flow.Text:
		at, err := time.Parse(time.RFC3339, v.Text())
		if err != nil || at.Year() < 1750 || at.Year() > 2190 {
			return 0, errors.New("time is a string that is no time in RFC 3339, like 2026-01-02T15:04:05Z")
		}
		t = at.UnixNano()
	case v.Kind() == flow.Int && -maxSeconds < v.Int() && v.Int() < maxSeconds:
		t = v.Int() * int64(time.Second)
	case v.IsNumber() && -maxSeconds < v.Float() && v.Float() < maxSeconds:
		t = int64(v.Float() * float64(time.Second))
	case v.IsNumber():
		return 0, errors.New("time is a number, but not one of seconds since 1970: divide milliseconds by 1000")
	default:
		return 0, fmt.Errorf("time is %s, where a string (RFC 3339) or a number (seconds since 1970) is needed", v.Kinds())
	}
	if t > now+int64(c.MaxAhead) {
		return 0, fmt.Errorf("the event's time is more than %s (max_ahead) ahead of the clock", c.MaxAhead)
	}
	return t, nil
}

// maxSeconds keeps times, and what is some years from them, within nanoseconds
// of 64 bits: they are from 1750 to 2190.
const maxSeconds = 6_900_000_000
