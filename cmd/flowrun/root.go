package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/manage"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/tap"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/top"
	"github.com/flowrun/flowrun/flows/source"
)

func newRoot() *cobra.Command {
	root := group("flowrun", "Turns flow files into running services")
	root.Long = `flowrun turns a flow file into a running service: connectors bring bytes in and
out, codecs and processors turn bytes into events and back, connect blocks wire
them, and every event remembers the connection that it came from.`
	root.SilenceErrors = true // main prints errors, once
	root.SilenceUsage = true
	root.SetFlagErrorFunc(flagError)

	server := group("server", "Run flows")
	server.AddCommand(newServerRun(), manage.NewStatus(), manage.NewReload(), manage.NewDrain())
	root.AddCommand(manage.NewConns())
	root.AddCommand(server, newValidate(), newFmt(), newGraph(), newPlan(), newEval(), newPipe(), newTest(), newDial(), newBench(), newDoc(), tap.New(), top.New(), newVersion())
	root.SetHelpCommand(newHelp())
	root.InitDefaultCompletionCmd("flowrun")
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = cobra.ArbitraryArgs, needCommand
			for _, shell := range c.Commands() {
				shell.Args = command.Between(0, 0, "no arguments")
			}
		}
	}
	return root
}

// later are the commands and flags that are to come, told apart from mistakes.
var later = map[string][]string{
	"flowrun":          {"schema", "new"},
	"flowrun validate": {"--bind"},
}

// group is a command that only holds others.
func group(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE:  needCommand,
	}
}

// needCommand is what a group does when it is run by itself.
func needCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		cmd.SetOut(cmd.ErrOrStderr())
		_ = cmd.Help() // what it cannot print, nobody can be told
		return &command.Exit{Code: command.ExitUsage}
	}
	if slices.Contains(later[cmd.CommandPath()], args[0]) {
		return command.Usage("%s %s is %s (`%[1]s --help` lists the commands)", cmd.CommandPath(), args[0], source.NotYet)
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return command.Usage("%s has no command %q%s (`%[1]s --help` lists them)", cmd.CommandPath(), args[0], command.DidYouMean(args[0], names))
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return needCommand(about, rest)
			}
			return about.Help()
		},
	}
}

// flagError makes an error of the flag parser one of usage.
func flagError(cmd *cobra.Command, err error) error {
	hint := ""
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		if slices.Contains(later[cmd.CommandPath()], "--"+name) {
			return command.Usage("%s: --%s is %s (`%[1]s --help` lists the flags)", cmd.CommandPath(), name, source.NotYet)
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		hint = command.DidYouMean(name, names)
	}
	return command.Usage("%s: %w%s (`%[1]s --help` lists the flags)", cmd.CommandPath(), err, hint)
}
