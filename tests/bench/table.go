package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table shows the results as the README does.
func table(results []result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	row("case", "unit", "baseline", "flowrun", "ratio [min..max]", "gate", "")
	for _, r := range results {
		base := spreadOf(r.Rounds, func(r round) float64 { return r.Baseline.Cost })
		flow := spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.Cost })
		verdict := "ok"
		if !r.Within {
			verdict = "over"
		}
		result := fmt.Sprintf("%.2f [%.2f..%.2f]", r.Ratio.Median, r.Ratio.Min, r.Ratio.Max)
		if r.kase.adds {
			more := r.more()
			result = fmt.Sprintf("%+.2f us [%+.2f..%+.2f]", more.Median, more.Min, more.Max)
		}
		row(r.kase.title(), r.Unit, fmt.Sprintf("%.2f", base.Median), fmt.Sprintf("%.2f", flow.Median), result, r.kase.limit(), verdict)
		if r.kase.crowd != (others{}) {
			memory := spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.Memory })
			row("  and each of these costs", "KiB/conn", "", fmt.Sprintf("%.2f", memory.Median), "", "", "")
		}
		if r.kase.depth == 0 {
			base := spreadOf(r.Rounds, func(r round) float64 { return r.Baseline.AfterEcho })
			flow := spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.AfterEcho })
			ratio := spreadOf(r.Rounds, func(r round) float64 { return r.Flowrun.AfterEcho / r.Baseline.AfterEcho })
			row("  after a message each", r.Unit, fmt.Sprintf("%.2f", base.Median), fmt.Sprintf("%.2f", flow.Median),
				fmt.Sprintf("%.2f [%.2f..%.2f]", ratio.Median, ratio.Min, ratio.Max), "", "")
		}
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}
