package preprocessors

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// convert turns one message into another: it appends the result to dst, and
// does not keep p. It is safe for concurrent use.
type convert func(dst, p []byte) ([]byte, error)

// whole is a processor that turns each message into one other. A message that
// cannot be converted is lost, and none of it passes.
type whole struct {
	convert convert
	out     []byte
}

// each returns what makes the processor of a conversion.
func each(c convert) func() flow.Processor {
	return func() flow.Processor { return &whole{convert: c} }
}

// desks are where results grow before their size is known. Those above
// largestDesk are not kept.
var desks = sync.Pool{New: func() any { return new([]byte) }}

const largestDesk = 4 << 20

func (w *whole) Process(p []byte, emit func([]byte) error) error {
	desk := desks.Get().(*[]byte)
	b, err := w.convert((*desk)[:0], p)
	var out []byte
	if err == nil {
		out = append(w.out[:0], b...)
		if out == nil {
			out = []byte{} // an empty message, not the lack of one
		}
		w.out = reusable(out)
	}
	if *desk = b; cap(b) <= largestDesk {
		desks.Put(desk)
	}
	if err != nil {
		return &flow.Loss{Err: err, Raw: bytes.Clone(p)}
	}
	return emit(out)
}

func (w *whole) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (*whole) Stateless() {}

// defaultMaxSize is that of max_size, what one message may unpack to.
const defaultMaxSize setting.Size = 1 << 20

var (
	errNothing  = errors.New("the message is empty: put remove_empty before it if empty messages are expected")
	errTrailing = errors.New("other bytes follow the end of its data")
)

// tooBig is the error of a message that unpacks to more than it may.
func tooBig(limit setting.Size) error {
	return fmt.Errorf("it unpacks to more than max_size %v: raise max_size if that is expected", limit)
}

// unpacking adds what was being done to the errors of an unpacking
// conversion, and refuses empty messages for it.
func unpacking(format string, unpack convert) convert {
	return func(dst, p []byte) ([]byte, error) {
		if len(p) == 0 {
			return dst, fmt.Errorf("unpack a message as %s: %w", format, errNothing)
		}
		dst, err := unpack(dst, p)
		if err != nil {
			err = fmt.Errorf("unpack a message as %s: %w", format, err)
		}
		return dst, err
	}
}

// reader decodes a format from a stream. A pool keeps those that have no work.
type reader struct {
	src   bytes.Reader
	data  io.Reader
	reset func() error // data begins anew, with src
}

// read returns the conversion by readers of a pool, to at most limit bytes.
func read(pool *sync.Pool, limit setting.Size) convert {
	return func(dst, p []byte) ([]byte, error) {
		r := pool.Get().(*reader)
		defer pool.Put(r)
		r.src.Reset(p)
		defer r.src.Reset(nil)
		if err := r.reset(); err != nil {
			return dst, unexpected(err)
		}
		dst, err := drain(dst, r.data, limit)
		if err == nil && r.src.Len() > 0 {
			err = errTrailing
		}
		return dst, err
	}
}

// drain appends all of r to dst. It takes one byte more than limit to find
// that r has too many, and no more.
func drain(dst []byte, r io.Reader, limit setting.Size) ([]byte, error) {
	start := len(dst)
	for {
		dst = slices.Grow(dst, bytes.MinRead)
		left := int(limit) + 1 - (len(dst) - start)
		n, err := r.Read(dst[len(dst):min(cap(dst), len(dst)+left)])
		dst = dst[:len(dst)+n]
		switch {
		case n == left:
			return dst, tooBig(limit)
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, unexpected(err)
		}
	}
}

// unexpected says plainly that a message ends too early: as a whole message
// it will never go on.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends before its data does")
	}
	return err
}

// writer encodes a format to memory. A pool keeps those that have no work.
type writer struct {
	out     sink
	encoder interface {
		io.WriteCloser
		Reset(io.Writer)
	}
}

// sink is the memory that a writer appends to.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// write returns the conversion by writers of a pool.
func write(format string, pool *sync.Pool) convert {
	return func(dst, p []byte) ([]byte, error) {
		w := pool.Get().(*writer)
		defer pool.Put(w)
		w.out.b = dst
		w.encoder.Reset(&w.out)
		_, err := w.encoder.Write(p)
		if err == nil {
			err = w.encoder.Close()
		}
		if err != nil {
			err = fmt.Errorf("pack a message as %s: %w", format, err)
		}
		dst, w.out.b = w.out.b, nil
		return dst, err
	}
}

// checkLevel says whether an argument level is one.
func checkLevel(level, least, most int) (int, error) {
	if level < least || level > most {
		return 0, &setting.Error{Field: "level", Err: fmt.Errorf("there is no level %d: write a number from %d to %d", level, least, most)}
	}
	return level, nil
}
