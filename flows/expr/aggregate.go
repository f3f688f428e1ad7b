package expr

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const aggregateNames = "count, sum, avg, min, max, stdev, quantile, first, last, collect or distinct"

type aggregates struct{}

var aggregateKinds = map[string]*struct{}{}

func (c *compiler) isAggregate(e *hclsyntax.FunctionCallExpr) bool { return false }

func (c *compiler) aggregate(e *hclsyntax.FunctionCallExpr) *node { return bad(e.Range()) }

// CompileAggregate is Compile for an expression over many events.
func CompileAggregate(e hcl.Expression, scope Scope) (flow.Aggregate, hcl.Diagnostics) {
	_, diags := Compile(e, scope)
	return nil, diags
}
