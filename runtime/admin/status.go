package admin

import (
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime/status"
)

// Readiness is what a load balancer wants to know, and what /readyz answers.
type Readiness struct {
	Ready bool         `json:"ready"`
	Phase status.Phase `json:"phase"`
	// NotUp are the required connectors that are not up, or paused.
	NotUp []Brief `json:"not_up"`
}

// Brief says which connector, and what it does.
type Brief struct {
	Flow  string       `json:"flow"`
	Type  string       `json:"type"`
	Name  string       `json:"name"`
	State status.State `json:"state"`
	// Paused says that it receives nothing from its connections.
	Paused bool `json:"paused"`
}

// Doing says what it does, for people: "open", "open, paused".
func (b Brief) Doing() string {
	if b.Paused {
		return string(b.State) + ", paused"
	}
	return string(b.State)
}

// Status is what /api/v1/status answers.
type Status struct {
	Readiness
	Started    time.Time   `json:"started"`
	Connectors []Connector `json:"connectors"` // in the order of start
}

// Connectors is what /api/v1/connectors answers.
type Connectors struct {
	Connectors []Connector `json:"connectors"` // in the order of start
}

// Connector is one connector as /api/v1/connectors tells of it.
type Connector struct {
	Brief
	Required       bool       `json:"required"`
	Up             bool       `json:"up"`
	Since          *time.Time `json:"since,omitempty"` // of the state
	FailedAttempts int        `json:"failed_attempts"` // in a row
	LastError      string     `json:"last_error,omitempty"`
	NextRetry      *time.Time `json:"next_retry,omitempty"`
	Listening      []string   `json:"listening,omitempty"` // URLs
	Counters       Counters   `json:"counters"`
}

// Counters are those of one connector since it has started, and what it holds now.
type Counters struct {
	Connections          uint64     `json:"connections"` // now
	ConnectionsTotal     uint64     `json:"connections_total"`
	EventsIn             uint64     `json:"events_in"`                // decoded
	EventsOut            uint64     `json:"events_out"`               // written
	BytesIn              uint64     `json:"bytes_in"`                 // of messages, before processors
	BytesOut             uint64     `json:"bytes_out"`                // of messages, behind processors
	Lost                 uint64     `json:"lost"`                     // for a connection that ended first
	Dropped              uint64     `json:"dropped"`                  // by the overflow policy of a queue
	Failed               uint64     `json:"failed"`                   // events in that nothing took
	Unheard              uint64     `json:"unheard"`                  // broadcast to nobody
	SubscriptionsRefused uint64     `json:"subscriptions_refused"`    // not made
	SlowConnections      uint64     `json:"slow_connections"`         // ended because their queue was full
	Queued               uint64     `json:"queued"`                   // waiting now, in queues that outlive connections
	Waiting              uint64     `json:"waiting"`                  // events that wait now in all queues, and that are being written
	WaitingBytes         uint64     `json:"waiting_bytes"`            // of these
	OldestWaiting        *time.Time `json:"oldest_waiting,omitempty"` // when the first that is in a queue arrived
}

// readinessOf tells who is waited for.
func readinessOf(h status.Health) Readiness {
	r := Readiness{Ready: h.Ready, Phase: h.Phase, NotUp: []Brief{}}
	for i := range h.Connectors {
		if c := &h.Connectors[i]; c.Required && !c.Ready() {
			r.NotUp = append(r.NotUp, briefOf(c))
		}
	}
	return r
}

func briefOf(c *status.Connector) Brief {
	return Brief{Flow: c.Flow, Type: c.Type, Name: c.Name, State: c.State, Paused: c.Paused}
}

func connectorsOf(h status.Health) []Connector {
	all := make([]Connector, len(h.Connectors))
	for i := range h.Connectors {
		all[i] = connectorOf(&h.Connectors[i])
	}
	return all
}

func connectorOf(c *status.Connector) Connector {
	to := Connector{
		Brief:          briefOf(c),
		Required:       c.Required,
		Up:             c.State.Up(),
		Since:          unlessZero(c.Since),
		FailedAttempts: c.Attempts,
		LastError:      c.LastError,
		NextRetry:      unlessZero(c.NextRetry),
		Counters: Counters{
			Connections:          c.Stats.Open,
			ConnectionsTotal:     c.Stats.Opened,
			EventsIn:             c.Stats.EventsIn,
			EventsOut:            c.Stats.EventsOut,
			BytesIn:              c.Stats.BytesIn,
			BytesOut:             c.Stats.BytesOut,
			Lost:                 c.Stats.Lost,
			Dropped:              c.Stats.Dropped,
			Failed:               c.Stats.Failed,
			Unheard:              c.Stats.Unheard,
			SubscriptionsRefused: c.Stats.Refused,
			SlowConnections:      c.Stats.Slow,
			Queued:               c.Stats.Queued,
			Waiting:              c.Stats.Waiting,
			WaitingBytes:         c.Stats.WaitingBytes,
			OldestWaiting:        unlessZero(timeOf(c.Stats.Oldest)),
		},
	}
	for _, l := range c.Listening {
		to.Listening = append(to.Listening, l.String())
	}
	return to
}

// timeOf is the time in Unix nanoseconds, of which 0 is none.
func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Alive is what /healthz answers.
type Alive struct {
	Status string `json:"status"` // "ok"
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Alive{"ok"})
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	r := readinessOf(s.options.Health())
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, r)
}

func (s *Server) scrape(w http.ResponseWriter, r *http.Request) { s.options.Metrics.ServeHTTP(w, r) }

// Build says how the binary was built.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"`
	Changed bool   `json:"changed,omitempty"` // from a work tree with uncommitted changes
	Go      string `json:"go"`
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.options.Build)
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	h := s.options.Health()
	answer(w, http.StatusOK, Status{readinessOf(h), s.started, connectorsOf(h)})
}

func (s *Server) connectors(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Connectors{connectorsOf(s.options.Health())})
}
