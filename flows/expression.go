package flows

import (
	"github.com/flowrun/flowrun/flows/folder"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/runtime/flow"
)

// LoadExpression compiles one per-event expression that stands in no flow;
// the report calls it "expression". With the path of a flow it may speak of
// what that flow has in var and local; the rest of the flow is not looked at.
// The Expr is nil when the report has errors.
func LoadExpression(text, path string, in Inputs) (flow.Expr, *Report) {
	report := &Report{}
	given := startup.Read(report, in)
	f := &folder.Folder{}
	if path != "" {
		f = folder.Open(report, path)
	}
	if f == nil || f.Broken {
		return nil, report
	}
	r := newReader(report, f, &Tables{}, given)
	r.Declare(r.Blocks["variable"])
	checks{report}.inputs(given, []*reader{r})
	r.Set(given, r.Blocks["locals"])
	e := r.ParseExpression("expression", text)
	if e == nil {
		return nil, report
	}
	x, _ := r.Compile(e, "an expression", nil)
	if report.HasErrors() {
		return nil, report
	}
	return x, report
}
