package main

import (
	"fmt"

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
		Example: "  flowrun graph echo.hcl\n  flowrun graph --format dot echo.hcl | dot -Tsvg > echo.svg",
		Args:    command.Between(1, 1, "one flow file or folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, ok := graphFormats[format]
			if !ok {
				return command.Usage("there is no graph format %q%s; the formats are text, mermaid, dot and json", format,
					command.DidYouMean(format, []string{"text", "mermaid", "dot", "json"}))
			}
			files, err := in.loadOrShow(cmd, args)
			if err != nil {
				return err
			}
			for _, f := range files {
				if _, err := fmt.Fprint(cmd.OutOrStdout(), draw(graph.New(f))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	in.register(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`format` of the drawing: text, mermaid, dot or json")
	return cmd
}

var graphFormats = map[string]func(*graph.Graph) string{
	"text":    func(g *graph.Graph) string { return g.Text() },
	"mermaid": func(g *graph.Graph) string { return g.Mermaid() },
	"dot":     func(g *graph.Graph) string { return g.DOT() },
	"json":    func(g *graph.Graph) string { return string(g.JSON()) },
}
