// Package stdio connects a flow with standard input and output.
//
// The two directions live apart, each with a link of its own. Reading is a
// source (flow.Feeder): it happens only when the flow uses `out`, so that a
// flow that just prints neither takes the terminal's input nor lives until
// the terminal is closed. Writing is a target: it ends last in a drain, so
// that what arrives late is still printed.
//
// A read of standard input cannot be interrupted: its file is shared with
// other processes and is not made non-blocking behind their backs. So one
// goroutine of the process, started with the first need and never ended,
// reads ahead one chunk, which waits for whoever feeds next.
package stdio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "stdio",
	Summary: "standard input and output of the process",
	Doc: `Events sent to it are written to standard output; what standard input brings
leaves by ` + "`out`" + `. Both are streams of bytes. Without a processor that frames,
input is split into lines, and a newline is written after each message.

Standard input is read only when ` + "`out`" + ` is connected. Its end ends the source,
not the connector: what is still on its way is printed. One connector of the
process may read standard input; any number may write, each batch of events
in one piece.

Delivered means: written to standard output. When nobody reads it any more
(` + "`flowrun … | head -1`" + `), events sent to it fail and the process goes on; they
go to ` + "`err`" + `.

The logs of flowrun go to standard error and do not mix with it.`,
	Example: `connector "stdio" "console" {
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "repeat" {
  from = connector.console
  to   = connector.console
}
`,
	Config: func() flow.ConnectorConfig { return &Config{} },
}}

// Config is the configuration of a stdio connector; there is nothing to say.
type Config struct{}

// Shape implements flow.ConnectorConfig.
func (*Config) Shape() flow.Shape {
	return flow.Shape{Role: flow.Target, Stream: true, In: true, Out: true, Claims: []flow.Claim{{Resource: "standard input", Port: "out"}}}
}

// New implements flow.ConnectorConfig.
func (*Config) New() (flow.Connector, error) {
	return &stdio{in: &standardInput, out: &standardOutput}, nil
}

// What a process has one of, whatever the number of its flows.
var (
	standardInput  = input{file: os.Stdin}
	standardOutput = output{file: os.Stdout}
)

type stdio struct {
	in  *input
	out *output
}

// Run implements flow.Connector: it takes events to write.
func (c *stdio) Run(ctx context.Context, host flow.Host) error {
	// Without this, writing to a pipe that nobody reads ends the process.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	link, err := host.Open(flow.Peer{}, c.out)
	if err != nil {
		return err
	}
	<-ctx.Done()
	err = link.Flush(host.Abandon())
	link.Close(host.Abandon(), err)
	return err
}

// output writes standard output. The connectors of a process share it.
type output struct {
	file *os.File
	turn sync.Mutex
	busy chan error // the result of a write that was left behind; nil when there is none
	buf  []byte
}

// maxIdle bounds the memory that is kept between two writes.
const maxIdle = 64 << 10

// Write implements flow.Writer. It holds nothing back: a person may be
// waiting. A write that nobody takes (a terminal that is stopped) is left
// behind when ctx ends, and is in the way of the next one until it is taken.
func (o *output) Write(ctx context.Context, frames []flow.Frame, _ bool) error {
	o.turn.Lock()
	defer o.turn.Unlock()
	if o.busy != nil {
		_ = o.wait(ctx) // who sent that has been told that it failed
		if ctx.Err() != nil {
			return fmt.Errorf("write standard output: %w", ctx.Err())
		}
	}
	if cap(o.buf) > maxIdle {
		o.buf = nil
	}
	o.buf = o.buf[:0]
	for _, f := range frames {
		o.buf = append(o.buf, f.Data...)
	}
	o.busy = make(chan error, 1)
	go write(o.file, o.buf, o.busy)
	return o.wait(ctx)
}

func write(f *os.File, data []byte, done chan<- error) {
	_, err := f.Write(data)
	done <- err
}

// wait ends with the write or with ctx.
func (o *output) wait(ctx context.Context) error {
	var err error
	select {
	case err = <-o.busy:
		o.busy = nil
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return nil
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write standard output: nobody reads it any more: %w", err)
	}
	return fmt.Errorf("write standard output: %w", err)
}

// Flush implements flow.Writer.
func (o *output) Flush(context.Context) error { return nil }
