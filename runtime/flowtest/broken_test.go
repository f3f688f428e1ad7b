package flowtest_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// hangs is what is said of what does not end, which takes a while to say.
const hangs = "Run does not return"

// broken are components that break one rule each, and what the suites say.
var broken = []struct {
	name string
	test func(t *testing.T)
	want string
}{
	{"a codec that keeps the frame", codecSuite(func(e *flow.Event, frame []byte) error {
		e.SetPayload(flow.BytesOf(frame))
		return nil
	}), "changed with the frame's bytes"},
	{"a codec that changes the frame", codecSuite(func(e *flow.Event, frame []byte) error {
		e.SetPayload(flow.TextOf(string(frame)))
		clear(frame)
		return nil
	}), "Decode changed the frame"},
	{"a codec that leaves Raw without Form", codecSuite(func(e *flow.Event, frame []byte) error {
		e.Raw = frame
		return nil
	}), "they go together"},
	{"a codec that touches the rest of the event", codecSuite(func(e *flow.Event, frame []byte) error {
		*e = flow.Event{Value: flow.TextOf(string(frame))}
		return nil
	}), "changed more than the payload"},
	{"a processor that emits memory which it uses again", processorSuite(func() func(p []byte, emit func([]byte) error) error {
		var own []byte
		return func(p []byte, emit func([]byte) error) error {
			for part := range bytes.SplitSeq(p, []byte(" ")) {
				own = append(own[:0], part...)
				if err := emit(own); err != nil {
					return err
				}
			}
			return nil
		}
	}), "it must stay valid until the next Process"},
	{"a processor that changes its input", processorSuite(func() func(p []byte, emit func([]byte) error) error {
		return func(p []byte, emit func([]byte) error) error {
			defer clear(p)
			return emit(bytes.Clone(p))
		}
	}), "Process changed its input"},
	{"a processor that remembers across streams", processorSuite(func() func(p []byte, emit func([]byte) error) error {
		var last []byte
		return func(p []byte, emit func([]byte) error) error {
			last = append(last, p...)
			return emit(bytes.Clone(last))
		}
	}), "Finish must reset"},
	{"a processor that goes on after an error", processorSuite(func() func(p []byte, emit func([]byte) error) error {
		return func(p []byte, emit func([]byte) error) error {
			_ = emit(p)
			return emit(p)
		}
	}), "emit was called 2 times"},
	{"a connector that does not end", connectorSuite(func(_ context.Context, host flow.Host) error {
		link, err := host.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		<-host.Abandon().Done()
		link.Close(host.Abandon(), nil)
		return nil
	}), hangs},
	{"a connector that forgets its link", connectorSuite(func(ctx context.Context, host flow.Host) error {
		_, err := host.Open(flow.Peer{}, nil)
		if err == nil {
			<-ctx.Done()
		}
		return err
	}), "links were opened and 0 closed"},
	{"a connector that closes twice", connectorSuite(func(ctx context.Context, host flow.Host) error {
		link, err := host.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		<-ctx.Done()
		link.Close(ctx, nil)
		link.Close(ctx, nil)
		return nil
	}), "Close after Close"},
	{"a connector that takes the end for an error", connectorSuite(func(ctx context.Context, host flow.Host) error {
		link, err := host.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		<-ctx.Done()
		link.Close(ctx, nil)
		return ctx.Err()
	}), "Run returned context canceled at the end of ctx"},
	{"a connector that leaks a goroutine", connectorSuite(func(ctx context.Context, host flow.Host) error {
		go func() { select {} }()
		link, err := host.Open(flow.Peer{}, nil)
		if err != nil {
			return err
		}
		<-ctx.Done()
		link.Close(ctx, nil)
		return nil
	}), "found unexpected goroutines"},
}

const which = "FLOWTEST_BROKEN"

// The suites fail the test that they are part of, so each runs in a process
// of its own.
func TestSuitesFindWhatIsBroken(t *testing.T) {
	for _, b := range broken {
		if name := os.Getenv(which); name != "" {
			if name == b.name {
				if b.want == hangs {
					flowtest.SetPatience(time.Second)
				}
				b.test(t)
			}
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestSuitesFindWhatIsBroken$")
			cmd.Env = append(os.Environ(), which+"="+b.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), b.want) {
				t.Errorf("%v; the suite said, without %q:\n%.2000s", err, b.want, out)
			}
		})
	}
}

// codec is a broken codec; its encoding is plain text.
type codec func(e *flow.Event, frame []byte) error

func (c codec) Decode(e *flow.Event, frame []byte) error { return c(e, frame) }
func (c codec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	return flowtest.Text.New().Encode(dst, e)
}
func (c codec) New() (func() flow.Codec, error) { return func() flow.Codec { return c }, nil }
func (c codec) Text() bool                      { return true }

func codecSuite(decode codec) func(t *testing.T) {
	return func(t *testing.T) {
		spec := flow.Spec[flow.CodecConfig]{Name: "broken", Config: func() flow.CodecConfig { return decode }}
		flowtest.Codec(t, spec, []byte("one"), []byte("two"))
	}
}

// processor is a broken processor for both directions.
type processor func() func(p []byte, emit func([]byte) error) error

func (p processor) New() (in, out func() flow.Processor, err error) {
	maker := func() flow.Processor { return process(p()) }
	return maker, maker, nil
}
func (p processor) Frames() bool { return false }
func (p processor) Text() bool   { return true }

type process func(p []byte, emit func([]byte) error) error

func (f process) Process(p []byte, emit func([]byte) error) error { return f(p, emit) }
func (f process) Finish(func([]byte) error) error                 { return nil }

func processorSuite(maker processor) func(t *testing.T) {
	return func(t *testing.T) {
		spec := flow.Spec[flow.ProcessorConfig]{Name: "broken", Config: func() flow.ProcessorConfig { return maker }}
		flowtest.Processor(t, spec, []byte("one two three"), []byte("four five"))
	}
}

// connector is a broken source.
type connector func(ctx context.Context, host flow.Host) error

func (c connector) Shape() flow.Shape                             { return flow.Shape{Out: true} }
func (c connector) New() (flow.Connector, error)                  { return c, nil }
func (c connector) Run(ctx context.Context, host flow.Host) error { return c(ctx, host) }

func connectorSuite(c connector) func(t *testing.T) {
	return func(t *testing.T) {
		flowtest.Connector(t, func(*testing.T) flow.ConnectorConfig { return c })
	}
}
