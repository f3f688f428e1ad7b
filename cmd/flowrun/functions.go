package main

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/aggregate"
	"github.com/flowrun/flowrun/flows/expr/function"
)

// call is an example of a function: what is written, and what comes of it, as
// JSON; of an aggregate, that depends on the events.
type call struct {
	Call   string `json:"call"`
	Result string `json:"result,omitempty"`
}

// describeFunctions describes the functions of expressions.
func describeFunctions(list []function.Function) []component {
	all := make([]component, len(list))
	for i := range list {
		f := &list[i]
		c := component{Kind: "function", Name: f.Name, Group: f.Group, Summary: f.Doc, Returns: f.Returns.String(), Arguments: []argument{}}
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
			c.Calls = append(c.Calls, call(e))
		}
		all[i] = c
	}
	return all
}

// describeAggregates describes the functions over many events.
func describeAggregates(list []aggregate.Function) []component {
	all := make([]component, len(list))
	for i, f := range list {
		c := component{
			Kind: "aggregate", Name: f.Name, Summary: f.Doc, Returns: f.Returns.String(), Calls: []call{{Call: f.Example}},
			Arguments: []argument{{Name: "value", Type: f.Takes.String(), Required: !f.Optional}},
		}
		switch f.Second {
		case aggregate.Share:
			c.Arguments = append(c.Arguments, argument{Name: "share", Type: "a number from 0 to 1", Required: true})
		case aggregate.Limit:
			c.Arguments = append(c.Arguments, argument{Name: "n", Type: "a number"})
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

func parameter(p function.Param) argument {
	a := argument{Name: p.Name, Type: p.Kinds.String()}
	if p.Null && a.Type != "any value" {
		a.Type += " or null"
	}
	return a
}

// functionText writes a function for a terminal.
func (c component) functionText(b *strings.Builder, bold, plain string) {
	fmt.Fprintf(b, "%s%s %s%s: %s\n\n  %s\n", bold, c.Kind, c.Name, plain, c.Summary, c.Signature)
	width := 0
	for _, a := range c.Arguments {
		width = max(width, len(a.Name))
	}
	for _, a := range c.Arguments {
		kind := a.Type
		if !a.Required {
			kind += ", may be left out"
		}
		fmt.Fprintf(b, "  %-*s  %s\n", width, a.Name, kind)
	}
	fmt.Fprintf(b, "  returns %s\n", c.Returns)
	if len(c.Calls) > 0 {
		fmt.Fprintf(b, "\n%sExamples%s\n", bold, plain)
	}
	for _, e := range c.Calls {
		b.WriteString("  " + e.Call)
		if e.Result != "" {
			b.WriteString("  is  " + e.Result)
		}
		b.WriteString("\n")
	}
}

// functionTables writes the functions of a page, a table for each group, and
// the aggregates.
func functionTables(b *strings.Builder, all []component) {
	code := func(text string) string { return "`" + strings.ReplaceAll(text, "|", "\\|") + "`" }
	group := ""
	for _, c := range all {
		if c.Kind != "function" {
			continue
		}
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(b, "\n## %s\n\n| function | returns | for example |\n|---|---|---|\n", group)
		}
		var calls []string
		for _, e := range c.Calls {
			calls = append(calls, code(e.Call)+" is "+code(e.Result))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", code(c.Signature), cell(c.Summary), strings.Join(calls, "<br>"))
	}
	b.WriteString("\n## Aggregates\n\nIn the `emit` of a window: one value of many, of which the first argument is computed per event. " +
		"Null counts nowhere.\n\n| aggregate | returns | for example |\n|---|---|---|\n")
	for _, c := range all {
		if c.Kind == "aggregate" {
			fmt.Fprintf(b, "| %s | %s | %s |\n", code(c.Signature), cell(c.Summary), code(c.Calls[0].Call))
		}
	}
}

// functionNames lists the functions of each group, for the catalogue.
func functionNames(b *strings.Builder, all []component) {
	groups := map[string][]string{}
	var order []string
	for _, c := range all {
		if c.Kind != "function" {
			c.Group = "aggregates"
		}
		if groups[c.Group] == nil {
			order = append(order, c.Group)
		}
		groups[c.Group] = append(groups[c.Group], c.Name)
	}
	for _, group := range order {
		fmt.Fprintf(b, "  %s: %s\n", strings.ToLower(group), strings.Join(groups[group], " "))
	}
}
