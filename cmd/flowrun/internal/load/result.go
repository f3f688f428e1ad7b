package load

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
)

// Result is what a run found.
type Result struct {
	URL         string  `json:"url"`
	Mode        string  `json:"mode"`
	Connections int     `json:"connections"` // that were opened
	InFlight    int     `json:"in_flight,omitempty"`
	Rate        float64 `json:"rate,omitempty"`

	Ended    string  `json:"ended"`   // by "duration", "count", "interrupted" or "failed"
	Seconds  float64 `json:"seconds"` // that were measured
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"` // of their payloads

	MessagesPerSecond float64 `json:"messages_per_second"`
	BytesPerSecond    float64 `json:"bytes_per_second"`

	Latency  *Times `json:"latency_us,omitempty"`     // from sending, or from when a rate says that, to the answer
	SentLate *Times `json:"sent_late_us,omitempty"`   // with a rate: how much later than they should messages left
	Connect  *Times `json:"connect_us"`               // how long connections took to open
	Errors   Errors `json:"errors"`                   // connections that were given up
	Lost     int64  `json:"unanswered"`               // messages that were sent to no effect
	Unsent   int64  `json:"unsent"`                   // messages that were due, and that the server did not take
	Server   *Costs `json:"server_process,omitempty"` // of the process that was named
}

// Good reports whether all went well: nothing was wrong, and something came
// unless the user has not waited for it.
func (r *Result) Good() bool {
	return r.Errors.Total() == 0 && r.Lost == 0 && r.Unsent == 0 && (r.Messages > 0 || r.Ended == "interrupted")
}

// Times sums up a histogram, in microseconds.
type Times struct {
	Count uint64  `json:"count"`
	Min   float64 `json:"min"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	Max   float64 `json:"max"`
}

func timesOf(h *Histogram) *Times {
	if h.Count() == 0 {
		return nil
	}
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	return &Times{h.Count(), us(h.Min()), us(h.Mean()), us(h.Quantile(0.5)), us(h.Quantile(0.9)), us(h.Quantile(0.99)), us(h.Quantile(0.999)), us(h.Max())}
}

func (t *Times) String() string {
	us := func(v float64) string { return Short(time.Duration(v * 1e3)) }
	return fmt.Sprintf("min %s  p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", us(t.Min), us(t.P50), us(t.P90), us(t.P99), us(t.P999), us(t.Max))
}

// Short spells a duration with three digits.
func Short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return d.String()
	case d < time.Millisecond:
		return fmt.Sprintf("%.3gus", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3gms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.4gs", d.Seconds())
}

// kind is what went wrong with a connection.
type kind int

const (
	refused kind = iota
	lost
	wrong
	timedOut
)

// failure is an error of a kind.
type failure struct {
	kind kind
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// maxExamples bounds the errors that are told in words.
const maxExamples = 5

// Errors counts connections that were given up, by what went wrong first.
type Errors struct {
	Connect  int64    `json:"connect"` // it could not be opened
	Lost     int64    `json:"lost"`    // the server ended it, or broke the protocol
	Wrong    int64    `json:"wrong"`   // an answer was not what was expected, or one too many
	Timeout  int64    `json:"timeout"` // no answer came in time, or the server took nothing more
	Examples []string `json:"examples,omitempty"`
}

// Total is how many connections were given up.
func (e *Errors) Total() int64 { return e.Connect + e.Lost + e.Wrong + e.Timeout }

func (e *Errors) add(k kind, err error) {
	switch k {
	case refused:
		e.Connect++
	case lost:
		e.Lost++
	case wrong:
		e.Wrong++
	case timedOut:
		e.Timeout++
	}
	if len(e.Examples) < maxExamples {
		e.Examples = append(e.Examples, err.Error())
	}
}

// Costs are those of the server's process while it was measured.
type Costs struct {
	PID           int     `json:"pid"`
	CPUSeconds    float64 `json:"cpu_seconds"`
	CPUPerMessage float64 `json:"cpu_us_per_message"`
	Processors    float64 `json:"processors"`    // in use, on average
	MemoryBefore  int64   `json:"memory_before"` // resident bytes before the first connection
	MemoryOpen    int64   `json:"memory_open"`   // when all connections were open
	MemoryEnd     int64   `json:"memory_end"`    // after the last answer
	Error         string  `json:"error,omitempty"`
}

// newCosts begins to look at a process; with 0 there is none to look at.
func newCosts(pid int) (*Costs, error) {
	s := &Costs{PID: pid}
	if pid == 0 {
		return s, nil
	}
	if _, err := usage.CPU(pid); err != nil {
		return nil, err
	}
	var err error
	s.MemoryBefore, err = usage.RSS(pid)
	return s, err
}

// memory returns the memory of the process, whose end is an error that is kept.
func (s *Costs) memory() (bytes int64) {
	if s.PID == 0 {
		return 0
	}
	bytes, err := usage.RSS(s.PID)
	s.keep(err)
	return bytes
}

func (s *Costs) cpu() (t time.Duration) {
	if s.PID == 0 {
		return 0
	}
	t, err := usage.CPU(s.PID)
	s.keep(err)
	return t
}

func (s *Costs) keep(err error) {
	if err != nil && s.Error == "" {
		s.Error = err.Error()
	}
}

// result puts together what has been found.
func (r *run) result(costs *Costs, connects *Histogram, before, after sample, ended string) *Result {
	res := &Result{
		URL: r.o.URL.String(), Mode: r.o.Mode, Connections: len(r.clients), Rate: r.o.Rate,
		Ended:    ended,
		Seconds:  time.Duration(after.at - before.at).Seconds(),
		Messages: after.messages - before.messages,
		Bytes:    after.bytes - before.bytes,
		Connect:  timesOf(connects),
		Errors:   r.errors,
		Unsent:   r.unsent(),
	}
	if r.o.Rate == 0 && r.o.Mode != Receive {
		res.InFlight = r.o.InFlight
	}
	if res.Seconds > 0 {
		res.MessagesPerSecond = float64(res.Messages) / res.Seconds
		res.BytesPerSecond = float64(res.Bytes) / res.Seconds
	}
	var latency, late Histogram
	for i := range r.shards {
		latency.Merge(&r.shards[i].latency)
		late.Merge(&r.shards[i].late)
	}
	res.Latency, res.SentLate = timesOf(&latency), timesOf(&late)
	if r.o.Mode != Receive {
		for _, c := range r.clients {
			res.Lost += c.source.sent.Load() - c.heard.Load()
		}
	}
	if costs.PID > 0 {
		cpu := (after.cpu - before.cpu).Seconds()
		costs.CPUSeconds = cpu
		if res.Messages > 0 {
			costs.CPUPerMessage = cpu * 1e6 / float64(res.Messages)
		}
		if res.Seconds > 0 {
			costs.Processors = cpu / res.Seconds
		}
		res.Server = costs
	}
	return res
}

// Print prints the result for people.
func (r *Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("load", "%s", r.what())
	row("messages", "%d in %s (%s): %.0f/s, %s/s", r.Messages, Short(time.Duration(r.Seconds*1e9)), endings[r.Ended], r.MessagesPerSecond, size(r.BytesPerSecond))
	if r.Latency != nil {
		row("latency", "%s", r.Latency)
	}
	if r.SentLate != nil {
		row("sent late", "%s", r.SentLate)
	}
	row("connect", "%s", r.Connect)
	if s := r.Server; s != nil && s.Error != "" {
		row("server", "process %d: %s", s.PID, s.Error)
	} else if s != nil {
		row("server", "process %d: %.2f us of CPU per message, %.2f processors, memory %s before, %s with the connections, %s at the end",
			s.PID, s.CPUPerMessage, s.Processors, size(float64(s.MemoryBefore)), size(float64(s.MemoryOpen)), size(float64(s.MemoryEnd)))
	}
	row("errors", "%s", r.Wrongs())
	for _, e := range r.Errors.Examples {
		row("", "%s", e)
	}
	return t.Flush()
}

var endings = map[string]string{
	"duration":    "the whole time",
	"count":       "all of them",
	"interrupted": "interrupted",
	"failed":      "given up",
}

// what says what has been done to whom.
func (r *Result) what() string {
	s := fmt.Sprintf("%s of %s, %d connections", r.Mode, r.URL, r.Connections)
	switch {
	case r.Rate > 0:
		s += ", " + strconv.FormatFloat(r.Rate, 'f', -1, 64) + " messages a second"
	case r.InFlight > 0:
		s += fmt.Sprintf(", %d in flight", r.InFlight)
	}
	return s
}

// Wrongs says in one line what went wrong.
func (r *Result) Wrongs() string {
	if r.Good() {
		return "none"
	}
	var all []string
	add := func(n int64, what string) {
		if n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(r.Errors.Connect, "connections not opened")
	add(r.Errors.Lost, "connections lost")
	add(r.Errors.Wrong, "wrong answers")
	add(r.Errors.Timeout, "timeouts")
	add(r.Lost, "messages unanswered")
	add(r.Unsent, "messages unsent")
	if len(all) == 0 {
		return "no message came while it was measured"
	}
	return strings.Join(all, ", ")
}

// size spells a number of bytes for people.
func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1024 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.4g GiB", n)
}
