// Package stream tells clients of the admin API what happens in the process while
// it happens, over WebSocket or as Server-Sent Events.
//
// There are three things to listen to: the notices of the process, what becomes of
// the connections of one connector, and the log. Each client subscribes to a feed
// and has a goroutine that writes what it gets. So a client that is slow costs its
// own queue, and nothing else: what finds no room there is left out, and it is told
// how much that was; when it takes nothing for some seconds, it is cut. Who tells
// what happens waits for nobody.
//
// Nothing here tells of itself: clients of the API are no connections of a
// connector, and what is written to them is not logged.
//
// The spellings are those that clients of other proxies know: an event is {"type",
// "timestamp", "data"}, a record of the log {"timestamp", "level", "message",
// "fields"}. A text "ping" is answered "pong".
package stream

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/sse"
)

const (
	eventQueue  = 256 // events that may wait for one client
	recordQueue = 100 // records of the log
	// burst is how many of them are written at once.
	burst = 64
	// writeTimeout is how long a client may take nothing.
	writeTimeout = 5 * time.Second
	// beatInterval is the time between two pings, or comments: shorter than what
	// proxies take for the end.
	beatInterval = 20 * time.Second
	// closeTimeout is how long the answer to a goodbye is waited for.
	closeTimeout = time.Second
	// endTimeout is how long all of that may take at the end.
	endTimeout = 3 * time.Second
	// retryAfter is when who found no room may come again.
	retryAfter = 5 * time.Second
)

// Options say what there is to hear, and for how many. Without a feed there is
// nothing to hear.
type Options struct {
	Notices, Records *feed.Feed[notice.Notice]
	Events           flowfile.AdminEvents
	Logs             flowfile.AdminLogs
	// Exists reports whether there is a connector of this name, in any flow.
	Exists func(name string) bool
	Log    *zap.Logger
}

// Server serves streams. The methods that serve one return when it is over, or at
// once with a refusal, which has not been answered yet. They may be called from any
// goroutine.
type Server struct {
	Options
	write, beat time.Duration

	mu                   sync.Mutex
	clients, subscribers int             // now, of events and of the log
	ending               context.Context // ends when streams are to end,
	end                  context.CancelFunc
	over                 context.Context // and a moment later, when they are cut
	cut                  context.CancelFunc
	running              sync.WaitGroup
}

// New returns a Server.
func New(o Options) *Server {
	o.Notices = cmp.Or(o.Notices, new(feed.Feed[notice.Notice]))
	o.Records = cmp.Or(o.Records, new(feed.Feed[notice.Notice]))
	s := &Server{Options: o, write: writeTimeout, beat: beatInterval}
	s.ending, s.end = context.WithCancel(context.Background())
	s.over, s.cut = context.WithCancel(context.Background())
	return s
}

// End has all streams end, and begins no other: clients are told goodbye, and those
// over WebSocket are cut when they do not answer. It returns at once; what is left
// of the others ends with their HTTP server.
func (s *Server) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending.Err() == nil {
		s.end()
		time.AfterFunc(endTimeout, s.cut)
	}
}

// Wait returns, after End, when all streams have ended.
func (s *Server) Wait() {
	s.running.Wait()
	s.cut()
}

// enter counts one more stream, if there is room.
func (s *Server) enter(now *int, limit int) (leave func(), refusal *access.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ending.Err() != nil:
		return nil, &access.Refusal{Status: http.StatusServiceUnavailable, Code: "ending", Message: "the process is about to end"}
	case *now >= limit:
		return nil, &access.Refusal{Status: http.StatusServiceUnavailable, Code: "too_many_clients", Message: "there are too many clients: come again later", RetryAfter: retryAfter}
	}
	*now++
	s.running.Add(1)
	return func() {
		s.mu.Lock()
		*now--
		s.mu.Unlock()
		s.running.Done()
	}, nil
}

// outlet is how a client is written to.
type outlet interface {
	add(text []byte) // which is not kept
	flush() error    // an error says that the client has gone
	beat() error     // shows that the connection is in use
}

// spelling is what a client gets of what it has subscribed to.
type spelling interface {
	tell(n notice.Notice, add func(text []byte))
	// lost tells that n of them are missing.
	lost(n uint64, add func(text []byte))
}

// ErrRevoked is the cause of the end of the context of a request whose client may not
// listen any more. A WebSocket is closed with 1008 then.
var ErrRevoked = errors.New("the token is no longer valid")

// errEnding ends a stream when the process does.
var errEnding = errors.New("the process is about to end")

// pump writes what comes from a subscription until ctx or the process ends, or the
// client does. It returns why. Between two beats is the time interval.
func (s *Server) pump(ctx context.Context, from *feed.Subscription[notice.Notice], as spelling, to outlet, interval time.Duration) error {
	beat := time.NewTicker(interval)
	defer beat.Stop()
	told := uint64(0)
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ending.Done():
			for len(from.C) > 0 {
				as.tell(<-from.C, to.add)
			}
			_ = to.flush() // or it has gone already
			return errEnding
		case <-beat.C:
			err = to.beat()
		case n := <-from.C:
			as.tell(n, to.add)
			for more := min(len(from.C), burst); more > 0; more-- {
				as.tell(<-from.C, to.add)
			}
			if lost := from.Lost(); lost > told {
				as.lost(lost-told, to.add)
				told = lost
			}
			err = to.flush()
		}
		if err != nil {
			return err
		}
	}
}

// lines is an outlet for Server-Sent Events.
type lines struct{ *sse.Writer }

func (l lines) add(text []byte) { l.Add(sse.Event{Data: text}) }
func (l lines) flush() error    { return l.Flush() }
func (l lines) beat() error     { l.Comment("still here"); return l.Flush() }

// answer serves a subscription as Server-Sent Events. first is what they begin with;
// nil for nothing.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, from *feed.Subscription[notice.Notice], as spelling, first []byte) *access.Refusal {
	out, err := sse.Begin(w, s.write)
	if err != nil {
		return &access.Refusal{Status: http.StatusNotImplemented, Code: "no_stream", Message: "the connection cannot carry a stream: " + err.Error()}
	}
	if r.Method == http.MethodHead {
		return nil
	}
	to := lines{out}
	if first != nil {
		to.add(first)
	} else {
		out.Comment("connected")
	}
	if err = to.flush(); err == nil {
		err = s.pump(r.Context(), from, as, to, s.beat)
	}
	s.Log.Debug("a client of the admin API listens no more", zap.String("path", r.URL.Path), zap.Error(err))
	return nil
}
