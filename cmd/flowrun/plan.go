package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
)

func newPlan() *cobra.Command {
	var in inputs
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan OLD NEW",
		Short: "Show what a reload from one flow to another would do",
		Long: `Compares two versions of a flow, each a file or a folder, and tells for each of their
parts what becomes of it when the new one takes over in a running process:

  keep     it goes on: connections, subscriptions and windows stay
  rewire   it goes on as well, and sends to others than before
  start    it is new
  restart  it has changed, and another one takes its place
  stop     it is no more

What changes a connector or a pipeline is what it does, not how that is written: layout,
comments, the order of blocks and the names of files do not count. Nothing is started,
and no running process is asked.`,
		Example: "  flowrun plan old/echo.hcl echo.hcl\n  git show HEAD:echo.hcl > old.hcl && flowrun plan --json old.hcl echo.hcl",
		Args:    command.Between(2, 2, "two flow files or folders"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var versions [2]*flowfile.File
			for i, path := range args {
				files, err := in.loadOrShow(cmd, []string{path})
				if err != nil {
					return err
				}
				versions[i] = files[0]
			}
			plan := planOf(graph.Diff(graph.New(versions[0]), graph.New(versions[1])))
			plan.Flow = versions[1].Name
			if asJSON {
				return command.WriteJSON(cmd.OutOrStdout(), plan)
			}
			return plan.print(cmd.OutOrStdout())
		},
	}
	in.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	return cmd
}

// plan is what becomes of the parts of a flow.
type plan struct {
	Flow    string             `json:"flow"`
	Count   map[graph.Fate]int `json:"count"` // connectors and pipelines
	Changes []planned          `json:"changes"`
}

type planned struct {
	Fate   graph.Fate `json:"fate"`
	Part   string     `json:"part"`
	Type   string     `json:"type,omitempty"` // of a connector
	Closes bool       `json:"closes_connections"`
}

func planOf(changes []graph.Change) *plan {
	p := &plan{Count: map[graph.Fate]int{}, Changes: []planned{}}
	for _, fate := range graph.Fates {
		p.Count[fate] = 0
	}
	for _, c := range changes {
		n := c.Node()
		one := planned{Fate: c.Fate, Part: n.ID, Closes: c.Closes()}
		if n.Kind == graph.Connector {
			one.Type = n.Connector.Type
		}
		if n.Kind != graph.Edge {
			p.Count[c.Fate]++
		}
		p.Changes = append(p.Changes, one)
	}
	return p
}

// print writes the plan for people, the gentle fates first.
func (p *plan) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "flow %s\n", p.Flow)
	for _, fate := range graph.Fates {
		for _, c := range p.Changes {
			if c.Fate != fate {
				continue
			}
			fmt.Fprintf(&b, "  %-7s  %s", c.Fate, c.Part)
			if c.Type != "" {
				fmt.Fprintf(&b, " (%s)", c.Type)
			}
			if c.Closes {
				b.WriteString(": its connections are closed")
			}
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "connectors and pipelines: %d kept, %d rewired, %d started, %d restarted, %d stopped\n",
		p.Count[graph.Keep], p.Count[graph.Rewire], p.Count[graph.Start], p.Count[graph.Restart], p.Count[graph.Stop])
	_, err := io.WriteString(w, b.String())
	return err
}
