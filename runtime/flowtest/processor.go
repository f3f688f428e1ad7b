package flowtest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"

	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Processor holds a preprocessor and its mirror, with their default
// configuration, to the contract of flow.Processor. streams are inputs for
// the way in, besides those that the mirror makes of the suite's own messages.
//
// Messages of the suite are not empty, hold no newline and no control
// character at their ends, and are shorter than 10 KiB.
func Processor(t *testing.T, spec flow.Spec[flow.ProcessorConfig], streams ...[]byte) {
	t.Helper()
	ProcessorOf(t, spec, messages, streams...)
}

// ProcessorOf is Processor for those that do not take any message: sets are
// at least three sets of messages that it takes, each sent over one connection.
func ProcessorOf(t *testing.T, spec flow.Spec[flow.ProcessorConfig], sets [][][]byte, streams ...[]byte) {
	t.Helper()
	config := spec.Config()
	in, out, err := config.New()
	if err != nil {
		t.Fatalf("processor %s: New: %v", spec.Name, err)
	}
	if out != nil {
		t.Run("outwards", func(t *testing.T) {
			for _, set := range sets {
				processes(t, out, set)
				forgets(t, out, set)
			}
			stopsOnError(t, out, sets[0])
		})
	}
	if in != nil {
		t.Run("inwards", func(t *testing.T) {
			for _, set := range sets {
				for _, cut := range inputs(t, config, out, set) {
					processes(t, in, cut)
					if config.Frames() {
						resumes(t, in, cut)
					}
				}
			}
			for _, stream := range streams {
				processes(t, in, [][]byte{stream})
			}
			if out != nil {
				stopsOnError(t, in, inputs(t, config, out, sets[0])[0])
			} else if len(streams) > 0 {
				stopsOnError(t, in, streams)
			}
		})
		t.Run("damaged input", func(t *testing.T) { withstands(t, in, out, sets, streams) })
	}
	if in != nil && out != nil {
		t.Run("what goes out comes in again", func(t *testing.T) {
			for _, set := range sets {
				for _, cut := range inputs(t, config, out, set) {
					if got := collect(t, in(), cut, nil); !equal(got, set) {
						t.Errorf("of %q, written as %q, comes back %q", set, cut, got)
					}
				}
			}
		})
	}
}

// messages are sets of messages, each sent over one connection.
var messages = [][][]byte{
	{[]byte("snot")},
	{[]byte("snot"), []byte("badger"), []byte("x")},
	{[]byte(`{"a":1}`), []byte("[\"snot\",\"badger\"]"), []byte("é世界\U0001F680")},
	{[]byte(strings.Repeat("long ", 1000) + "."), []byte("short"), []byte(strings.Repeat("z", 9000))},
	{[]byte("a"), []byte("a"), []byte("b\x00\x01\xfe\xffb"), []byte("a")},
}

// inputs returns what the mirror makes of a set of messages: as it is, and
// for a processor that frames cut in many other ways.
func inputs(t *testing.T, config flow.ProcessorConfig, out func() flow.Processor, set [][]byte) [][][]byte {
	t.Helper()
	if out == nil {
		return nil
	}
	written := collect(t, out(), set, nil)
	cuts := [][][]byte{written}
	if !config.Frames() {
		return cuts
	}
	stream := bytes.Join(written, nil)
	random := rand.New(rand.NewPCG(1, uint64(len(stream))))
	cuts = append(cuts, [][]byte{stream}, slices.Collect(slices.Chunk(stream, 1)), slices.Collect(slices.Chunk(stream, 7)))
	for range 20 {
		var cut [][]byte
		for rest := stream; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 1+random.IntN(2000)))
			cut, rest = append(cut, rest[:n]), rest[n:]
		}
		cuts = append(cuts, cut)
	}
	return cuts
}

// collect runs pieces through a processor and returns what it emits, copied.
// between is called with the caller's memory after each piece.
func collect(t *testing.T, p flow.Processor, pieces [][]byte, between func(piece []byte)) [][]byte {
	t.Helper()
	var all, held, copies [][]byte
	emit := func(b []byte) error {
		held = append(held, b)
		copies = append(copies, bytes.Clone(b))
		return nil
	}
	check := func(what string) {
		t.Helper()
		if !equal(held, copies) {
			t.Errorf("%s: what was emitted as %q reads %q when it returns: it must stay valid until the next Process", what, copies, held)
		}
		all = append(all, copies...)
		held, copies = nil, nil
	}
	for _, piece := range pieces {
		own := bytes.Clone(piece)
		if err := p.Process(own, emit); err != nil {
			t.Errorf("Process of %q: %v", piece, err)
		}
		if !bytes.Equal(own, piece) {
			t.Errorf("Process changed its input from %q to %q", piece, own)
		}
		check("Process")
		if between != nil {
			between(own)
		}
	}
	if err := p.Finish(emit); err != nil {
		t.Errorf("Finish: %v", err)
	}
	check("Finish")
	return all
}

// forgets checks that a processor that says that it has no state has none.
func forgets(t *testing.T, maker func() flow.Processor, set [][]byte) {
	t.Helper()
	p := maker()
	if _, ok := p.(flow.Stateless); !ok {
		return
	}
	for _, message := range set {
		var got [][]byte
		err := p.Process(message, func(b []byte) error {
			got = append(got, bytes.Clone(b))
			return nil
		})
		if want := collect(t, maker(), [][]byte{message}, nil); err != nil || !equal(got, want) {
			t.Errorf("it says that it is stateless, but makes %q of %q (%v), and alone %q", got, message, err, want)
		}
	}
}

// processes checks that the result depends on the input alone: not on what
// becomes of the caller's memory, on earlier streams, or on other instances.
func processes(t *testing.T, maker func() flow.Processor, pieces [][]byte) {
	t.Helper()
	p := maker()
	want := collect(t, p, pieces, nil)
	if got := collect(t, p, pieces, scribble); !equal(got, want) {
		t.Errorf("the second stream %q gives %q, the first gave %q: Finish must reset, and input is only valid during Process", pieces, got, want)
	}
	other := maker()
	mixed := collect(t, p, pieces, func([]byte) {
		_ = other.Process([]byte("another connection"), func([]byte) error { return nil })
	})
	if !equal(mixed, want) {
		t.Errorf("beside another instance %q gives %q instead of %q", pieces, mixed, want)
	}
}

// resumes checks that another instance that reads from the first byte that one
// says it holds emits what that one has not emitted.
func resumes(t *testing.T, maker func() flow.Processor, pieces [][]byte) {
	t.Helper()
	want := collect(t, maker(), pieces, nil)
	stream, read, emitted := bytes.Join(pieces, nil), 0, 0
	p, ok := maker().(flow.Holder)
	if !ok {
		t.Error("it finds borders, but does not tell what it holds: flow.Holder")
		return
	}
	for i, piece := range pieces {
		count := func([]byte) error { emitted++; return nil }
		_ = p.(flow.Processor).Process(piece, count) // collect has told of errors
		read += len(piece)
		from := read - int(p.Held())
		if from < 0 || from > read {
			t.Errorf("of %d bytes it says that it holds %d", read, p.Held())
			return
		}
		if len(pieces) > 100 && i%(len(pieces)/100) > 0 {
			continue
		}
		if got := collect(t, maker(), [][]byte{stream[from:]}, nil); !equal(got, want[emitted:]) {
			t.Errorf("from byte %d of %q on comes %q, and %q was missing", from, stream, got, want[emitted:])
		}
	}
}

// stopsOnError checks that an error of emit comes back, and nothing after it.
func stopsOnError(t *testing.T, maker func() flow.Processor, pieces [][]byte) {
	t.Helper()
	refused := errors.New("no more")
	p, calls := maker(), 0
	emit := func([]byte) error { calls++; return refused }
	for _, piece := range pieces {
		if err := p.Process(bytes.Clone(piece), emit); calls > 0 {
			if !errors.Is(err, refused) {
				t.Errorf("Process returned %v, emit had returned %v", err, refused)
			}
			if calls > 1 {
				t.Errorf("emit was called %d times, the first call had failed", calls)
			}
			return
		}
	}
	if err := p.Finish(emit); calls > 0 && !errors.Is(err, refused) {
		t.Errorf("Finish returned %v, emit had returned %v", err, refused)
	}
}

// withstands feeds it damaged input: errors are fine, and afterwards a new
// stream is read as ever.
func withstands(t *testing.T, in, out func() flow.Processor, sets [][][]byte, streams [][]byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	good := slices.Clone(streams)
	if out != nil {
		good = append(good, collect(t, out(), sets[2], nil)...)
	}
	drop := func([]byte) error { return nil }
	for _, stream := range good {
		for i := range min(len(stream), 100) {
			damaged := bytes.Clone(stream)
			damaged[i] = byte(random.Uint32())
			p := in()
			_ = p.Process(damaged, drop)
			_ = p.Process(stream[i:], drop)
			_ = p.Finish(drop)
			if out == nil {
				continue
			}
			if got := collect(t, p, collect(t, out(), sets[1], nil), nil); !equal(got, sets[1]) {
				t.Fatalf("after a stream damaged at byte %d, a good one gives %q", i, got)
			}
		}
	}
	for range 300 {
		p := in()
		for range 3 {
			noise := make([]byte, random.IntN(100))
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			_ = p.Process(noise, drop)
		}
		_ = p.Finish(drop)
	}
}

func equal(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
