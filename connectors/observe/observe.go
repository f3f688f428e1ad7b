// Package observe has the sources of what the process tells about itself: what
// becomes of its connectors and their connections, its log, and its counters. With
// them a flow makes an API of its own for what the admin API serves.
//
// A source that tells of the process must not tell of itself: what it brings is
// delivered, and its delivery would be brought next, by it or by another one. The
// host leaves out whatever events of these sources can reach (notice.Observable).
//
// Who tells does not wait for a flow. What a source has not taken yet waits in a
// bounded queue; what finds no room there is lost, and an event says how much.
package observe

import (
	"context"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/notice"
	"go.uber.org/zap"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{eventsSpec, logsSpec, metricsSpec}

// shape is that of all of them: they go on as long as the process does, and do not
// keep it from ending.
func shape() flow.Shape { return flow.Shape{Role: flow.Source, Out: true, Background: true} }

// observable is the host as these connectors need it.
func observable(host flow.Host) (notice.Observable, error) {
	o, ok := host.(notice.Observable)
	if !ok {
		return nil, errors.New("the runtime here tells nothing about itself")
	}
	return o, nil
}

// listener brings notices to a flow.
type listener struct {
	hear  func(notice.Observable) notice.Hearing
	spell func(dst []byte, n notice.Notice) []byte
	lost  func(n uint64) notice.Notice
}

// burst is how many notices are brought at once.
const burst = 64

// Run implements flow.Connector.
func (l *listener) Run(ctx context.Context, host flow.Host) error {
	from, err := observable(host)
	if err != nil {
		return err
	}
	hearing := l.hear(from) // before it is open: who sees that it is up may rely on being heard
	defer hearing.Close()
	link, err := host.Open(flow.Peer{}, nil)
	if err != nil {
		return err
	}
	told := uint64(0)
	var b batch
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case n := <-hearing.C:
			b.reset()
			b.add(l.spell, n)
			for more := min(len(hearing.C), burst-1); more > 0; more-- {
				b.add(l.spell, <-hearing.C)
			}
			if lost := hearing.Lost(); lost > told {
				b.add(l.spell, l.lost(lost-told))
				told = lost
			}
			if err := link.Receive(host.Abandon(), b.frames()); err != nil {
				// None of these sources hears that.
				host.Log().Warn("something that the process tells about itself was not delivered", zap.Error(err))
			}
		}
	}
	link.Close(host.Abandon(), nil)
	return nil
}

// batch is what is brought at once, in one piece of memory.
type batch struct {
	buf    []byte
	ends   []int
	pieces []flow.Frame
}

func (b *batch) reset() { b.buf, b.ends, b.pieces = b.buf[:0], b.ends[:0], b.pieces[:0] }

func (b *batch) add(spell func([]byte, notice.Notice) []byte, n notice.Notice) {
	b.buf = spell(b.buf, n)
	b.ends = append(b.ends, len(b.buf))
}

func (b *batch) frames() []flow.Frame {
	from := 0
	for _, to := range b.ends {
		b.pieces = append(b.pieces, flow.Frame{Data: b.buf[from:to:to]})
		from = to
	}
	return b.pieces
}
