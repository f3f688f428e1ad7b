package preprocessors

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/runtime/flow"
)

// sides makes the two processors of a configuration; out is nil where there
// is no such direction.
func sides(t testing.TB, c flow.ProcessorConfig) (in, out flow.Processor) {
	t.Helper()
	newIn, newOut, err := c.New()
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	if newIn != nil {
		in = newIn()
	}
	if newOut != nil {
		out = newOut()
	}
	return in, out
}

// result is what came out of a processor. lost holds the Raw of each Loss.
type result struct {
	messages []string
	lost     []string
	errs     []string // those that are no Loss
}

func (r *result) note(err error) {
	if err == nil {
		return
	}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			r.note(e)
		}
		return
	}
	var loss *flow.Loss
	if errors.As(err, &loss) {
		r.lost = append(r.lost, string(loss.Raw))
		return
	}
	r.errs = append(r.errs, err.Error())
}

// run gives the pieces to a processor and ends the stream. It checks the
// contract about memory: what is emitted during a call is looked at when the
// call is over, and again just before the next one; the input is a buffer that
// is overwritten between calls, as a connector's read buffer is.
func run(t testing.TB, p flow.Processor, pieces ...[]byte) result {
	t.Helper()
	var r result
	var buf []byte
	call := func(f func(emit func([]byte) error) error) {
		var emitted [][]byte
		var early []string
		err := f(func(b []byte) error {
			if b == nil {
				t.Error("nil was emitted instead of an empty message")
			}
			emitted = append(emitted, b)
			early = append(early, string(b))
			return nil
		})
		for i, b := range emitted {
			if string(b) != early[i] {
				t.Fatalf("emitted %q, which became %q before the next call", early[i], b)
			}
			r.messages = append(r.messages, string(b))
		}
		r.note(err)
	}
	for _, piece := range pieces {
		buf = append(buf[:0], piece...)
		call(func(emit func([]byte) error) error { return p.Process(buf, emit) })
		if !bytes.Equal(buf, piece) {
			t.Fatalf("the input %q was changed to %q", piece, buf)
		}
		for i := range buf {
			buf[i] = '#'
		}
	}
	call(p.Finish)
	return r
}

// rechunk cuts a stream anywhere. seed decides where; small values of it make
// pieces of that many bytes.
func rechunk(stream []byte, seed uint64) [][]byte {
	var pieces [][]byte
	r := rand.New(rand.NewPCG(seed, 1))
	for len(stream) > 0 {
		n := int(seed)
		if seed == 0 || seed > 16 {
			n = r.IntN(min(len(stream), 1+int(seed%300)) + 1) // 0 too: an empty read
		}
		n = min(n, len(stream))
		pieces = append(pieces, stream[:n])
		stream = stream[n:]
	}
	return pieces
}

func joined(t testing.TB, out flow.Processor, messages []string) ([]byte, result) {
	t.Helper()
	pieces := make([][]byte, len(messages))
	for i, m := range messages {
		pieces[i] = []byte(m)
	}
	r := run(t, out, pieces...)
	var stream []byte
	for _, m := range r.messages {
		stream = append(stream, m...)
	}
	return stream, r
}

func diff(t testing.TB, want, got result) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.AllowUnexported(result{})); d != "" {
		t.Fatalf("-want +got\n%s", d)
	}
}

func pieces(s ...string) [][]byte {
	var p [][]byte
	for _, x := range s {
		p = append(p, []byte(x))
	}
	return p
}

func long(n int) string { return fmt.Sprintf("%0*d", n, 7) }
