package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/dial"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/load"
	"github.com/flowrun/flowrun/runtime/setting"
)

// talk is one run of `flowrun dial`.
type talk struct {
	dial.Options
	handshake
	max string
}

func newDial() *cobra.Command {
	c := &talk{}
	cmd := &cobra.Command{
		Use:   "dial URL",
		Short: "Talk to a WebSocket server: lines out, messages in",
		Long: `Connects to a WebSocket server, sends each line of standard input as a message, and
prints each message that comes: a text as a line, a binary message as its bytes are. On
a terminal, binary messages are shown in base64, and control characters as \x1b.
What there is to say about the connection goes to standard error.

A line is sent without its end. A server that cuts what comes at newlines, as a flow with
the preprocessor separate does, waits for one: --newline sends it.

It ends with a close frame (1000) when --count messages have come; when standard input
has ended and nothing more has come for --linger, unless --count says what to wait
for; after --timeout; and on Ctrl-C, where a second one ends at once. The exit code is 0
then, and also when the server closes with 1000, 1001 or no code. It is 1 when the server ends
the connection otherwise, or before --count messages have come.

--auth takes user:password, or a token for "Authorization: Bearer". A secret on a
command line is seen by others: --auth '$NAME' and -H 'Name: $NAME' take it from the
environment.`,
		Example: "  flowrun dial ws://127.0.0.1:4242/\n" +
			"  echo hi | flowrun dial -n 1 ws://127.0.0.1:4242/\n" +
			"  flowrun dial --json --timeout 1m wss://example.com/feed < subscribe.json > messages.ndjson\n" +
			"  flowrun dial --ping 10s --auth '$CREDENTIALS' --cafile ca.pem wss://127.0.0.1:8443/",
		Args: command.Between(1, 1, "the URL of a WebSocket server"),
		RunE: c.run,
	}
	f := cmd.Flags()
	f.BoolVar(&c.Binary, "binary", false, "send lines as binary messages")
	f.BoolVar(&c.Base64, "base64", false, "lines are base64 of binary messages, on the way out and in")
	f.BoolVar(&c.Newline, "newline", false, "end each message with a newline, for servers that read lines")
	f.BoolVar(&c.JSON, "json", false, "print each message as {\"type\", \"data\", \"time\"}, binary data in base64")
	f.IntVarP(&c.Count, "count", "n", 0, "end after so many messages have come")
	f.DurationVar(&c.Timeout, "timeout", 0, "end after this `time`")
	f.DurationVar(&c.Linger, "linger", time.Second, "`time` without a message after the end of standard input")
	f.DurationVar(&c.Ping, "ping", 0, "ping in this `interval` and show how long the pong takes, and pings of the server")
	f.BoolVar(&c.Compress, "compress", false, "compress messages (permessage-deflate), if the server agrees")
	f.StringVar(&c.max, "max-message", "16MiB", "largest `size` of a message that comes")

	c.handshake.flags(f, &c.Subprotocols)
	return cmd
}

func (c *talk) run(cmd *cobra.Command, args []string) error {
	if err := c.options(cmd, args[0]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	return dial.Run(ctx, c.Options)
}

// options makes the options of the flags.
func (c *talk) options(cmd *cobra.Command, url string) error {
	if err := c.URL.UnmarshalText([]byte(url)); err != nil {
		return command.Usage("%w", err)
	}
	secure := false
	switch c.URL.Scheme {
	case "", "ws", "http":
	case "wss", "https":
		secure = true
	default:
		return command.Usage("the scheme %s is none of ws, wss, http, https", c.URL.Scheme)
	}
	switch {
	case c.tls != (setting.TLSClient{}) && !secure:
		return command.Usage("--cafile, --cert, --key, --domain and --insecure are about TLS: the URL begins with wss:// then")
	case c.Count < 0, c.Timeout < 0, c.Ping < 0, c.Linger < 0:
		return command.Usage("--count, --timeout, --linger and --ping are not negative")
	case c.Binary && c.Base64:
		return command.Usage("--base64 sends binary messages already: leave --binary out")
	case c.Newline && c.Base64:
		return command.Usage("--base64 sends exactly what it spells: --newline is for lines of text")
	}
	c.TLS = &c.tls
	max := setting.Size(0)
	if err := max.UnmarshalText([]byte(c.max)); err != nil {
		return command.Usage("--max-message: %w", err)
	}
	for _, p := range c.Subprotocols {
		if !load.IsToken(p) {
			return command.Usage("--subprotocol: %q is no name of a sub-protocol", p)
		}
	}
	if c.MaxMessage = max; max == 0 {
		return command.Usage("--max-message 0 lets no message in")
	}
	if c.Count > 0 && !cmd.Flags().Changed("linger") {
		c.Linger = -1
	}
	fields, auth, err := c.fields()
	if err != nil {
		return err
	}
	c.Headers, c.Auth = fields, setting.SecretOf(auth)
	c.In, c.Out, c.Err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	c.Greet, c.Screen = onTerminal(c.Err), onTerminal(c.Out)
	return nil
}
