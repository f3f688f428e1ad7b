package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
	"github.com/flowrun/flowrun/flows/testfile"
)

// testRun is one run of `flowrun test`.
type testRun struct {
	options runner.Options
	match   string
	report  string
	junit   string
	verbose bool
}

func newTest() *cobra.Command {
	cmd := group("test", "Run tests of flows")
	cmd.Long = `Runs the cases of files named *.test.hcl, and tells of each that fails what was
expected, what came, and what its processes printed.

The exit code is 1 when a case has failed, or when there was none to run.`
	cmd.AddCommand(
		newTestKind("integration", "Run flows as processes and compare what comes of it", []testfile.Kind{testfile.KindTest},
			`Runs the "test" blocks of files named *.test.hcl below PATH (or the working directory):
real flows as processes, with real sockets and files. Each case has a copy of its folder
and ports of its own, and several run at a time. A copy is kept when its case fails.`),
		newTestKind("unit", "Send events through pipelines and compute expressions", []testfile.Kind{testfile.KindUnit, testfile.KindExpression},
			`Runs the "unit" and "expression" blocks of files named *.test.hcl below PATH (or the
working directory), without processes and sockets.`),
		newTestKind("bench", "Measure flows under load", []testfile.Kind{testfile.KindBench},
			`Runs the "bench" blocks of files named *.test.hcl below PATH (or the working directory),
one at a time: a flow as a process, load on its WebSocket, several rounds. It tells the
medians of throughput, of processor time per event, and of the time to an answer, and
compares them with limits, which can be multiples of what another bench takes.`),
		newTestKind("all", "Run all tests", []testfile.Kind{testfile.KindTest, testfile.KindUnit, testfile.KindExpression},
			`Runs all cases of files named *.test.hcl below PATH (or the working directory), those
of "bench" aside: what they find depends on what else the machine does.`),
		&cobra.Command{
			Use:    process.WardenArgs[1],
			Short:  "End what a runner that was killed has started",
			Hidden: true,
			Args:   cobra.NoArgs,
			Run:    func(cmd *cobra.Command, _ []string) { process.Ward(cmd.InOrStdin()) },
		},
	)
	return cmd
}

func newTestKind(name, short string, kinds []testfile.Kind, long string) *cobra.Command {
	t := &testRun{options: runner.Options{Kinds: kinds}}
	if slices.Contains(kinds, testfile.KindBench) {
		t.options.Parallel = 1 // they would measure each other
	}
	cmd := &cobra.Command{
		Use:     name + " [PATH…]",
		Short:   short,
		Long:    long,
		Example: "  flowrun test " + name + "\n  flowrun test " + name + " tests/echo --run tls -v",
		Args:    cobra.ArbitraryArgs,
		RunE:    t.run,
	}
	f := cmd.Flags()
	f.StringSliceVar(&t.options.Include, "include", nil, "run only cases with this `tag` (repeatable)")
	f.StringSliceVar(&t.options.Exclude, "exclude", nil, "leave out cases with this `tag` (repeatable)")
	f.StringVar(&t.match, "run", "", "run only cases whose folder/name matches the regular `expression`")
	f.IntVarP(&t.options.Parallel, "parallel", "j", t.options.Parallel, "`cases` at a time (default twice the number of CPUs)")
	f.IntVar(&t.options.Patience, "patience", 1, "on a slow or busy machine: so many `times` as long as usual for what a file sets no time for")
	f.BoolVar(&t.options.Update, "update", false, "write what comes into the expected files, where it differs")
	f.StringVar(&t.report, "report", "", "write a report in JSON to a `file`")
	f.StringVar(&t.junit, "junit", "", "write a report in JUnit's XML to a `file`")
	f.BoolVarP(&t.verbose, "verbose", "v", false, "print a line for cases that pass, too")
	return cmd
}

func (t *testRun) run(cmd *cobra.Command, args []string) error {
	o := &t.options
	if o.Paths = args; len(args) == 0 {
		o.Paths = []string{"."}
	}
	if t.match != "" {
		var err error
		if o.Match, err = regexp.Compile(t.match); err != nil {
			return command.Usage("--run: %w", err)
		}
	}
	if o.Parallel < 0 {
		return command.Usage("--parallel must be at least 1")
	}
	if o.Patience < 1 || o.Patience > 100 {
		return command.Usage("--patience must be between 1 and 100")
	}
	if slices.ContainsFunc(slices.Concat(o.Include, o.Exclude), func(tag string) bool { return strings.TrimSpace(tag) == "" }) {
		return command.Usage("a tag of --include or --exclude is empty")
	}
	var err error
	if o.Binary, err = binaryUnderTest(); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	printer := &runner.Printer{
		Out: out, Terminal: onTerminal(out), Colour: colourful(out),
		Verbose: t.verbose, GitHub: os.Getenv("GITHUB_ACTIONS") == "true", Width: func() int { return columns(out) },
	}
	reports := []*report{{name: t.report, write: runner.WriteJSON}, {name: t.junit, write: runner.WriteJUnit}}
	for _, r := range reports {
		if err := r.create(); err != nil {
			return err
		}
	}
	hard, now := context.WithCancel(context.Background())
	defer now()
	o.Tables, o.Watch, o.Hard = tables, printer, hard
	ctx, stop := untilSignalled(cmd, now)
	defer stop()

	start := time.Now()
	results, err := runner.Run(ctx, *o)
	took := time.Since(start)
	if err == nil {
		printer.Summary(results, took)
	}
	for _, r := range reports {
		err = cmp.Or(err, r.finish(results, took))
	}
	if _, failed := runner.Count(results); err == nil && (failed > 0 || ctx.Err() != nil) {
		err = &command.Exit{Code: command.ExitFailed}
	}
	return err
}

// untilSignalled returns a context that ends with the first SIGTERM or SIGINT;
// the second one calls now.
func untilSignalled(cmd *cobra.Command, now func()) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(cmd.Context())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		end := cancel
		for {
			select {
			case <-ended:
				return
			case s := <-signals:
				fmt.Fprintf(cmd.ErrOrStderr(), "\nflowrun: %s: ending what runs; once more kills it\n", signalName(s))
				end()
				end = now
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		cancel()
	}
}

// binaryUnderTest is this program, unless FLOWRUN_BINARY names another.
func binaryUnderTest() (string, error) {
	path := os.Getenv("FLOWRUN_BINARY")
	if path == "" {
		return os.Executable()
	}
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return "", fmt.Errorf("find the program of FLOWRUN_BINARY: %w", err)
	}
	return path, nil
}

// report is a file for programs that read what came of a run.
type report struct {
	name  string // empty when none is wanted
	write func(io.Writer, []*runner.Result, time.Duration) error
	file  *os.File
}

// create creates the file before anything runs: a run whose report cannot be
// written would have been for nothing.
func (r *report) create() (err error) {
	if r.name == "" {
		return nil
	}
	if r.file, err = os.Create(r.name); err != nil {
		return plain("write", err)
	}
	return nil
}

// finish writes the report.
func (r *report) finish(results []*runner.Result, took time.Duration) error {
	if r.file == nil {
		return nil
	}
	if err := cmp.Or(r.write(r.file, results, took), r.file.Close()); err != nil {
		return plain("write", err)
	}
	return nil
}
