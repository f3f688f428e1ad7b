package reference

import (
	"strings"

	"github.com/flowrun/flowrun/flows/expr/aggregate"
	"github.com/flowrun/flowrun/flows/expr/function"
)

// Call is an example of a function: what is written, and what comes of it, as
// JSON; of an aggregate, that depends on the events.
type Call struct {
	Call   string `json:"call"`
	Result string `json:"result,omitempty"`
}

// describeFunctions describes the functions of expressions.
func describeFunctions(list []function.Function) []Component {
	all := make([]Component, len(list))
	for i := range list {
		f := &list[i]
		c := Component{Kind: "function", Name: f.Name, Group: f.Group, Summary: f.Doc, Returns: f.Returns.String(), Arguments: []Argument{}}
		var names []string
		for _, p := range f.Params {
			a := parameter(p)
			if p.Optional {
				names = append(names, "["+p.Name+"]")
			} else {
				names, a.Required = append(names, p.Name), true
			}
			c.Arguments = append(c.Arguments, a)
		}
		if f.Rest != nil {
			if n := len(names); n == 0 || names[n-1] != f.Rest.Name {
				names = append(names, f.Rest.Name)
				c.Arguments = append(c.Arguments, parameter(*f.Rest))
			}
			names = append(names, "…")
		}
		c.Signature = f.Name + "(" + strings.Join(names, ", ") + ")"
		for _, e := range f.Examples {
			c.Calls = append(c.Calls, Call(e))
		}
		all[i] = c
	}
	return all
}

// describeAggregates describes the functions over many events.
func describeAggregates(list []aggregate.Function) []Component {
	all := make([]Component, len(list))
	for i, f := range list {
		c := Component{
			Kind: "aggregate", Name: f.Name, Summary: f.Doc, Returns: f.Returns.String(), Calls: []Call{{Call: f.Example}},
			Arguments: []Argument{{Name: "value", Type: f.Takes.String(), Required: !f.Optional}},
		}
		switch f.Second {
		case aggregate.Share:
			c.Arguments = append(c.Arguments, Argument{Name: "share", Type: "a number from 0 to 1", Required: true})
		case aggregate.Limit:
			c.Arguments = append(c.Arguments, Argument{Name: "n", Type: "a number"})
		case aggregate.None:
		}
		var names []string
		for _, a := range c.Arguments {
			if a.Required {
				names = append(names, a.Name)
			} else {
				names = append(names, "["+a.Name+"]")
			}
		}
		c.Signature = f.Name + "(" + strings.Join(names, ", ") + ")"
		all[i] = c
	}
	return all
}

func parameter(p function.Param) Argument {
	a := Argument{Name: p.Name, Type: p.Kinds.String()}
	if p.Null && a.Type != "any value" {
		a.Type += " or null"
	}
	return a
}
