// Package look lets clients of the admin API look on at what passes in the flows, as
// Server-Sent Events.
//
//	GET /api/v1/tap/connector.edge.out            of the one flow that has it
//	GET /api/v1/tap/echo/connect.echo?sample=0.1&rate=10&limit=100
//
// What a client gets are messages {"type", "timestamp", "data"}:
//
//	tap.begin   what is tapped, and with which bounds
//	tap.event   an event that passed: see package tap
//	tap.counts  once a second when that has changed: how many passed, were shown, and
//	            were left out by chance, by the rate, or since the client is too slow
//	tap.end     the last counts, and why: "limit", "gone" (a reload has left out the
//	            place), "ending" (the process ends)
//
// How many may look on at a time, how much each may see and what nobody may see is
// said in the flow, in its block admin. Who looks at what is logged, from when to
// when. Whatever a client does, the flows do not wait for it: see packages tap and
// wiring.
package look

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/sse"
	"github.com/flowrun/flowrun/runtime/tap"
	"go.uber.org/zap"
)

const (
	queue          = 64          // copies that may wait for one client
	countsInterval = time.Second // between two tap.counts
	beatInterval   = 20 * time.Second
	writeTimeout   = 5 * time.Second
	retryAfter     = 5 * time.Second
)

// Options say what can be looked at, and within which bounds.
type Options struct {
	Settings flowfile.AdminTap
	Places   func() []engine.NamedPlace
	Tap      func(at engine.NamedPlace, t engine.Tap) (end func(), err error)
	// Nearest is the name that is most like a given one, "" when none is.
	Nearest func(given string, names []string) string
	Log     *zap.Logger
}

// Server serves taps. Its methods may be called from any goroutine.
type Server struct {
	Options
	redaction *tap.Redaction
	patience  time.Duration // with a client that takes nothing
	ending    context.Context
	end       context.CancelFunc

	mu   sync.Mutex
	open int
}

// Check says what is wrong with settings: a *setting.Error for each argument.
func Check(s flowfile.AdminTap) error {
	_, err := tap.NewRedaction(s.Redact, s.Show)
	if s.Rate > s.MaxRate {
		err = errors.Join(&setting.Error{Field: "rate", Err: fmt.Errorf("rate %d is more than a client may ask for (max_rate, %d)", s.Rate, s.MaxRate)}, err)
	}
	return err
}

// New returns a Server. Its settings have passed Check.
func New(o Options) *Server {
	s := &Server{Options: o, patience: writeTimeout}
	s.redaction, _ = tap.NewRedaction(o.Settings.Redact, o.Settings.Show)
	s.ending, s.end = context.WithCancel(context.Background())
	return s
}

// End has all taps end, and begins no other. It returns at once.
func (s *Server) End() { s.end() }

// Serve lets a client look on at a place until one of them ends it. A refusal comes
// at once, and has not been answered yet. who is the client, for the log.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, place string, who []zap.Field) *access.Refusal {
	at, refusal := s.find(place)
	if refusal != nil {
		return refusal
	}
	q, refusal := s.parse(r.URL.Query())
	if refusal != nil {
		return refusal
	}
	leave, refusal := s.enter()
	if refusal != nil {
		return refusal
	}
	defer leave()
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", sse.ContentType)
		return nil
	}
	t := tap.New(tap.Options{Sample: q.Sample, Rate: q.Rate, MaxSize: q.MaxSize, Queue: queue})
	defer t.Close()
	end, err := s.Tap(at, t)
	if err != nil {
		return notFound(err.Error()) // a reload came in between
	}
	defer end()
	out, err := sse.Begin(w, s.patience)
	if err != nil {
		return &access.Refusal{Status: http.StatusNotImplemented, Code: "no_stream", Message: "the connection cannot carry a stream: " + err.Error()}
	}
	log := s.Log.With(append(who, zap.String("place", at.String()))...)
	log.Info("a client of the admin API looks on at what passes", zap.Float64("sample", q.Sample), zap.Int("rate", q.Rate))
	v := &view{Server: s, tap: t, query: q, at: at, out: out}
	why := v.run(r.Context())
	log.Info("a client of the admin API looks on no more", zap.String("reason", why), zap.Duration("after", time.Since(v.began)),
		zap.Uint64("passed", v.counts.Passed), zap.Uint64("shown", v.counts.Shown))
	return nil
}

// enter counts one more client, if there is room.
func (s *Server) enter() (leave func(), refusal *access.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ending.Err() != nil:
		return nil, &access.Refusal{Status: http.StatusServiceUnavailable, Code: "ending", Message: "the process is about to end"}
	case s.open >= s.Settings.MaxClients:
		return nil, &access.Refusal{
			Status: http.StatusServiceUnavailable, Code: "too_many_clients", RetryAfter: retryAfter,
			Message: fmt.Sprintf("%d clients look on, which is as many as may: come again later, or make admin.tap.max_clients larger", s.open),
		}
	}
	s.open++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
	}, nil
}

// view is one client that looks on. It belongs to its goroutine.
type view struct {
	*Server
	tap    *tap.Tap
	query  query
	at     engine.NamedPlace
	out    *sse.Writer
	began  time.Time
	counts counts
	buf    []byte
}

// counts are what a client is told of what it does not see.
type counts struct {
	tap.Counts
	Shown uint64 `json:"shown"`
}

// run tells what passes, and returns why that has ended.
func (v *view) run(ctx context.Context) string {
	v.began = time.Now()
	v.say("tap.begin", v.began, struct {
		Flow  string `json:"flow"`
		Place string `json:"place"`
		query
	}{v.at.Flow, string(v.at.Place), v.query})
	if v.out.Flush() != nil {
		return "client"
	}
	tick, beat := time.NewTicker(countsInterval), time.NewTicker(beatInterval)
	defer tick.Stop()
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			v.count()
			return "client"
		case <-v.ending.Done():
			return v.over("ending")
		case <-v.tap.Left():
			return v.over("gone")
		case <-beat.C:
			v.out.Comment("still here")
		case now := <-tick.C:
			if v.count() {
				v.say("tap.counts", now, v.counts)
			}
		case e := <-v.tap.Events():
			v.show(&e)
			for more := len(v.tap.Events()); more > 0 && !v.enough(); more-- {
				e := <-v.tap.Events()
				v.show(&e)
			}
			if v.enough() {
				return v.over("limit")
			}
		}
		if v.out.Flush() != nil {
			v.count()
			return "client"
		}
	}
}

func (v *view) enough() bool { return v.query.Limit > 0 && v.counts.Shown >= uint64(v.query.Limit) }

// over tells the end.
func (v *view) over(why string) string {
	v.count()
	v.say("tap.end", time.Now(), struct {
		Reason string `json:"reason"`
		counts
	}{why, v.counts})
	_ = v.out.Flush() // or the client has gone already
	return why
}

// count brings the counts up to date, and reports whether there is news.
func (v *view) count() bool {
	before := v.counts
	v.counts.Counts = v.tap.Counts()
	return v.counts != before
}

func (v *view) show(e *tap.Event) {
	v.counts.Shown++
	v.buf = e.Append(v.begin("tap.event", e.Seen), v.redaction)
	v.add()
}

func (v *view) say(typ string, at time.Time, data any) {
	text, _ := json.Marshal(data) // of our own types
	v.buf = append(v.begin(typ, at), text...)
	v.add()
}

// begin begins a message.
func (v *view) begin(typ string, at time.Time) []byte {
	return fmt.Appendf(v.buf[:0], `{"type":%q,"timestamp":%q,"data":`, typ, at.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

// maxBuffer bounds the memory that is kept between two messages.
const maxBuffer = 64 << 10

// add ends the message.
func (v *view) add() {
	v.out.Add(sse.Event{Data: append(v.buf, '}')})
	if cap(v.buf) > maxBuffer {
		v.buf = nil
	}
}
