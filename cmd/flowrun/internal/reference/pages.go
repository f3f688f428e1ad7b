package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// page is one page of the reference in the repository: it stands beside the
// code that it is made from.
type page struct {
	kind, path, title, intro string
}

var pages = []page{
	{"block", "flows/README.md", "Blocks of a flow", `What stands in a flow beside its components.`},
	{"connector", "connectors/README.md", "Connectors", `A connector is a way in or out of the process. ` +
		"`connector \"<type>\" \"<name>\" { }`" + ` in a flow makes one; ` + "`connect`" + ` blocks
wire its ports: ` + "`out`" + ` gives what came in, ` + "`err`" + ` what went wrong, and ` + "`in`" + ` takes what is to go out.`},
	{"codec", "codecs/README.md", "Codecs", `A codec turns one message into one event, and back. A connector names it: ` +
		"`codec = \"json\"`" + `, or with
arguments ` + "`codec = { name = \"json\", sort_keys = true }`" + `, or by reference to a block, ` +
		"`codec \"json\" \"sorted\" { }`" + ` and ` + "`codec = codec.sorted`" + `.`},
	{"preprocessor", "preprocessors/README.md", "Pre- and postprocessors", `A processor reshapes one direction of one connection, between the connector and the codec. A connector lists
those that messages pass on their way in (` + "`preprocessors`" + `) and out (` + "`postprocessors`" + `), in this order: ` +
		"`[\"gzip\", \"separate\"]`" + `,
with arguments ` + "`[{ name = \"separate\", max_length = \"1MiB\" }]`" + `, or by reference to a block.`},
	{"step", "runtime/pipeline/README.md", "Steps of a pipeline", `A ` + "`pipeline`" + ` is a list of steps, in the order written. Each step has a label.`},
	{"module", "flows/std/README.md", "Modules of the library", `A module is a part of a flow that stands elsewhere. These come with flowrun; a flow uses one like a folder of its
own, with the arguments below:

` + "```hcl" + `
module "limit" {
  source = "std/rate_limit_per_peer"
  rate   = 100
}
` + "```" + `

A ` + "`connect`" + ` names it like a pipeline: ` + "`via = [module.limit]`, `from = module.limit.err`" + `.`},
	{"peer", "cmd/flowrun/internal/peer/README.md", "Peers of tests", `A ` + "`peer`" + ` in a ` + "`*.test.hcl`" + ` is the other side of a WebSocket: a client or a server that follows a
script. Its arguments come first, then steps, in the order in which they are done. Every step has a deadline; the
first that does not go as written fails the test, with what was expected, what came, and the last of what happened.

Expressions know ` + "`event`" + ` (the last message that a step has taken; in ` + "`where`" + ` and ` + "`save`" + ` the one that is looked at),
` + "`text`" + ` (the same as text), ` + "`index`" + ` (the number of the client, from 0), ` + "`n`" + ` (the number of the repetition or round,
from 0) and ` + "`saved`" + ` (what ` + "`save`" + ` has kept).`},
	{"function", "flows/expr/function/README.md", "Functions of expressions", `What an expression of a flow can call, per event and at the start alike. ` + "`flowrun eval`" + ` computes any of these
examples. Nothing is converted by itself: a function that takes a string refuses a number. A null argument makes the
result null, unless the table says otherwise. Names and the order of arguments are Terraform's where it has the function.

At the start there are also ` + "`env(name, default)`, `file(path)`, `fileexists(path)` and `templatefile(path, vars)`" + `.`},
}

// WritePages writes all pages into the source tree at root.
func WritePages(root string, all []Component) error {
	for _, p := range pages {
		name := filepath.Join(root, filepath.FromSlash(p.path))
		if err := os.WriteFile(name, []byte(p.markdown(all)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// markdown is the page's text.
func (p page) markdown(all []Component) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Written by `flowrun doc --write .` from the code. Change it there. -->\n\n# %s\n\n%s\n", p.title, p.intro)
	if p.kind == "function" {
		functionTables(&b, all)
		return b.String()
	}
	b.WriteString("\n| name | |\n|---|---|\n")
	for _, c := range all {
		if c.Kind == p.kind {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.Name, c.Name, cell(c.Summary))
		}
	}
	if p.kind == "connector" {
		b.WriteString("\n## Arguments of every connector\n\n")
		markdownTable(&b, commonArguments())
	}
	for _, c := range all {
		if c.Kind == p.kind {
			b.WriteString("\n")
			c.markdown(&b)
		}
	}
	return b.String()
}

// markdown writes the component's section of its page.
func (c Component) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "## `%s`\n", c.Name)
	if summary := sentence(c.Summary); !strings.HasPrefix(c.Doc, summary) {
		fmt.Fprintf(b, "\n%s.\n", summary)
	}
	if c.Doc != "" {
		fmt.Fprintf(b, "\n%s\n", c.Doc)
	}
	if len(c.Arguments) > 0 {
		b.WriteString("\n")
		markdownTable(b, c.Arguments)
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```hcl\n%s```\n", c.Example)
	}
}

func markdownTable(b *strings.Builder, list []Argument) {
	b.WriteString("| argument | type | default | |\n|---|---|---|---|\n")
	for _, a := range list {
		def := ""
		switch {
		case a.Required:
			def = "required"
		case a.Default != "":
			def = "`" + a.Default + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", a.Name, cell(a.kind()), cell(def), cell(a.Doc))
	}
}

// cell makes a text fit into a table.
func cell(text string) string {
	return strings.NewReplacer("\n", " ", "|", "\\|", "<", "&lt;").Replace(text)
}

// sentence begins a text with a capital letter, for where it stands alone.
func sentence(text string) string {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// functionTables writes the functions of a page, a table for each group, and
// the aggregates.
func functionTables(b *strings.Builder, all []Component) {
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
