package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/manage"
)

const (
	usualAdmin = "127.0.0.1:8686"
	askTimeout = 10 * time.Second
)

// manager is a command that asks the admin API of a running process.
type manager struct {
	address   string
	tokenFile string
	json      bool
}

func (m *manager) command(use, short, long string, ask func(cmd *cobra.Command, c manage.Client) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,
		Args:  between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := net.SplitHostPort(m.address); err != nil {
				return usage("--admin: %q is no address: write host and port, like %s", m.address, usualAdmin)
			}
			token, err := manage.TokenOf(m.tokenFile)
			if err != nil {
				return fmt.Errorf("--token-file: %w", err)
			}
			return ask(cmd, manage.Client{Address: m.address, Token: token})
		},
	}
	cmd.Flags().StringVar(&m.address, "admin", usualAdmin, "`address` of the admin API")
	cmd.Flags().StringVar(&m.tokenFile, "token-file", "", "take the token from the first line of a `file` (default: from the environment, "+manage.TokenVariable+")")
	cmd.Flags().BoolVar(&m.json, "json", false, "print the answer as JSON")
	return cmd
}

func newServerStatus() *cobra.Command {
	var m manager
	return m.command("status", "Say how a running process is doing",
		`Asks a process that was started with --admin how it is doing. The exit code is 0 when it
is ready, and 1 when it is not or does not answer: made for health checks.

Where the API has tokens, one is needed to see the connectors; without, only what is
not up is shown.`,
		func(cmd *cobra.Command, c manage.Client) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
			defer cancel()
			s, err := c.Status(ctx)
			switch {
			case err != nil:
				return err
			case !m.json:
				err = manage.PrintStatus(cmd.OutOrStdout(), s)
			case s.Started.IsZero():
				err = writeJSON(cmd.OutOrStdout(), s.Readiness)
			default:
				err = writeJSON(cmd.OutOrStdout(), s)
			}
			if err == nil && !s.Ready {
				err = &exitError{code: exitFailed}
			}
			return err
		})
}

func newServerReload() *cobra.Command {
	var m manager
	return m.command("reload", "Have a running process read its flows again",
		`Has a process that was started with --admin and tokens read its flows again, as SIGHUP
does, and says what came of it. The exit code is 1 when the flows run on as they were.`,
		func(cmd *cobra.Command, c manage.Client) error {
			done, err := c.Reload(cmd.Context()) // which takes as long as it takes
			if err != nil {
				return err
			}
			if m.json {
				return writeJSON(cmd.OutOrStdout(), done)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "reloaded: %d kept, %d rewired, %d started, %d restarted, %d stopped\n",
				done.Kept, done.Rewired, done.Started, done.Restarted, done.Stopped)
			return err
		})
}

func newServerDrain() *cobra.Command {
	var m manager
	return m.command("drain", "Have a running process end gracefully",
		`Tells a process that was started with --admin and tokens to end as SIGTERM does: it is
no longer ready, delivers what is in flight and tells its peers goodbye. It is not
waited for.`,
		func(cmd *cobra.Command, c manage.Client) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
			defer cancel()
			now, err := c.Drain(ctx)
			if err != nil {
				return err
			}
			if m.json {
				return writeJSON(cmd.OutOrStdout(), now)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), now.Phase)
			return err
		})
}
