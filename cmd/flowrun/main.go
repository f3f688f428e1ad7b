// Command flowrun runs flow files: it turns them into services, checks and
// formats them, draws them, and documents the components they are made of.
//
// This is the only place that knows all components. They are tables in
// packages of their own; here the tables are joined and handed to package
// flows, which reads flow files with them, and to the engine, which runs what
// was read. Each command has its file; none of them does more than to read its
// arguments, call the rooms of the runtime, and say what came of it.
//
// What a flow writes to standard output belongs to the flow. Everything that
// flowrun has to say about it goes to standard error: logs, listener lines,
// problems. What a command was asked for (a graph, a page, a version) is its
// standard output.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// tables are all components that flows can be made of.
var tables = flows.Tables{
	Connectors: connectors.All,
	Codecs:     codecs.All,
	Processors: preprocessors.All,
	Steps:      pipeline.Steps,
	Admin:      admin.Check,
	Telemetry:  telemetry.Check,
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(context.Background())
	if err == nil {
		return command.ExitGood
	}
	status := (*command.Exit)(nil)
	if !errors.As(err, &status) {
		status = &command.Exit{Code: command.ExitFailed, Err: err}
	}
	if status.Err != nil {
		fmt.Fprintf(stderr, "flowrun: %v\n", status.Err)
	}
	return status.Code
}
