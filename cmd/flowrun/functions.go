package main

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/flows/expr/function"
)

// call is an example of a function: what is written, and what comes of it, as
// JSON.
type call struct {
	Call   string `json:"call"`
	Result string `json:"result"`
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

func parameter(p function.Param) argument {
	a := argument{Name: p.Name, Type: p.Kinds.String()}
	if p.Null && a.Type != "any value" {
		a.Type += " or null"
	}
	return a
}

// functionText writes a function for a terminal.
func (c component) functionText(b *strings.Builder, bold, plain string) {
	fmt.Fprintf(b, "%sfunction %s%s: %s\n\n  %s\n", bold, c.Name, plain, c.Summary, c.Signature)
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
		fmt.Fprintf(b, "  %s  is  %s\n", e.Call, e.Result)
	}
}

// functionTables writes the functions of a page, a table for each group.
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
}

// functionNames lists the functions of each group, for the catalogue.
func functionNames(b *strings.Builder, all []component) {
	groups := map[string][]string{}
	var order []string
	for _, c := range all {
		if groups[c.Group] == nil {
			order = append(order, c.Group)
		}
		groups[c.Group] = append(groups[c.Group], c.Name)
	}
	for _, group := range order {
		fmt.Fprintf(b, "  %s: %s\n", strings.ToLower(group), strings.Join(groups[group], " "))
	}
}
