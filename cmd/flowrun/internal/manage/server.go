package manage

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
)

// askTimeout is how long a simple question may take.
const askTimeout = 10 * time.Second

// asking is a command without arguments that asks a running process.
func asking(use, short, long string, ask func(cmd *cobra.Command, c Client, asJSON bool) error) *cobra.Command {
	var f Flags
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,
		Args:  command.Between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.Client()
			if err != nil {
				return err
			}
			return ask(cmd, c, f.JSON)
		},
	}
	f.Register(cmd)
	return cmd
}

// NewStatus returns the command `flowrun server status`.
func NewStatus() *cobra.Command {
	return asking("status", "Say how a running process is doing",
		`Asks a process that was started with --admin how it is doing. The exit code is 0 when it
is ready, and 1 when it is not or does not answer: made for health checks.

Where the API has tokens, one is needed to see the connectors; without, only what is
not up is shown.`,
		func(cmd *cobra.Command, c Client, asJSON bool) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
			defer cancel()
			s, err := c.Status(ctx)
			switch {
			case err != nil:
				return err
			case !asJSON:
				err = PrintStatus(cmd.OutOrStdout(), s)
			case s.Started.IsZero():
				err = command.WriteJSON(cmd.OutOrStdout(), s.Readiness)
			default:
				err = command.WriteJSON(cmd.OutOrStdout(), s)
			}
			if err == nil && !s.Ready {
				err = &command.Exit{Code: command.ExitFailed}
			}
			return err
		})
}

// NewReload returns the command `flowrun server reload`.
func NewReload() *cobra.Command {
	return asking("reload", "Have a running process read its flows again",
		`Has a process that was started with --admin and tokens read its flows again, as SIGHUP
does, and says what came of it. The exit code is 1 when the flows run on as they were.`,
		func(cmd *cobra.Command, c Client, asJSON bool) error {
			done, err := c.Reload(cmd.Context()) // which takes as long as it takes
			if err != nil {
				return err
			}
			if asJSON {
				return command.WriteJSON(cmd.OutOrStdout(), done)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "reloaded: %d kept, %d rewired, %d started, %d restarted, %d stopped\n",
				done.Kept, done.Rewired, done.Started, done.Restarted, done.Stopped)
			return err
		})
}

// NewDrain returns the command `flowrun server drain`.
func NewDrain() *cobra.Command {
	return asking("drain", "Have a running process end gracefully",
		`Tells a process that was started with --admin and tokens to end as SIGTERM does: it is
no longer ready, delivers what is in flight and tells its peers goodbye. It is not
waited for.`,
		func(cmd *cobra.Command, c Client, asJSON bool) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
			defer cancel()
			now, err := c.Drain(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return command.WriteJSON(cmd.OutOrStdout(), now)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), now.Phase)
			return err
		})
}
