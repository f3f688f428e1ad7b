package manage

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/runtime/admin"
)

// Connections tells a page of the open connections; q is as the API has it.
func (c Client) Connections(ctx context.Context, q url.Values) (page admin.Connections, err error) {
	err = c.ask(ctx, http.MethodGet, "/api/v1/connections?"+q.Encode(), &page, http.StatusOK)
	return page, err
}

// SendTo sends a message to a connection.
func (c Client) SendTo(ctx context.Context, id string, m admin.Message) (done admin.Done, err error) {
	err = c.tell(ctx, "/api/v1/connections/"+url.PathEscape(id)+"/send", m, &done)
	return done, err
}

// CloseOne ends a connection.
func (c Client) CloseOne(ctx context.Context, id string, how admin.Closing) (done admin.Done, err error) {
	err = c.tell(ctx, "/api/v1/connections/"+url.PathEscape(id)+"/close", how, &done)
	return done, err
}

// NewConns returns the command `flowrun conns`.
func NewConns() *cobra.Command {
	cmd := newConnsList("conns [list]")
	cmd.Long += `

` + "`flowrun conns send` and `flowrun conns close` speak to one of them."
	list := newConnsList("list")
	cmd.AddCommand(list, newConnsSend(), newConnsClose())
	return cmd
}

func newConnsList(use string) *cobra.Command {
	var f Flags
	q := url.Values{}
	var all bool
	cmd := &cobra.Command{
		Use:   use,
		Short: "List the open connections of a running process",
		Long: `Lists the open connections of a process that was started with --admin, those with the most
bytes waiting to be written first.`,
		Example: "  flowrun conns --connector edge\n  flowrun conns --sort bytes_out --limit 10 --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.HasSubCommands() {
				var names []string
				for _, c := range cmd.Commands() {
					names = append(names, c.Name())
				}
				return command.Usage("%s has no command %q%s (`%[1]s --help` lists them)", cmd.CommandPath(), args[0], command.DidYouMean(args[0], names))
			}
			return command.Between(0, 0, "no arguments")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.Client()
			if err != nil {
				return err
			}
			for _, name := range []string{"flow", "connector", "host", "identity", "sort", "limit"} {
				if flag := cmd.Flags().Lookup(name); flag.Changed {
					q.Set(name, flag.Value.String())
				}
			}
			page, err := c.pages(cmd.Context(), q, all)
			switch {
			case err != nil:
				return err
			case f.JSON:
				return command.WriteJSON(cmd.OutOrStdout(), page)
			}
			return printConnections(cmd.OutOrStdout(), page)
		},
	}
	f.Register(cmd)
	for name, doc := range map[string]string{
		"flow": "only those of this `flow`", "connector": "only those of the connector of this `name`",
		"host": "only those whose other end has this `address`", "identity": "only those whose client has shown to be this `one`",
		"sort": "`order`: pending, bytes_in, bytes_out, active or opened",
	} {
		cmd.Flags().String(name, "", doc)
	}
	cmd.Flags().Int("limit", 0, "`how many` at most, 1 to 1000 (default 100)")
	cmd.Flags().BoolVar(&all, "all", false, "list all of them, page by page")
	return cmd
}

// pages are one page, or all from there.
func (c Client) pages(ctx context.Context, q url.Values, all bool) (sum admin.Connections, err error) {
	sum.Connections = []admin.Connection{}
	if all && q.Get("limit") == "" {
		q.Set("limit", "1000")
	}
	for {
		page, err := c.page(ctx, q)
		if err != nil {
			return sum, err
		}
		sum.Connections = append(sum.Connections, page.Connections...)
		sum.Total, sum.Next = page.Total, page.Next
		if !all || page.Next == 0 {
			return sum, nil
		}
		q.Set("offset", strconv.Itoa(page.Next))
	}
}

func (c Client) page(ctx context.Context, q url.Values) (admin.Connections, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return c.Connections(ctx, q)
}

func printConnections(w io.Writer, page admin.Connections) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(page.Connections) > 0 {
		fmt.Fprintln(table, "ID\tPEER\tIDENTITY\tOPEN\tIN\tOUT\tPENDING")
	}
	for _, c := range page.Connections {
		peer := c.Host
		if c.Port > 0 {
			peer += ":" + strconv.Itoa(c.Port)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\n", c.ID, or(peer, "-"), or(c.Identity, "-"), time.Since(c.Opened).Round(time.Second), c.EventsIn, c.EventsOut, c.Pending)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d\n", len(page.Connections), page.Total)
	return err
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// told is a command that does something to one connection.
func told(use, short, long string, arguments int, what string, do func(ctx context.Context, c Client, args []string) (admin.Done, error)) *cobra.Command {
	var f Flags
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: command.Between(arguments, arguments, what),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := f.Client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
			defer cancel()
			done, err := do(ctx, c, args)
			if err != nil || !f.JSON {
				return err
			}
			return command.WriteJSON(cmd.OutOrStdout(), done)
		},
	}
	f.Register(cmd)
	return cmd
}

func newConnsSend() *cobra.Command {
	var binary bool
	cmd := told("send ID MESSAGE", "Send a message to one connection",
		`Sends a message to one connection as it is, past the codec and the processors of its
connector. It returns when the message waits to be written.`,
		2, "an id, as flowrun conns lists them, and a message",
		func(ctx context.Context, c Client, args []string) (admin.Done, error) {
			if !binary {
				return c.SendTo(ctx, args[0], admin.Message{Text: &args[1]})
			}
			if _, err := base64.StdEncoding.DecodeString(args[1]); err != nil {
				return admin.Done{}, command.Usage("the message is not in base64, which --base64 promises")
			}
			return c.SendTo(ctx, args[0], admin.Message{Base64: &args[1]})
		})
	cmd.Flags().BoolVar(&binary, "base64", false, "the message is binary, and given in base64")
	return cmd
}

func newConnsClose() *cobra.Command {
	how := admin.Closing{}
	cmd := told("close ID", "End one connection",
		`Ends one connection: its peer is told the close code and the reason.`,
		1, "an id, as flowrun conns lists them",
		func(ctx context.Context, c Client, args []string) (admin.Done, error) {
			return c.CloseOne(ctx, args[0], how)
		})
	cmd.Flags().IntVar(&how.Code, "code", 1000, "close `code` of WebSocket")
	cmd.Flags().StringVar(&how.Reason, "reason", "", "`text` that the peer is told")
	return cmd
}

// tell sends a request with a body, and decodes the answer.
func (c Client) tell(ctx context.Context, path string, body, to any) error {
	answer, err := c.Do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	return c.read(answer, to, http.StatusOK, http.StatusAccepted)
}
