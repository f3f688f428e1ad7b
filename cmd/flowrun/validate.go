package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/runtime/flowfile"
)

// checked is what validate says of one flow.
type checked struct {
	Flow       string `json:"flow"`
	Connectors int    `json:"connectors"`
	Pipelines  int    `json:"pipelines"`
	Connects   int    `json:"connects"`
}

func newValidate() *cobra.Command {
	var in inputs
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate FLOW…",
		Short: "Check flows, as deep as running them would",
		Long: `Checks flow files, or folders of them, and reports all problems in one go. Nothing
is started and no port is opened. The exit code is 78 when there are errors, and 0
when there are none or only warnings.`,
		Example: "  flowrun validate echo.hcl\n  flowrun validate --var url=127.0.0.1:8080 flows/",
		Args:    command.Between(1, command.Many, "a flow file or folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, report, err := in.load(args)
			if err != nil {
				return err
			}
			if asJSON {
				out := struct {
					Flows    []checked       `json:"flows"`
					Problems json.RawMessage `json:"problems"`
				}{[]checked{}, report.JSON()}
				if !report.HasErrors() {
					out.Flows = checkedOf(files)
				}
				if err := command.WriteJSON(cmd.OutOrStdout(), out); err != nil {
					return err
				}
				if report.HasErrors() {
					return &command.Exit{Code: command.ExitConfig}
				}
				return nil
			}
			if err := show(cmd, report); err != nil {
				return err
			}
			for _, c := range checkedOf(files) {
				fmt.Fprintf(cmd.OutOrStdout(), "ok %s: %s, %s, %s\n", c.Flow,
					count(c.Connectors, "connector"), count(c.Pipelines, "pipeline"), count(c.Connects, "connect"))
			}
			return nil
		},
	}
	in.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print flows and problems as JSON")
	return cmd
}

func checkedOf(files []*flowfile.File) []checked {
	list := []checked{}
	for _, f := range files {
		list = append(list, checked{f.Name, len(f.Connectors), len(f.Pipelines), len(f.Connects)})
	}
	return list
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
