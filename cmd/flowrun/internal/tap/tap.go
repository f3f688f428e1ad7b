// Package tap shows what passes a place in the flows of a running process: the events
// that the admin API copies for who looks on (package runtime/tap).
//
//	tap.go     the command
//	stream.go  what the API sends
//	print.go   how it is printed
package tap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/manage"
)

var formats = []string{"pretty", "ndjson", "json"}

// New returns the command `flowrun tap`.
func New() *cobra.Command {
	var f manage.Flags
	var format string
	var sample float64
	var rate, limit int
	cmd := &cobra.Command{
		Use:   "tap PLACE",
		Short: "Show the events that pass a place in a running process",
		Long: `Shows events while they pass in a process that was started with --admin: at a connect,
or at a port of a connector or a pipeline. Where several flows run, a name that more than
one of them has needs the flow's before it.

The flow does not wait for it. What is shown is a copy of a part: of so many events a
second at most, and none that is very large; at the end it is told how many were left
out. What is called like a secret, and what the flow says in admin.tap, is not shown.

It ends with the limit, with ctrl-C, and with the process. The exit code is 0 after the
first two, else 1.`,
		Example: "  flowrun tap connector.edge.out\n  flowrun tap connect.echo --limit 10 --format json\n  flowrun tap echo/pipeline.slim.err --sample 0.01 --rate 5",
		Args:    command.Between(1, 1, "the place: a connect, like connect.echo, or a port, like connector.edge.out"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case format != "" && !slices.Contains(formats, format):
				return command.Usage("there is no format %q%s; the formats are %s", format, command.DidYouMean(format, formats), strings.Join(formats, ", "))
			case f.JSON && format != "" && format != "ndjson":
				return command.Usage("--json is --format ndjson: leave one of them out")
			case !(sample > 0 && sample <= 1):
				return command.Usage("--sample: write a share of the events, from above 0 to 1, like 0.01")
			case rate < 0 || limit < 0:
				return command.Usage("--rate and --limit count events: write 1 or more")
			}
			c, err := f.Client()
			if err != nil {
				return err
			}
			if format == "" {
				format = "ndjson"
				if !f.JSON && onTerminal(cmd.OutOrStdout()) {
					format = "pretty"
				}
			}
			query := url.Values{}
			if sample < 1 {
				query.Set("sample", strconv.FormatFloat(sample, 'g', -1, 64))
			}
			if rate > 0 {
				query.Set("rate", strconv.Itoa(rate))
			}
			if limit > 0 {
				query.Set("limit", strconv.Itoa(limit))
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return show(ctx, c, pathOf(args[0], query), printers[format](cmd.OutOrStdout()), cmd.ErrOrStderr())
		},
	}
	f.Register(cmd)
	cmd.Flags().StringVar(&format, "format", "", "`format`: pretty, ndjson (a line of JSON for each event) or json (a list of all) (default pretty on a terminal, ndjson otherwise)")
	cmd.Flags().Float64Var(&sample, "sample", 1, "`share` of the events, by chance")
	cmd.Flags().IntVar(&rate, "rate", 0, "events a second at most (default: as the flow says, 100 if it says nothing)")
	cmd.Flags().IntVar(&limit, "limit", 0, "end after so many events")
	return cmd
}

func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// pathOf is where the API lets a client look on at a place.
func pathOf(place string, query url.Values) string {
	parts := strings.Split(place, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	path := "/api/v1/tap/" + strings.Join(parts, "/")
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// show prints what passes, and at last what was left out.
func show(ctx context.Context, c manage.Client, path string, to printer, stderr io.Writer) error {
	answer, err := c.Stream(ctx, path)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer answer.Close() //nolint:errcheck // it was only read
	var last counts
	shown := uint64(0)
	why, err := read(answer, func(m *message) error {
		if m.Type != "tap.event" {
			return m.counts(&last)
		}
		shown++
		return errors.Join(m.number(&last), to.event(m))
	})
	last.Shown = shown // which may be more than what was told last
	if ctx.Err() != nil {
		why, err = "limit", nil // as it was wanted
	}
	err = errors.Join(err, to.end())
	if last.Passed > 0 {
		fmt.Fprintln(stderr, "flowrun: "+last.String())
	}
	switch {
	case err != nil:
		return err
	case why == "gone":
		return errors.New("a reload has left out the place")
	case why != "limit":
		return errors.New("the process has ended, or ended the connection")
	}
	return nil
}
