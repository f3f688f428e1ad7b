package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/journal"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// pipe is one run of `flowrun pipe`.
type pipe struct {
	in   inputs
	port string // whose events are printed
	all  bool   // those of all ports are

	codec  flow.Codec
	out    io.Writer
	err    io.Writer
	mu     sync.Mutex // steps that wait for time print from goroutines of their own
	buf    []byte
	failed bool  // an event went to err
	broken error // nothing more can be printed
}

func newPipe() *cobra.Command {
	p := &pipe{codec: jsonCodec()}
	cmd := &cobra.Command{
		Use:   "pipe FLOW PIPELINE",
		Short: "Send events through one pipeline of a flow",
		Long: `Reads events from standard input, a JSON value in each line, sends them through one
pipeline of a flow, and prints what leaves it by out, again as lines of JSON. Nothing
else of the flow is started: there are no connections, so peer is null. When the input
ends, windows and batches give what they hold.

With --port another port of the pipeline is printed; with --all every port is, each event
in an object of the port's name, the event, and what the flow wrote into its meta.

What goes wrong with an event (the pipeline's err) is printed on standard error, and makes
the exit code 1.`,
		Example: "  flowrun pipe flow.hcl slim < in.ndjson\n  tail -f in.ndjson | flowrun pipe --all flow.hcl sort",
		Args:    command.Between(2, 2, "a flow file or folder, and the name of a pipeline in it"),
		RunE:    p.run,
	}
	p.in.register(cmd)
	cmd.Flags().StringVar(&p.port, "port", "out", "print what leaves by this `port` of the pipeline")
	cmd.Flags().BoolVar(&p.all, "all", false, "print what leaves by any port, with the port's name")
	return cmd
}

func (p *pipe) run(cmd *cobra.Command, args []string) error {
	files, report, err := p.in.load(args[:1])
	if err != nil {
		return err
	}
	if report.HasErrors() { // warnings are about connections, of which there are none here
		return show(cmd, report)
	}
	block, err := p.find(files[0], args[1])
	if err != nil {
		return err
	}
	p.out, p.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
	problems := &flow.Problems{
		Component: &flow.Component{Flow: files[0].Name, Kind: "pipeline", Name: block.Name},
		Log:       journal.New(p.err, journal.Options{Format: "console", Level: zap.WarnLevel, Coloured: colourful(p.err)}),
	}
	instance, err := pipeline.New(block, problems)
	if err != nil {
		return err
	}
	for _, name := range portsOf(block) {
		instance.Port(name).Connect(&printer{p, name})
	}
	if err := p.pump(cmd.Context(), cmd.InOrStdin(), instance); err != nil {
		return err
	}
	if p.failed {
		return &command.Exit{Code: command.ExitFailed}
	}
	return nil
}

// find finds the pipeline, and checks that it has the port.
func (p *pipe) find(f *flowfile.File, name string) (*flowfile.PipelineBlock, error) {
	name = strings.TrimPrefix(name, "pipeline.")
	var names []string
	for _, block := range f.Pipelines {
		names = append(names, block.Name)
		if block.Name != name {
			continue
		}
		if ports := portsOf(block); !slices.Contains(ports, p.port) {
			return nil, command.Usage("pipeline.%s has no port %q%s", name, p.port, choose(p.port, ports))
		}
		return block, nil
	}
	if len(names) == 0 {
		return nil, command.Usage("the flow %s has no pipeline", f.Name)
	}
	return nil, command.Usage("the flow %s has no pipeline %q%s", f.Name, name, choose(name, names))
}

// choose asks "did you mean", or tells all names where none is like the given.
func choose(given string, names []string) string {
	if hint := command.DidYouMean(given, names); hint != "" {
		return hint
	}
	return ": it has " + strings.Join(names, ", ")
}

// portsOf are the ports by which events leave a pipeline.
func portsOf(block *flowfile.PipelineBlock) []string {
	return slices.Concat([]string{"out", "err"}, block.Ports)
}

// pump sends what is read into the pipeline, and ends it with the input.
func (p *pipe) pump(ctx context.Context, stdin io.Reader, instance *pipeline.Instance) error {
	l, closing, err := newLines("-", stdin)
	if err != nil {
		return err
	}
	defer closing()
	instance.Start(ctx)
	for {
		e, err := l.next()
		if errors.Is(err, io.EOF) {
			instance.Finish()
			return p.trouble()
		}
		if one := (*lineError)(nil); errors.As(err, &one) {
			p.complain(err)
			continue
		}
		if err != nil {
			return err
		}
		e.Time = time.Now().UnixNano()
		err = instance.In().Send(ctx, []flow.Event{e})
		if broken := p.trouble(); broken != nil {
			return broken
		}
		if err != nil {
			p.complain(err)
		}
	}
}

// trouble is why nothing more can be printed.
func (p *pipe) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// complain says what went wrong with an event.
func (p *pipe) complain(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = true
	fmt.Fprintf(p.err, "flowrun: %v\n", err)
}

// printer prints what leaves by one port.
type printer struct {
	*pipe
	name string
}

// Send implements flow.Sink.
func (p *printer) Send(_ context.Context, batch []flow.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return p.broken
	}
	if p.name == "err" {
		p.failed = true
		if p.port != "err" && !p.all {
			return p.print(p.err, batch)
		}
	} else if p.name != p.port && !p.all {
		return nil
	}
	return p.print(p.out, batch)
}

// print writes a batch at once: somebody may be waiting for it.
func (p *printer) print(w io.Writer, batch []flow.Event) error {
	p.buf = p.buf[:0]
	for i := range batch {
		line, err := p.line(p.buf, &batch[i])
		if err != nil {
			p.failed = true
			fmt.Fprintf(p.pipe.err, "flowrun: an event that leaves by %s: %v\n", p.name, err)
			continue
		}
		p.buf = line
	}
	if _, err := w.Write(p.buf); err != nil {
		p.broken = plain("write to", err)
	}
	return p.broken
}

func (p *printer) line(dst []byte, e *flow.Event) ([]byte, error) {
	if !p.all {
		dst, err := p.codec.Encode(dst, e)
		return append(dst, '\n'), err
	}
	dst = fmt.Appendf(dst, `{"port":%q,"event":`, p.name)
	dst, err := p.codec.Encode(dst, e)
	if err == nil && e.Meta.Wrote.Len() > 0 {
		dst = append(dst, `,"meta":`...)
		dst, err = p.codec.Encode(dst, &flow.Event{Value: flow.MapOf(e.Meta.Wrote)})
	}
	return append(dst, '}', '\n'), err
}
