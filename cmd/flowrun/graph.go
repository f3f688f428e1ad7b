package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/runtime/graph"
)

func newGraph() *cobra.Command {
	var in inputs
	var format string
	cmd := &cobra.Command{
		Use:     "graph FLOW",
		Short:   "Draw how a flow is wired",
		Example: "  flowrun graph echo.hcl\n  flowrun graph --format svg echo.hcl > echo.svg",
		Args:    command.Between(1, 1, "one flow file or folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, names, ok := graph.FormatOf(format)
			if !ok {
				return command.Usage("there is no graph format %q%s; the formats are %s", format, command.DidYouMean(format, names), strings.Join(names, ", "))
			}
			files, err := in.loadOrShow(cmd, args)
			if err != nil {
				return err
			}
			for _, f := range files {
				if _, err := fmt.Fprint(cmd.OutOrStdout(), to.Draw(graph.New(f))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	in.register(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`format` of the drawing: text, mermaid, dot, json or svg")
	return cmd
}
