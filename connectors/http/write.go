package http

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Write implements flow.Writer.
func (st *stream) Write(_ context.Context, frames []flow.Frame, corked bool) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	for i := range frames {
		if err := st.take(frames, i); err != nil {
			return err
		}
		if len(st.held) >= maxHeld {
			if err := st.flush(); err != nil {
				return err
			}
		}
	}
	if corked {
		return nil
	}
	return st.flush()
}

// take holds the event that frame i is. The caller holds mu.
func (st *stream) take(frames []flow.Frame, i int) error {
	if !st.lasts {
		return &flow.WriteError{Written: i, Err: flow.ErrGone}
	}
	said := wroteOf(frames[i].Meta)
	st.hold(func(dst []byte) []byte { return appendEvent(dst, frames[i].Data, said) })
	if said.Is("close") {
		st.part(parting{counts: flow.EndedByFlow})
	}
	return nil
}

// TryWrite implements flow.Trier.
func (st *stream) TryWrite(frames []flow.Frame) (taken, sent bool, err error) {
	if !st.mu.TryLock() {
		return false, false, nil // something is being written
	}
	defer st.mu.Unlock()
	for i := range frames {
		if err := st.take(frames, i); err != nil {
			return true, false, err
		}
	}
	sent, err = st.flushNow()
	return true, sent, err
}

// Flush implements flow.Writer.
func (st *stream) Flush(context.Context) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.flush()
}

// hold appends what add spells to what is to be written. The caller holds mu.
func (st *stream) hold(add func(dst []byte) []byte) {
	if !st.chunked {
		st.held = add(st.held)
		return
	}
	start := len(st.held)
	st.held = closeChunk(add(openChunk(st.held)), start)
}

// flush writes what is held. The caller holds mu.
func (st *stream) flush() error {
	if len(st.held) == 0 {
		return nil
	}
	if err := st.deadline(); err != nil {
		return err
	}
	n, err := st.conn.Write(st.held)
	return st.wrote(n, err)
}

// flushNow writes what is held as far as the socket takes it at once, and reports
// whether that was all. The caller holds mu.
func (st *stream) flushNow() (sent bool, err error) {
	if st.now == nil {
		return false, nil
	}
	if err := st.deadline(); err != nil {
		return false, err
	}
	n, err := st.now.Write(st.held)
	return n == len(st.held), st.wrote(n, err)
}

// deadline bounds a write that follows; once the stream is abandoned, none does. The
// caller holds mu.
func (st *stream) deadline() error {
	if !st.lasts {
		return flow.ErrGone
	}
	now := time.Now()
	st.last.Store(now.UnixNano())
	_ = st.conn.SetWriteDeadline(now.Add(time.Duration(st.server.config.Queue.WriteTimeout))) // of a broken connection, Write tells
	if why := st.parted.Load(); why != nil && errors.Is(why.cause, flow.ErrSlow) {
		_ = st.conn.SetWriteDeadline(past)
	}
	if st.server.host.Abandon().Err() != nil { // its own deadline may just have been undone
		return flow.ErrGone
	}
	return nil
}

// wrote notes that n bytes of what is held are written. The caller holds mu.
func (st *stream) wrote(n int, err error) error {
	st.held = st.held[:copy(st.held, st.held[n:])]
	if err != nil {
		st.held, st.lasts = nil, false
		st.part(parting{cause: err})
	}
	if len(st.held) == 0 && cap(st.held) > maxHeld {
		st.held = nil
	}
	return err
}
