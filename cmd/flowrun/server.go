package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/announce"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/journal"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/reload"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/systemd"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/watch"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/admin/metrics"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/status"
)

func newServerRun() *cobra.Command {
	var in inputs
	var api adminFlags
	var level, format string
	var watched bool
	cmd := &cobra.Command{
		Use:   "run FLOW…",
		Short: "Run flows until they end or the process is told to",
		Long: `Runs flow files, or folders of them, side by side in one process. All are checked
before anything starts. A line on standard error says where each listener listens,
once requests are served.

SIGTERM or SIGINT ends gracefully: what is in flight is delivered and peers are told
goodbye. A second one ends at once. The process also ends, with the code that the
flow chose, when an exit connector asks for it or when every source has ended.

SIGHUP reads the same files again and goes on with what they say then, as --watch
does when they change. What has not changed goes on, with its connections; see
` + "`flowrun plan`" + `. Files with mistakes change nothing: the mistakes are told.

--admin, or a flow's block admin, serves health probes, metrics and an API at an address of
its own, for which there are
` + "`flowrun server status`, `reload` and `drain`" + `. Without tokens (--admin-tokens, or one in
the environment as FLOWRUN_ADMIN_TOKEN) it is for this machine alone, and changes nothing.`,
		Example: "  flowrun server run echo.hcl\n  flowrun server run --admin 127.0.0.1:8686 --admin-tokens tokens.txt echo.hcl\n  flowrun server run --var url=127.0.0.1:8080 a.hcl b/",
		Args:    command.Between(1, command.Many, "a flow file or folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			stderr := cmd.ErrOrStderr()
			if !slices.Contains(logLevels, level) {
				return command.Usage("there is no log level %q%s; the levels are %s", level, command.DidYouMean(level, logLevels), strings.Join(logLevels, ", "))
			}
			if format == "" {
				format = "json"
				if onTerminal(stderr) {
					format = "console"
				}
			} else if !slices.Contains(logFormats, format) {
				return command.Usage("there is no log format %q%s; the formats are %s", format, command.DidYouMean(format, logFormats), strings.Join(logFormats, ", "))
			}
			atLevel, err := zapcore.ParseLevel(level)
			if err != nil {
				return err
			}

			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP) // from here on, to the end: one that comes too early or too late must not end the process
			files, report, err := in.load(args)
			if err != nil {
				return err
			}
			if err := show(cmd, report); err != nil {
				return err
			}
			notices, records := new(feed.Feed[notice.Notice]), new(feed.Feed[notice.Notice])
			lowest := zap.NewAtomicLevelAt(atLevel)
			log := journal.New(stderr, journal.Options{Format: format, Coloured: colourful(stderr), Level: lowest, Records: records})
			defer log.Sync() //nolint:errcheck // a terminal cannot be synced
			// By way of the standard log, net/http tells of servers that break the protocol.
			if undo, err := zap.RedirectStdLogAt(log, zap.WarnLevel); err == nil {
				defer undo()
			}
			var service *systemd.Notifier
			e, err := engine.New(engine.Options{
				Files:   files,
				Log:     log,
				Notices: notices,
				Records: records,
				Scrape:  admin.Snapshot,
				Ready: func(listeners []status.Listener) {
					service.Ready()
					for _, l := range listeners {
						fmt.Fprintf(stderr, "%s: connector.%s listens on %s\n", l.Flow, l.Connector, strings.TrimSuffix(l.String(), "/"))
					}
				},
			})
			if err != nil {
				return err
			}
			service = systemd.New(e, log)
			ctx, drain, stop := untilTold(cmd, e)
			defer stop()
			defer service.Watch(ctx)()
			var w *watch.Watcher
			if watched {
				if w, err = watch.New(slices.Concat(args, in.varFiles), report.Files(), log); err != nil {
					return err
				}
				defer w.Close()
			}
			announcer := announce.Announcer{To: notices}
			built := readBuild()
			reports := newReports(e, built.Version, log)
			r := reload.New(reload.Options{
				Engine:   e,
				Files:    files,
				Read:     report,
				Load:     func() ([]*flowfile.File, *flows.Report, error) { return in.load(args) },
				Report:   func(r *flows.Report) { fmt.Fprint(stderr, r.Text(colourful(stderr))) },
				Restart:  func(newer []*flowfile.File) bool { return !sameAdmin(adminOf(newer), adminOf(files)) },
				Loaded:   reports.follow,
				Announce: announcer,
				Systemd:  service,
				Log:      log,
			})
			counted := metrics.New(metrics.Options{Version: built.Version, Commit: built.Commit, Go: built.Go, Counts: e.Counts, Reloads: r.Reloads, Spans: reports.spans})
			reports.Metrics = counted
			reports.follow(files)
			defer reports.stop()
			endAPI, err := api.serve(files, admin.Options{Health: e.Health, Metrics: metrics.Handler(counted), Flows: e.Flows, Connections: e.Connections, Connection: e.Connection, Pause: e.Pause, Resume: e.Resume, Config: r.Config, Reload: r.Ask, Drain: drain, Notices: notices, Records: records, Places: e.Places, Tap: e.Tap, Nearest: source.Nearest, Log: log, Level: &lowest}, e.Taken, stderr)
			if err != nil {
				return err
			}
			defer endAPI()
			go r.Run(ctx, hangups, w)
			go announcer.Stats(ctx, time.Duration(adminOf(files).Events.StatsInterval), e.Total)
			code, err := e.Run(ctx)
			if err != nil || code != command.ExitGood {
				return &command.Exit{Code: code, Err: err}
			}
			return nil
		},
	}
	in.register(cmd)
	api.register(cmd)
	cmd.Flags().StringVar(&level, "log-level", "info", "lowest `level` that is logged: "+strings.Join(logLevels, ", "))
	cmd.Flags().StringVar(&format, "log-format", "", "`format` of the log: console or json (default console on a terminal, json otherwise)")
	cmd.Flags().BoolVar(&watched, "watch", false, "reload when the files of the flows, of their modules, of variables, or read by file() change")
	return cmd
}

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"console", "json"}
)

// untilTold returns a context that ends with the first SIGTERM or SIGINT, or by
// drain. The second signal stops the engine. stop ends the watch; signals stay without
// effect, since one that comes while the process ends is not to change its exit code.
func untilTold(cmd *cobra.Command, e *engine.Engine) (ctx context.Context, drain, stop func()) {
	ctx, cancel := context.WithCancel(cmd.Context())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			case s := <-signals:
				if n == 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "flowrun: %s: draining for up to %s; once more ends at once\n", signalName(s), e.DrainTimeout())
					cancel()
					continue
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "flowrun: %s: ending at once\n", signalName(s))
				e.Stop()
			}
		}
	}()
	return ctx, cancel, func() {
		close(ended)
		cancel()
	}
}

func signalName(s os.Signal) string {
	if s == syscall.SIGINT {
		return "SIGINT"
	}
	return "SIGTERM"
}
