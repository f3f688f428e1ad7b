package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// inputs are the flags of all commands that read flows.
type inputs struct {
	vars     []string
	varFiles []string
}

func (in *inputs) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.vars, "var", nil, "set a variable of the flow: `name=value` (repeatable)")
	cmd.Flags().StringArrayVar(&in.varFiles, "var-file", nil, "take variables from a `file` of assignments (repeatable)")
}

// forFlows returns the inputs as package flows takes them; an error is about
// the command line.
func (in *inputs) forFlows() (flows.Inputs, error) {
	for _, v := range in.vars {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return flows.Inputs{}, command.Usage("a --var is no assignment: write --var name=value")
		}
	}
	return flows.Inputs{Vars: in.vars, VarFiles: in.varFiles, Env: os.Environ()}, nil
}

// load reads and checks flows. The flows are there when the report has no
// errors; err is about the command line.
func (in *inputs) load(paths []string) (files []*flowfile.File, report *flows.Report, err error) {
	from, err := in.forFlows()
	if err != nil {
		return nil, nil, err
	}
	files, report = flows.Load(paths, tables, from)
	return files, report, nil
}

// loadOrShow loads flows to do something with them, and shows what is to be
// said about them.
func (in *inputs) loadOrShow(cmd *cobra.Command, paths []string) ([]*flowfile.File, error) {
	files, report, err := in.load(paths)
	if err != nil {
		return nil, err
	}
	return files, show(cmd, report)
}

// show prints a report for people, and returns the error to end with.
func show(cmd *cobra.Command, report *flows.Report) error {
	w := cmd.ErrOrStderr()
	fmt.Fprint(w, report.Text(colourful(w)))
	if report.HasErrors() {
		return &command.Exit{Code: command.ExitConfig}
	}
	return nil
}

// colourful reports whether w shows colours, and is wanted to.
func colourful(w io.Writer) bool {
	return onTerminal(w) && os.Getenv("NO_COLOR") == ""
}

func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is the width of a terminal, which may change while it is written to.
func columns(w io.Writer) int {
	const usual = 80
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return usual
}
