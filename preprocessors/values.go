package preprocessors

import (
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// finder is what package borders has for a format.
type finder interface {
	Skip(p []byte) int
	Next(p []byte) (n int, whole bool, err error)
	End() bool
}

// values is json_stream and msgpack_stream inwards.
//
// held is the beginning of a value that has not ended. When it is completed it
// is emitted, and must not change until the next call, so it and spare take
// turns. While skip is set, the value that is arriving has been reported.
type values struct {
	find   finder
	format string
	max    int
	held   []byte
	spare  []byte
	inside bool // a value has begun
	skip   bool
	open   int64 // bytes since the last value ended
}

// Held implements flow.Holder.
func (s *values) Held() int64 { return s.open }

func (s *values) Process(p []byte, emit func([]byte) error) error {
	var lost losses
	var refused error
	s.open += int64(len(p))
	for len(p) > 0 {
		if !s.inside {
			p = p[s.find.Skip(p):]
			if s.open = int64(len(p)); len(p) == 0 {
				break
			}
			s.inside = true
			s.skip = refused != nil // what emit no longer takes is given up, up to where it ends
		}
		n, whole, err := s.find.Next(p)
		piece := p[:n]
		p = p[n:]
		switch {
		case err != nil:
			s.broken(piece, err, &lost)
		case !whole:
			s.hold(piece, &lost)
		case refused == nil:
			refused = s.complete(piece, emit, &lost)
		default:
			s.next()
		}
		if !s.inside {
			s.open = int64(len(p))
		}
	}
	return lost.and(refused)
}

func (s *values) Finish(emit func([]byte) error) error {
	var lost losses
	var err error
	may := s.find.End()
	switch {
	case !s.inside || s.skip:
	case may:
		err = s.complete(nil, emit, &lost)
	default:
		lost.add(s.lose(nil, "%w", cutOff("the stream ends within a value")))
	}
	s.next()
	s.open = 0
	return lost.and(err)
}

// next is ready for another value.
func (s *values) next() { s.inside, s.skip, s.held = false, false, reusable(s.held) }

// hold keeps a piece of a value that goes on.
func (s *values) hold(piece []byte, lost *losses) {
	if !s.skip && len(s.held)+len(piece) > s.max {
		lost.add(s.tooLong(piece))
		s.skip = true
		s.held = reusable(s.held)
	}
	if !s.skip {
		s.held = append(s.held, piece...)
	}
}

// complete emits the value that ends with piece.
func (s *values) complete(piece []byte, emit func([]byte) error, lost *losses) error {
	switch {
	case s.skip:
	case len(s.held)+len(piece) > s.max:
		lost.add(s.tooLong(piece))
	case len(s.held) == 0:
		s.next()
		return emit(piece)
	default:
		value := append(s.held, piece...)
		s.held, s.spare = s.spare, reusable(value)
		s.next()
		return emit(value)
	}
	s.next()
	return nil
}

func (s *values) broken(piece []byte, err error, lost *losses) {
	if !s.skip {
		lost.add(s.lose(piece, "%w", err))
	}
	s.next()
}

func (s *values) tooLong(piece []byte) *flow.Loss {
	return s.lose(piece, "a value is longer than max_length %v: raise max_length if that is expected", setting.Size(s.max))
}

// lose reports the value that begins with held and goes on with piece, or its
// beginning.
func (s *values) lose(piece []byte, format string, args ...any) *flow.Loss {
	raw := make([]byte, 0, min(excerpt, len(s.held)+len(piece)))
	raw = append(raw, s.held[:min(len(s.held), cap(raw))]...)
	raw = append(raw, piece[:min(len(piece), cap(raw)-len(raw))]...)
	return &flow.Loss{Err: fmt.Errorf("split a stream of "+s.format+" values: "+format, args...), Raw: raw}
}

// single is json_stream and msgpack_stream outwards: it passes on messages that
// are one value, by which a reader finds their end. Behind those that have no
// end of their own comes another byte.
type single struct {
	find   finder
	format string
	tail   string
	buf    []byte
}

var errNoValue = errors.New("it is no whole value")

func (s *single) Process(p []byte, emit func([]byte) error) error {
	err := errNoValue
	n, whole := s.find.Skip(p), false
	if value := p[n:]; len(value) > 0 {
		var used int
		var broken error
		if used, whole, broken = s.find.Next(value); broken != nil {
			err = broken
		}
		n += used
	}
	ends := s.find.End()
	switch {
	case whole && n+s.find.Skip(p[n:]) == len(p):
		s.find.End()
		return emit(p)
	case whole:
		err = fmt.Errorf("another value follows at byte %d", n)
	case ends && n == len(p):
		b := append(append(s.buf[:0], p...), s.tail...)
		s.buf = reusable(b)
		return emit(b)
	}
	s.find.End()
	return lose(p, "append a message to a stream of %s values: %w: use the postprocessor \"length_prefix\" for what is no %s", s.format, err, s.format)
}

func (s *single) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (*single) Stateless() {}
