package top

import (
	"cmp"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime/admin"
)

// reading is what was heard at one time.
type reading struct {
	address string
	at      time.Time
	status  admin.Status
	err     error // why nothing was heard
	// heard is when something was heard last; at, unless there is an err.
	heard      time.Time
	connectors []connector
}

// connector is one connector, with what has happened since the reading before.
type connector struct {
	admin.Connector
	In, Out float64 // a second
	known   bool    // In and Out are
	worse   bool    // something was lost or has failed since
}

// newReading compares what was heard with the reading before, if there is one.
func newReading(address string, at time.Time, s admin.Status, err error, before *reading) *reading {
	r := &reading{address: address, at: at, status: s, err: err, heard: at}
	if err != nil {
		if before != nil {
			r.heard = before.heard
		}
		return r
	}
	for i := range s.Connectors {
		r.connectors = append(r.connectors, before.since(at, s.Started, &s.Connectors[i]))
	}
	// Those that need somebody come first.
	slices.SortStableFunc(r.connectors, func(a, b connector) int { return cmp.Compare(rank(a), rank(b)) })
	return r
}

func rank(c connector) int {
	switch {
	case !c.Up:
		return 0
	case c.Paused:
		return 1
	}
	return 2
}

// since tells what a connector has done since the reading, which may be none. The
// counters of a process, or a connector, that was started anew begin at 0.
func (r *reading) since(now, started time.Time, c *admin.Connector) connector {
	is := connector{Connector: *c}
	if r == nil || r.err != nil || !r.status.Started.Equal(started) {
		return is
	}
	i := slices.IndexFunc(r.connectors, func(was connector) bool { return was.Flow == c.Flow && was.Name == c.Name })
	seconds := now.Sub(r.at).Seconds()
	if i < 0 || seconds <= 0 {
		return is
	}
	was := &r.connectors[i].Counters
	if c.Counters.EventsIn < was.EventsIn || c.Counters.EventsOut < was.EventsOut {
		return is
	}
	is.In = float64(c.Counters.EventsIn-was.EventsIn) / seconds
	is.Out = float64(c.Counters.EventsOut-was.EventsOut) / seconds
	is.known = true
	is.worse = lost(&c.Counters)+c.Counters.Failed > lost(was)+was.Failed
	return is
}

// lost counts what was to be written and was not.
func lost(c *admin.Counters) uint64 { return c.Lost + c.Dropped }

// Reading is what --json prints for each interval.
type Reading struct {
	Time       time.Time          `json:"time"`
	Error      string             `json:"error,omitempty"` // why nothing could be read; then the rest is left out
	Ready      bool               `json:"ready"`
	Phase      string             `json:"phase,omitempty"`
	Connectors []ConnectorReading `json:"connectors"`
}

// ConnectorReading is one connector. Rates are null where there is nothing to compare
// with: the connector is new, or the process is.
type ConnectorReading struct {
	Flow         string   `json:"flow"`
	Type         string   `json:"type"`
	Name         string   `json:"name"`
	State        string   `json:"state"`
	Up           bool     `json:"up"`
	Paused       bool     `json:"paused,omitempty"`
	Connections  uint64   `json:"connections"`
	InPerSecond  *float64 `json:"in_per_second"`
	OutPerSecond *float64 `json:"out_per_second"`
	Queued       uint64   `json:"queued"`
	Lost         uint64   `json:"lost"`
	Failed       uint64   `json:"failed"`
	LastError    string   `json:"last_error,omitempty"`
}

func (r *reading) json() Reading {
	to := Reading{Time: r.at, Connectors: []ConnectorReading{}}
	if r.err != nil {
		to.Error = r.err.Error()
		return to
	}
	to.Ready, to.Phase = r.status.Ready, string(r.status.Phase)
	for _, c := range r.connectors {
		one := ConnectorReading{
			Flow: c.Flow, Type: c.Type, Name: c.Name, State: string(c.State), Up: c.Up, Paused: c.Paused,
			Connections: c.Counters.Connections, Queued: c.Counters.Waiting, Lost: lost(&c.Counters), Failed: c.Counters.Failed, LastError: c.LastError,
		}
		if c.known {
			one.InPerSecond, one.OutPerSecond = &c.In, &c.Out
		}
		to.Connectors = append(to.Connectors, one)
	}
	return to
}
