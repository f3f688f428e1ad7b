package manage

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/flowrun/flowrun/runtime/admin"
)

// PrintStatus prints what a process says of itself, for people.
func PrintStatus(w io.Writer, s admin.Status) error {
	word := "ready"
	if !s.Ready {
		word = "not ready"
	}
	fmt.Fprintf(w, "%s, %s", word, s.Phase)
	if !s.Started.IsZero() {
		fmt.Fprintf(w, " for %s", time.Since(s.Started).Round(time.Second))
	}
	fmt.Fprintln(w)
	for _, c := range s.NotUp {
		fmt.Fprintf(w, "not up: %s: connector.%s is %s\n", c.Flow, c.Name, c.Doing())
	}
	if len(s.Connectors) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nFLOW\tCONNECTOR\tSTATE\tCONNECTIONS\tIN\tOUT\tLOST\tFAILED")
	for _, c := range s.Connectors {
		n := c.Counters
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n", c.Flow, c.Name, c.Doing(), n.Connections, n.EventsIn, n.EventsOut, n.Lost+n.Dropped, n.Failed)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range s.Connectors {
		if c.LastError != "" && !c.Up {
			fmt.Fprintf(w, "%s: connector.%s: %s\n", c.Flow, c.Name, c.LastError)
		}
	}
	return nil
}
