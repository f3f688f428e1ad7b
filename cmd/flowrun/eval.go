package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// evaluation is one run of `flowrun eval`.
type evaluation struct {
	in       inputs
	flow     string
	event    string // file of the event or events
	meta     string // file of the metadata
	eachLine bool
	raw      bool

	codec flow.Codec
	wrote *flow.Object // the metadata
	out   *bufio.Writer
	buf   []byte
}

func newEval() *cobra.Command {
	v := &evaluation{codec: jsonCodec()}
	cmd := &cobra.Command{
		Use:   "eval EXPR",
		Short: "Compute an expression, as a flow does per event",
		Long: `Compiles an expression like those of where, map and others, computes it, and prints
the result as one line of JSON. What it calls event is null unless --event names a file
with one (- for standard input); with --each-line the file holds an event in each line,
and each has a result. Peer is null: the event came from no connection. Before an
expression that begins with a minus, write --.

The exit code is 1 when the expression fails on an event, or an event cannot be read,
and 2 when the expression itself, or what it takes from a flow, is wrong.`,
		Example: "  flowrun eval 'jsonencode({ a = 1 })'\n" +
			"  flowrun eval --event in.json 'event.a + 1'\n" +
			"  flowrun eval --event - --each-line --raw 'event.name' < in.ndjson\n" +
			"  flowrun eval --flow flow.hcl --var region=eu 'local.hosts[var.region]'",
		Args: command.Between(1, 1, "one expression, in quotes"),
		RunE: v.run,
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if strings.HasPrefix(err.Error(), "unknown shorthand flag") { // there are none: it is a minus
			return command.Usage("an expression that begins with - stands behind --: %s -- '-event.n'", cmd.CommandPath())
		}
		return flagError(cmd, err)
	})
	v.in.register(cmd)
	cmd.Flags().StringVar(&v.flow, "flow", "", "let the expression use var and local of a `flow`")
	cmd.Flags().StringVar(&v.event, "event", "", "take the event from a JSON `file`, or from standard input (-)")
	cmd.Flags().StringVar(&v.meta, "meta", "", "take the event's meta from a JSON `file`")
	cmd.Flags().BoolVar(&v.eachLine, "each-line", false, "each line of the event file is an event")
	cmd.Flags().BoolVar(&v.raw, "raw", false, "print strings as they are, without quotes")
	return cmd
}

func (v *evaluation) run(cmd *cobra.Command, args []string) error {
	switch {
	case v.flow == "" && len(v.in.vars)+len(v.in.varFiles) > 0:
		return command.Usage("--var and --var-file set variables of a flow: name it with --flow")
	case v.event == "" && v.eachLine:
		return command.Usage("--each-line needs --event: a file with an event in each line, or - for standard input")
	}
	from, err := v.in.forFlows()
	if err != nil {
		return err
	}
	x, report := flows.LoadExpression(args[0], v.flow, from)
	if err := show(cmd, report); err != nil {
		return &command.Exit{Code: command.ExitUsage}
	}
	if err := v.readMeta(); err != nil {
		return err
	}
	v.out = bufio.NewWriter(cmd.OutOrStdout())
	if v.event == "" {
		err = v.one(x, flow.Event{})
	} else {
		err = v.events(cmd, x)
	}
	return errors.Join(err, v.out.Flush())
}

// events computes x for the events of the event file.
func (v *evaluation) events(cmd *cobra.Command, x flow.Expr) error {
	l, closing, err := newLines(v.event, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer closing()
	if !v.eachLine {
		e, err := l.all()
		if err != nil {
			return err
		}
		return v.one(x, e)
	}
	failed := false
	for {
		e, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = v.one(x, e)
		}
		if one := (*lineError)(nil); err != nil && !errors.As(err, &one) {
			return err
		}
		if err != nil {
			failed = true
			fmt.Fprintf(cmd.ErrOrStderr(), "flowrun: %v\n", err)
		}
		if l.text.Buffered() == 0 { // somebody may be waiting for the answer
			if err := v.out.Flush(); err != nil {
				return err
			}
		}
	}
	if failed {
		return &command.Exit{Code: command.ExitFailed}
	}
	return nil
}

// one computes x for an event and prints what comes of it.
func (v *evaluation) one(x flow.Expr, e flow.Event) error {
	e.Meta.Wrote = v.wrote
	value, err := x.Eval(&e)
	if err != nil {
		return &lineError{err}
	}
	if v.raw && value.Kind() == flow.Text {
		_, err = v.out.WriteString(value.Text() + "\n")
		return err
	}
	if v.buf, err = (jsontext.Style{Compact: true}).Append(v.buf[:0], value); err != nil {
		return &lineError{err}
	}
	_, err = v.out.Write(append(v.buf, '\n'))
	return err
}

func (v *evaluation) readMeta() error {
	if v.meta == "" {
		return nil
	}
	text, err := os.ReadFile(v.meta)
	if err != nil {
		return plain("read", err)
	}
	var e flow.Event
	if err := v.codec.Decode(&e, text); err != nil {
		return fmt.Errorf("%s: %w", v.meta, err)
	}
	value, err := e.Payload()
	if err != nil {
		return fmt.Errorf("%s: %w", v.meta, err)
	}
	if value.Kind() != flow.Map {
		return fmt.Errorf("%s: meta is an object, and this is %s", v.meta, value.Kinds())
	}
	v.wrote = value.Object()
	return nil
}
