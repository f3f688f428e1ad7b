package link

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Info is what is known of an open connection.
type Info struct {
	Origin  *flow.Origin // its id, who is at the other end
	Opened  time.Time
	Active  time.Time  // when something last came or was written
	Session flow.Value // its session key; null where it has none
	Topics  []string   // it has subscribed to, to be read only

	EventsIn, BytesIn     uint64 // as in Stats
	EventsOut, BytesOut   uint64
	Waiting, WaitingBytes int // in its queue, and being written
}

// Info tells of the connection. Anyone may call it.
func (l *Link) Info() Info {
	out := l.out.Counts()
	i := Info{
		Origin: &l.origin, Opened: time.Unix(0, l.since),
		Active:   time.Unix(0, max(l.since, l.active.Load(), out.Last)),
		EventsIn: l.events.Load(), BytesIn: l.bytes.Load(),
		EventsOut: out.Events - l.eventsBefore, BytesOut: out.Bytes - l.bytesBefore,
		Waiting: out.Waiting, WaitingBytes: out.WaitingBytes,
	}
	if l.session.Load() != nil {
		i.Session, _ = l.table.sessions.Whose(&l.origin) // which was right before
	}
	if topics := l.topics.Load(); topics != nil {
		i.Topics = *topics
	}
	return i
}

// Infos goes through the open connections of several tables, in no order. Each is
// looked at when its turn comes: others may open and end meanwhile.
func Infos(tables []*Table) iter.Seq[Info] {
	return func(yield func(Info) bool) {
		for _, t := range tables {
			t.mu.RLock()
			links := slices.Collect(maps.Values(t.links))
			t.mu.RUnlock()
			for _, l := range links {
				if !yield(l.Info()) {
					return
				}
			}
		}
	}
}

// ErrUnknown is the error of what concerns a connection whose id was never given
// to one.
var ErrUnknown = errors.New("there is no such connection")

// Find finds an open connection of one of the tables by its id. The error wraps
// flow.ErrGone where it has ended, else ErrUnknown.
func Find(tables []*Table, id string) (*Link, error) {
	err := ErrUnknown
	for _, t := range tables {
		l, known := t.find(id)
		if l != nil {
			return l, nil
		}
		if known {
			err = flow.ErrGone
		}
	}
	return nil, fmt.Errorf("connection %q: %w", id, err)
}

// find returns nil for a connection that is not open; known says whether it ever
// was.
func (t *Table) find(id string) (l *Link, known bool) {
	slash := strings.LastIndexByte(id, '/')
	seq, err := strconv.ParseUint(id[slash+1:], 10, 64)
	o := flow.Origin{Connector: t.cfg.Component, Seq: seq}
	if err != nil || seq == 0 || seq > t.seq.Load() || o.ID() != id {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.links[seq], true
}

// Put sends a message as it is to the connection, past codec and processors. It
// returns when the message waits to be written. It fails with flow.ErrGone where
// the connection cannot be written to (any more), and with flow.ErrFull where its
// queue has no room and drops what is new.
func (l *Link) Put(ctx context.Context, f flow.Frame) error {
	if err := l.out.Put(ctx, []flow.Frame{f}); err != nil {
		return fmt.Errorf("connection %q: %w", l.ID(), err)
	}
	return nil
}

// maxReason is what a close frame can hold beside its code.
const maxReason = 123

// Dismiss ends the connection for an operator, who tells its peer why. It returns at
// once: the error says what cannot be told, or that the connection cannot be ended
// from here.
func (l *Link) Dismiss(code int, reason string) error {
	switch {
	case !flow.Sendable(int64(code)):
		return fmt.Errorf("close code %d cannot be sent: it is 1000 to 1003, 1007 to 1014, or 3000 to 4999", code)
	case len(reason) > maxReason:
		return fmt.Errorf("the reason has %d bytes, and a close frame holds %d", len(reason), maxReason)
	case !utf8.ValidString(reason):
		return errors.New("the reason is not UTF-8")
	case !l.out.Disconnect(&flow.Ended{Code: code, Err: errors.New(reason), Cause: flow.EndedByOperator}):
		return fmt.Errorf("connection %q cannot be ended: %s has no way to do that", l.ID(), l.origin.Connector.Address())
	}
	return nil
}
