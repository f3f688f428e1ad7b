package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/load"
	"github.com/flowrun/flowrun/runtime/setting"
)

// benchmark is one run of `flowrun bench`.
type benchmark struct {
	load.Options
	handshake
	message, messageFile string
	expect, expectFile   string
	size                 int
	broadcast, receive   bool
	asJSON               bool
}

func newBench() *cobra.Command {
	b := &benchmark{Options: load.Defaults()}
	cmd := &cobra.Command{
		Use:   "bench URL",
		Short: "Make load for a WebSocket server and say how it takes it",
		Long: `Opens connections to a WebSocket server, sends messages on them for some time, and
prints how many were answered, how long the answers took, and what went wrong. Every
answer is compared with the message that it answers (or with --expect): bytes, order
and count. What is measured begins after --warmup and ends after --duration or
--count.

With --in-flight, each connection keeps so many messages unanswered and sends the next
one when one has been answered: that finds what the server can do at most. With --rate,
so many messages per second leave, whether the server keeps up or not, and the time of
an answer counts from when its message should have left: a server that stalls cannot
hide that.

With --broadcast, the first connection sends and all of them are to hear it; with
--receive-only nothing is sent, and what comes is counted.

In messages, {conn} and {seq} become the numbers of the connection and of its message,
in 5 and 10 digits. The default message is 144 bytes of JSON with both, and ends with a
newline for servers that read lines.

With --pid, the processor time and the memory of the server's process are read, too.
SIGINT or SIGTERM ends the run and prints what was found so far. Servers on other
machines need --allow-remote. --auth and --header are those of dial. The exit code is 1 when anything went wrong.`,
		Example: "  flowrun bench ws://127.0.0.1:4242/\n" +
			"  flowrun bench --connections 1000 --in-flight 4 --duration 30s ws://127.0.0.1:4242/\n" +
			"  flowrun bench --rate 5000 --message 'hello {seq}' --json ws://127.0.0.1:4242/\n" +
			"  flowrun bench --pid 4711 ws://127.0.0.1:4242/",
		Args: command.Between(1, 1, "the URL of a WebSocket server"),
		RunE: b.run,
	}
	b.register(cmd)
	return cmd
}

func (b *benchmark) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVarP(&b.Connections, "connections", "c", b.Connections, "`number` of connections open at a time")
	f.DurationVar((*time.Duration)(&b.RampUp), "ramp-up", 0, "`time` over which the connections are opened")
	f.IntVar(&b.InFlight, "in-flight", b.InFlight, "`number` of unanswered messages on each connection; of a broadcast, in a burst")
	f.Float64Var(&b.Rate, "rate", 0, "messages per `second`, all connections together, instead of --in-flight")
	f.BoolVar(&b.broadcast, "broadcast", false, "the first connection sends, all are to hear it")
	f.BoolVar(&b.receive, "receive-only", false, "send nothing, and count what comes")

	f.StringVar(&b.message, "message", "", "send this `text`")
	f.StringVar(&b.messageFile, "message-file", "", "send the lines of a `file` in turn, without their ends")
	f.IntVar(&b.size, "size", 0, "send messages of so many `bytes`")
	f.BoolVar(&b.Binary, "binary", false, "send binary messages")
	f.StringVar(&b.expect, "expect", "", "the `text` that answers --message, when it is not the same")
	f.StringVar(&b.expectFile, "expect-file", "", "the lines of a `file` answer those of --message-file")
	f.BoolVar(&b.AnyAnswer, "any-answer", false, "count answers without comparing them")

	f.DurationVar((*time.Duration)(&b.WarmUp), "warmup", time.Duration(b.WarmUp), "`time` before anything is measured; there is none with --count")
	f.DurationVarP((*time.Duration)(&b.Duration), "duration", "d", 0, "`time` that is measured (default 10s; with --count at most that, and 10m)")
	f.Int64VarP(&b.Count, "count", "n", 0, "`number` of messages to send in all; with --receive-only, to get")
	f.DurationVar((*time.Duration)(&b.Timeout), "timeout", time.Duration(b.Timeout), "`time` for a connection to open, and for an answer to come")

	b.handshake.flags(f, &b.Subprotocols)

	f.BoolVar(&b.AllowRemote, "allow-remote", false, "permit a server on another machine")
	f.IntVar(&b.PID, "pid", 0, "read the costs of the process with this `number` (Linux only)")
	f.BoolVar(&b.asJSON, "json", false, "print as JSON")
}

func (b *benchmark) run(cmd *cobra.Command, args []string) error {
	if err := b.options(cmd, args[0]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	if stderr := cmd.ErrOrStderr(); onTerminal(stderr) {
		b.Progress = func(p load.Progress) { showProgress(stderr, p) }
	}
	result, err := load.Run(ctx, b.Options)
	if b.Progress != nil {
		fmt.Fprint(cmd.ErrOrStderr(), clearLine)
	}
	if err != nil {
		return err
	}
	if b.asJSON {
		err = command.WriteJSON(cmd.OutOrStdout(), result)
	} else {
		err = result.Print(cmd.OutOrStdout())
	}
	if err == nil && !result.Good() {
		err = &command.Exit{Code: command.ExitFailed}
	}
	return err
}

// options makes the options of the flags.
func (b *benchmark) options(cmd *cobra.Command, url string) error {
	if err := b.URL.UnmarshalText([]byte(url)); err != nil {
		return command.Usage("%w", err)
	}
	if b.tls != (setting.TLSClient{}) {
		b.TLS = &b.tls
	}
	fields, auth, err := b.fields()
	if err != nil {
		return err
	}
	b.Headers = map[string]setting.Secret{}
	for name, values := range fields {
		b.Headers[name] = setting.SecretOf(strings.Join(values, ", "))
	}
	if auth != "" {
		b.Headers["Authorization"] = setting.SecretOf(auth)
	}
	switch {
	case b.broadcast && b.receive:
		return command.Usage("--broadcast sends and --receive-only does not: choose one")
	case b.broadcast:
		b.Mode = load.Broadcast
	case b.receive:
		b.Mode = load.Receive
	}
	if b.Count > 0 && cmd.Flags().Changed("warmup") {
		return command.Usage("--warmup goes with --duration: with --count every message is measured")
	}
	for _, name := range []string{"count", "connections", "in-flight", "rate", "size", "pid", "duration"} {
		if f := cmd.Flags().Lookup(name); f.Changed && (f.Value.String() == "0" || f.Value.String() == "0s" || strings.HasPrefix(f.Value.String(), "-")) {
			return command.Usage("--%s %s is not above 0", name, f.Value)
		}
	}
	for _, name := range []string{"ramp-up", "warmup"} {
		if f := cmd.Flags().Lookup(name); strings.HasPrefix(f.Value.String(), "-") {
			return command.Usage("--%s %s is a negative time", name, f.Value)
		}
	}
	if err := b.messages(cmd); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return command.Usage("%s%w", ofFlag(cmd, err), err)
	}
	return nil
}

// ofFlag names the flag that an error is about, where it is about one.
func ofFlag(cmd *cobra.Command, err error) string {
	field := (*setting.Error)(nil)
	if !errors.As(err, &field) {
		return ""
	}
	name := strings.ReplaceAll(field.Field, "_", "-")
	for _, flag := range []string{name, strings.TrimSuffix(name, "s"), strings.ReplaceAll(name, "-", "")} {
		if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
			return "--" + flag + ": "
		}
	}
	return ""
}

// maxMessageFile bounds a file of messages.
const maxMessageFile = 64 << 20

// messages reads what is to be sent and to be heard.
func (b *benchmark) messages(cmd *cobra.Command) error {
	given := 0
	for _, name := range []string{"message", "message-file", "size"} {
		if cmd.Flags().Changed(name) {
			given++
		}
	}
	if given > 1 {
		return command.Usage("--message, --message-file and --size each say what is sent: choose one")
	}
	if cmd.Flags().Changed("expect") && b.expectFile != "" {
		return command.Usage("--expect and --expect-file each say what is answered: choose one")
	}
	var err error
	if cmd.Flags().Changed("message") {
		b.Messages = []string{b.message}
	}
	if b.size > 0 {
		message, err := load.Sized(b.size)
		if err != nil {
			return command.Usage("--size: %w", err)
		}
		b.Messages = []string{message}
	}
	if b.messageFile != "" {
		if b.Messages, err = readMessages(b.messageFile); err != nil {
			return err
		}
	}
	if cmd.Flags().Changed("expect") {
		b.Expect = []string{b.expect}
	}
	if b.expectFile != "" {
		b.Expect, err = readMessages(b.expectFile)
	}
	return err
}

func readMessages(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plain("read", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxMessageFile+1))
	if err != nil {
		return nil, plain("read", err)
	}
	if len(content) > maxMessageFile {
		return nil, fmt.Errorf("read %s: it is longer than %d MiB", path, maxMessageFile>>20)
	}
	lines := load.Lines(content)
	if len(lines) == 0 {
		return nil, fmt.Errorf("read %s: %w", path, errors.New("there is no message in it: each line is one"))
	}
	return lines, nil
}

// clearLine empties the line of a terminal that progress is shown in.
const clearLine = "\r\x1b[K"

// showProgress shows how far a run is, in one line of a terminal.
func showProgress(w io.Writer, p load.Progress) {
	const width = 24
	done := max(0, min(width, int(p.Share*width)))
	failed := ""
	if p.Failed > 0 {
		failed = fmt.Sprintf(", %d given up", p.Failed)
	}
	fmt.Fprintf(w, "%s%-10s [%s%s] %3.0f%%  %d connections%s, %d messages", clearLine, p.Phase,
		strings.Repeat("#", done), strings.Repeat("-", width-done), min(100, p.Share*100), p.Open, failed, p.Messages)
}
