// Package top shows what a running process does, in a terminal and while it does it:
// which connectors it has, how they are, and what passes them.
//
// Every now and then the admin API is asked for its counters (package manage). What
// has changed since the time before makes the rates. A process that is gone for a
// moment, since it is being replaced, is not the end: that is shown, and asked again.
//
//	reading.go  what was heard, and what that makes of what was heard before
//	table.go    a reading as lines of text, as wide as there is room
//	screen.go   the terminal: its keys, its size, and how it was before
package top

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/manage"
	"github.com/flowrun/flowrun/runtime/admin"
)

// New returns the command `flowrun top`.
func New() *cobra.Command {
	var f manage.Flags
	var t top
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show what a running process does while it does it",
		Long: `Shows the connectors of a process that was started with --admin: their state, their
connections, how many events a second come in and go out, what waits and what went
wrong. Those that are not up come first.

On a terminal the table is kept up to date until q or ctrl-C. A process that drains, or
is not there for a while, is shown as that. Elsewhere, and with --once, it is one table,
after one interval. With --json it is a line of JSON for each interval.`,
		Example: "  flowrun top\n  flowrun top --once --admin 10.0.0.7:8686 --token-file token.txt\n  flowrun top --json | jq '.connectors[].in_per_second'",
		Args:    command.Between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.interval < shortest {
				return command.Usage("--interval: %s is too short: 100ms is the least", t.interval)
			}
			c, err := f.Client()
			if err != nil {
				return err
			}
			t.address, t.ask, t.json = c.URL, c.Status, f.JSON
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return t.run(ctx, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f.Register(cmd)
	cmd.Flags().DurationVar(&t.interval, "interval", time.Second, "`time` from one reading to the next")
	cmd.Flags().BoolVar(&t.once, "once", false, "print one table, and end")
	return cmd
}

const (
	shortest   = 100 * time.Millisecond
	askTimeout = 5 * time.Second
)

// top is the command at work.
type top struct {
	address    string
	ask        func(context.Context) (admin.Status, error)
	interval   time.Duration
	once, json bool
}

func (t *top) run(ctx context.Context, in io.Reader, out io.Writer) error {
	// Who has mistyped the address is told so, and not shown an empty table.
	first := t.read(ctx, nil)
	if first.err != nil {
		return first.err
	}
	keys, isFile := in.(*os.File)
	screen, isScreen := out.(*os.File)
	switch {
	case t.json:
		return t.lines(ctx, first, out)
	case t.once || !isFile || !isScreen || !term.IsTerminal(int(keys.Fd())) || !term.IsTerminal(int(screen.Fd())):
		return t.table(ctx, first, out)
	}
	return t.live(ctx, first, keys, screen)
}

// read asks once. before is the reading before, if there is one.
func (t *top) read(ctx context.Context, before *reading) *reading {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := t.ask(ctx)
	if err == nil && s.Started.IsZero() {
		err = errNoToken
	}
	return newReading(t.address, time.Now(), s, err, before)
}

var errNoToken = errors.New("the admin API wants a token to show its connectors: give --token-file, or " + manage.TokenVariable + " in the environment")

// next waits for the interval and reads; nil when ctx has ended.
func (t *top) next(ctx context.Context, before *reading) *reading {
	wait := time.NewTimer(t.interval)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-wait.C:
	}
	r := t.read(ctx, before)
	if ctx.Err() != nil {
		return nil
	}
	return r
}

// table prints one reading, after another one that gives it rates.
func (t *top) table(ctx context.Context, first *reading, out io.Writer) error {
	r := t.next(ctx, first)
	if r == nil {
		return nil
	}
	if r.err != nil {
		return r.err
	}
	for _, line := range r.lines(cmp.Or(columns(out), usualColumns), 0) {
		if _, err := io.WriteString(out, line.text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// lines prints readings as JSON.
func (t *top) lines(ctx context.Context, first *reading, out io.Writer) error {
	encoder := json.NewEncoder(out)
	for r := t.next(ctx, first); r != nil; r = t.next(ctx, r) {
		if err := encoder.Encode(r.json()); err != nil {
			return err
		}
		if t.once {
			return r.err
		}
	}
	return nil
}

const usualColumns = 80

// columns is the width of a terminal, 0 of what is none.
func columns(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}
