package stdio

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/google/go-cmp/cmp"
)

// pipes is a configuration whose standard input and output are pipes.
type pipes struct {
	Config
	connector *stdio
	stdin     *os.File // to write what the connector reads
	stdout    *os.File // to read what it writes
	inEnd     *os.File
	outEnd    *os.File
}

func newPipes(t *testing.T) *pipes {
	t.Helper()
	p := &pipes{}
	var err error
	if p.inEnd, p.stdin, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	if p.stdout, p.outEnd, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	p.connector = &stdio{in: &input{file: p.inEnd}, out: &output{file: p.outEnd}}
	t.Cleanup(func() {
		for _, f := range []*os.File{p.stdin, p.inEnd, p.stdout, p.outEnd} {
			_ = f.Close() // some are closed already
		}
	})
	return p
}

// New implements flow.ConnectorConfig.
func (p *pipes) New() (flow.Connector, error) { return p.connector, nil }

func (p *pipes) host(t *testing.T) *flowtest.Host {
	return flowtest.NewHost(t, flowtest.Options{Shape: p.Shape()})
}

func (p *pipes) say(t *testing.T, text string) {
	t.Helper()
	if _, err := p.stdin.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
		p := newPipes(t)
		_ = p.stdin.Close() // or else a goroutine would read it as long as the process lives
		return p
	})
}

func TestInputIsReadToItsEnd(t *testing.T) {
	p := newPipes(t)
	host := p.host(t)
	running := flowtest.Start(t, p.connector, host)
	feeding := flowtest.StartFeed(t, p.connector, host)
	want := strings.Repeat("0123456789", 30_000)
	var wrote sync.WaitGroup
	wrote.Go(func() { p.say(t, want); _ = p.stdin.Close() })
	if err := feeding.Wait(); err != nil {
		t.Errorf("Feed: %v", err)
	}
	wrote.Wait()
	if got := strings.Join(flowtest.Texts(t, host.Out.Events()), ""); got != want {
		t.Errorf("%d bytes were read as %d, or others", len(want), len(got))
	}
	select {
	case <-running.Done():
		t.Error("the end of input ended the output too")
	default:
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if host.Opened() != 2 || host.Closed() != 2 {
		t.Errorf("%d links opened, %d closed", host.Opened(), host.Closed())
	}
}

func TestOutputAfterTheEndOfInput(t *testing.T) {
	p := newPipes(t)
	host := p.host(t)
	running := flowtest.Start(t, p.connector, host)
	host.WaitOpen(1, running.Done())
	feeding := flowtest.StartFeed(t, p.connector, host)
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := feeding.Wait(); err != nil {
		t.Errorf("Feed: %v", err)
	}
	if err := host.Send(t.Context(), "la", "", "te"); err != nil {
		t.Errorf("Send: %v", err)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	_ = p.outEnd.Close()
	if got, err := io.ReadAll(p.stdout); string(got) != "late" {
		t.Errorf("got %q (%v)", got, err)
	}
}

func TestBlockedInputDoesNotHoldUpTheEnd(t *testing.T) {
	p := newPipes(t)
	host := p.host(t)
	feeding := flowtest.StartFeed(t, p.connector, host)
	p.say(t, "one")
	host.Out.Wait(t, 1)
	if err := feeding.Stop(); err != nil { // while it waits for more
		t.Errorf("Feed: %v", err)
	}
	// What comes while nobody feeds is not lost.
	p.say(t, "two")
	feeding = flowtest.StartFeed(t, p.connector, host)
	want := []string{"one", "two"}
	if diff := cmp.Diff(want, flowtest.Texts(t, host.Out.Wait(t, 2))); diff != "" {
		t.Error(diff)
	}
	_ = p.stdin.Close()
	if err := feeding.Wait(); err != nil {
		t.Errorf("Feed: %v", err)
	}
	if err := flowtest.StartFeed(t, p.connector, host).Wait(); err != nil {
		t.Errorf("Feed at the end of input: %v", err)
	}
}

func TestInputHasOneReader(t *testing.T) {
	p := newPipes(t)
	host := p.host(t)
	feeding := flowtest.StartFeed(t, p.connector, host)
	p.say(t, "x")
	host.Out.Wait(t, 1)
	other := &stdio{in: p.connector.in, out: p.connector.out}
	if err := other.Feed(t.Context(), host); err == nil {
		t.Error("two connectors read one standard input")
	}
	if err := feeding.Stop(); err != nil {
		t.Errorf("Feed: %v", err)
	}
}

func TestFeedGoesOnAfterFailure(t *testing.T) {
	p := newPipes(t)
	host := p.host(t)
	refused := make(chan bool, 1)
	host.Out.Refuse = func(e *flow.Event) error {
		if v, _ := e.Payload(); v.Text() == "bad" {
			refused <- true
			return errors.New("not this one")
		}
		return nil
	}
	feeding := flowtest.StartFeed(t, p.connector, host)
	p.say(t, "bad")
	<-refused
	p.say(t, "good")
	host.Out.Wait(t, 1)
	if err := feeding.Stop(); err != nil {
		t.Errorf("Feed: %v", err)
	}
	if host.Logs.Len() != 1 {
		t.Errorf("logs: %v", host.Logs.All())
	}
}

func TestReadError(t *testing.T) {
	p := newPipes(t)
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	p.connector.in = &input{file: folder}
	err = p.connector.Feed(t.Context(), p.host(t))
	if want := "read standard input: is a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestOutputNobodyReads(t *testing.T) {
	p := newPipes(t)
	host := p.host(t)
	running := flowtest.Start(t, p.connector, host)
	if err := p.stdout.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := host.Send(t.Context(), "x"); err != nil {
			t.Errorf("Send: %v, but err is connected", err)
		}
	}
	problems := flowtest.Payloads(t, host.Err.Wait(t, 2))
	what, _ := problems[1].Object().Get("error")
	message, _ := what.Object().Get("message")
	if got, want := message.Text(), "write standard output: nobody reads it any more: broken pipe"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestOutputThatIsNotTakenDoesNotHoldUpTheEnd(t *testing.T) {
	p := newPipes(t)
	long := strings.Repeat("x", 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	wrote := make(chan error, 1)
	go func() { wrote <- p.connector.out.Write(ctx, []flow.Frame{{Data: []byte(long)}}, false) }()
	first := make([]byte, 1)
	if _, err := p.stdout.Read(first); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-wrote; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The next write waits until the first is out, as long as it may.
	if err := p.connector.out.Write(ctx, []flow.Frame{{Data: []byte("never")}}, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	go func() {
		wrote <- p.connector.out.Write(t.Context(), []flow.Frame{{Data: []byte("second")}}, false)
		_ = p.outEnd.Close()
	}()
	rest, err := io.ReadAll(p.stdout)
	if err != nil || string(rest) != long[1:]+"second" {
		t.Errorf("read %d more bytes: %v", len(rest), err)
	}
	if err := <-wrote; err != nil {
		t.Errorf("Write: %v", err)
	}
}

// A real process: its standard output is a pipe that nobody reads.
func TestProcessOutlivesItsReader(t *testing.T) {
	if os.Getenv("STDIO_CHILD") != "" {
		child(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	process, err := os.StartProcess(self, []string{self, "-test.run=^TestProcessOutlivesItsReader$"}, &os.ProcAttr{
		Env:   append(os.Environ(), "STDIO_CHILD=1"),
		Files: []*os.File{nil, w, os.Stderr},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	state, err := process.Wait()
	if err != nil || state.ExitCode() != 42 {
		t.Errorf("the process ended with %v (%v), want exit status 42", state, err)
	}
}

func child(t *testing.T) {
	c, err := (&Config{}).New()
	if err != nil {
		t.Fatal(err)
	}
	host := flowtest.NewHost(t, flowtest.Options{Shape: (&Config{}).Shape()})
	running := flowtest.Start(t, c, host)
	_ = host.Send(t.Context(), "x")
	problem := flowtest.Payloads(t, host.Err.Wait(t, 1))[0]
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	what, _ := problem.Object().Get("error")
	message, _ := what.Object().Get("message")
	if strings.Contains(message.Text(), syscall.EPIPE.Error()) {
		os.Exit(42)
	}
	os.Exit(1)
}

// What a sender leaves behind may be taken at the moment when the next sender
// has no time any more, either: that one's events are not written.
func TestNotWrittenIsNotAcknowledged(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		o := &output{file: w, busy: make(chan error, 1)}
		o.busy <- nil
		if err := o.Write(ctx, []flow.Frame{{Data: []byte("x")}}, false); !errors.Is(err, context.Canceled) {
			t.Fatalf("Write without time: %v", err)
		}
	}
}
