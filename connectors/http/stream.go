package http

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/nonblock"
	"github.com/flowrun/flowrun/runtime/sse"
	"go.uber.org/zap"
)

// stream is one client that is sent Server-Sent Events, and the writer of its link.
type stream struct {
	server  *server
	conn    net.Conn
	visitor *access.Visitor
	link    flow.Link
	peer    string // for logs
	chunked bool

	parted atomic.Pointer[parting] // why this side ends it
	last   atomic.Int64            // when something was last written, unix nanoseconds

	mu    sync.Mutex
	held  []byte           // not written yet
	lasts bool             // nothing has gone wrong yet
	now   *nonblock.Writer // nil where a write may always wait
}

// parting is why a stream is ended by this side.
type parting struct {
	message string // an event before the end; "" for none
	settle  bool   // nobody has done wrong: what may still come is waited for
	cause   error  // for the log
	counts  flow.Cause
}

// maxHeld is how much a stream holds back before it writes.
const maxHeld = 16 << 10

// serveStream answers a request with a stream.
func (s *server) serveStream(w http.ResponseWriter, q *http.Request, r *route, visitor *access.Visitor) {
	peer := s.peer(q, r, visitor)
	if err := s.host.Admit(peer); err != nil {
		refusal := noSession(err, visitor.Addr)
		s.refused(q, refusal)
		refusal.WriteTo(w)
		visitor.Leave()
		s.turnAway()
		return
	}
	head := s.streamHead(w.Header())
	if q.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		visitor.Leave()
		s.turnAway()
		return
	}
	chunked := q.ProtoAtLeast(1, 1)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.host.Log().Error("a stream cannot begin", zap.Error(err))
		w.WriteHeader(http.StatusInternalServerError)
		visitor.Leave()
		s.turnAway()
		return
	}
	st := &stream{server: s, conn: conn, visitor: visitor, peer: peer.Addr(), chunked: chunked, lasts: true}
	if raw := nonblock.Of(conn); raw != nil {
		st.now = nonblock.NewWriter(raw)
	}
	ending := s.enter(st)
	st.begin(head)
	if ending {
		st.part(parting{settle: true, counts: flow.EndedDrain})
	}
	go st.serve(peer)
}

// streamHead sets the header fields of a stream.
func (s *server) streamHead(h http.Header) http.Header {
	for name, values := range s.headers {
		h[name] = values
	}
	sse.Head(h)
	h.Set("Connection", "close")
	return h
}

// noSession is the answer to a client that gets no session.
func noSession(err error, client netip.AddrPort) *access.Refusal {
	f := &access.Refusal{Status: http.StatusForbidden, Code: "no_session", Message: "the session key cannot be told", Reason: err.Error(), Addr: client}
	if errors.Is(err, flow.ErrDuplicate) {
		f.Status, f.Code, f.Message = http.StatusConflict, "duplicate_session", flow.ErrDuplicate.Error()
	}
	return f
}

// begin holds the head, and what comes before the first event, until the stream
// takes part: who has seen the head misses nothing.
func (st *stream) begin(h http.Header) {
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	if st.chunked {
		h.Set("Transfer-Encoding", "chunked")
	}
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_ = h.Write(&head) // a bytes.Buffer does not fail
	head.WriteString("\r\n")
	st.mu.Lock()
	defer st.mu.Unlock()
	st.held = head.Bytes()
	if retry := time.Duration(st.server.config.SSE.Retry); retry > 0 {
		st.hold(func(dst []byte) []byte { return sse.AppendRetry(dst, retry) })
	}
}

// serve is the life of a stream.
func (st *stream) serve(peer flow.Peer) {
	s := st.server
	defer s.leave(st)
	defer st.visitor.Leave()
	defer func() { _ = st.conn.Close() }() // everything is written, or nothing can be
	link, err := s.host.Open(peer, st)
	s.announced()
	_ = st.Flush(context.Background()) // the head, if nothing else
	if err != nil {
		s.host.Log().Info("stream refused: "+err.Error(), zap.String("peer", st.peer))
		return
	}
	st.link = link
	defer st.expire()()
	s.host.Log().Debug("stream opened", zap.String("peer", st.peer))
	st.read()
	st.close()
}

// read returns when the client has gone, or the stream is to end. What a client
// sends means nothing.
func (st *stream) read() {
	var buf [512]byte
	for st.parted.Load() == nil {
		if _, err := st.conn.Read(buf[:]); err != nil {
			return
		}
	}
}

// close ends the stream.
func (st *stream) close() {
	why := st.parted.Load()
	var cause error
	if why != nil {
		cause = why.cause
	}
	if why != nil && !errors.Is(cause, flow.ErrSlow) {
		st.sayGoodbye(why)
	}
	st.mu.Lock()
	st.lasts = false
	st.mu.Unlock()
	if errors.Is(cause, os.ErrDeadlineExceeded) {
		st.server.host.Log().Warn("a slow consumer is disconnected", zap.String("peer", st.peer), zap.String("connection", st.link.ID()),
			zap.String("limit", "queue.write_timeout"))
	}
	st.link.Close(context.Background(), &flow.Ended{Err: cause, Cause: why.count()})
	st.server.host.Log().Debug("stream closed", zap.String("peer", st.peer), zap.NamedError("reason", cause))
}

// count is what the end counts as; without a reason, the client has gone.
func (p *parting) count() flow.Cause {
	switch {
	case p == nil:
		return flow.EndedByPeer
	case errors.Is(p.cause, os.ErrDeadlineExceeded):
		return flow.EndedSlow
	case p.counts == "":
		return flow.EndedLost
	}
	return p.counts
}

// sayGoodbye writes what is still to come for the client, and the end.
func (st *stream) sayGoodbye(why *parting) {
	if why.settle {
		st.link.Settle(st.server.host.Abandon())
	}
	timeout := time.Duration(st.server.config.Queue.WriteTimeout)
	ctx, cancel := context.WithTimeout(st.server.host.Abandon(), timeout)
	defer cancel()
	_ = st.link.Flush(ctx) // what could not be written is counted by the link
	st.link.Leave()
	st.mu.Lock()
	defer st.mu.Unlock()
	if why.message != "" {
		st.hold(func(dst []byte) []byte { return appendEvent(dst, []byte(why.message), wrote.Wrote{}) })
	}
	if st.chunked {
		st.held = append(st.held, lastChunk...)
	}
	_ = st.flush() // to a client that may have left
}

// expire ends the stream when its client's identity does. The result stops that.
func (st *stream) expire() (stop func() bool) {
	v := st.visitor
	return v.AtExpiry(func() {
		st.server.host.Log().Info("who a client was holds no longer, its stream is ended",
			zap.String("peer", st.peer), zap.String("connection", st.link.ID()), zap.String("reason", v.Expired))
		st.part(parting{counts: flow.EndedExpired})
	})
}

// part asks the stream to end. It returns at once and may be called by anyone; the
// first reason counts.
func (st *stream) part(why parting) {
	if !st.parted.CompareAndSwap(nil, &why) {
		return
	}
	if errors.Is(why.cause, flow.ErrSlow) {
		_ = st.conn.SetDeadline(past) // its writer gives up, too
	} else {
		_ = st.conn.SetReadDeadline(past)
	}
}

var past = time.Unix(1, 0)

// abandon implements served.
func (st *stream) abandon() {
	st.part(parting{counts: flow.EndedDrain})
	_ = st.conn.SetDeadline(past)
}

// Disconnect implements flow.Disconnecter.
func (st *stream) Disconnect(reason error) {
	why, ended := parting{cause: reason}, (*flow.Ended)(nil)
	if errors.As(reason, &ended) {
		why.counts = ended.Cause
	}
	st.part(why)
}

// beat sends a comment to the streams on which nothing has been for long.
func (s *server) beat(now time.Time) {
	before := now.Add(-s.heartbeat()).UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.busy {
		if st, ok := b.(*stream); ok && st.last.Load() <= before {
			st.last.Store(now.UnixNano())
			go st.beat() // a client that does not read holds back nobody else
		}
	}
}

func (st *stream) beat() {
	if !st.mu.TryLock() {
		return // something is being written
	}
	defer st.mu.Unlock()
	if st.lasts && st.parted.Load() == nil {
		st.hold(func(dst []byte) []byte { return sse.AppendComment(dst, "") })
		_ = st.flush() // its reader notices
	}
}
