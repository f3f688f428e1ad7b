package reference

import (
	"fmt"
	"strings"
)

// Style is how a terminal shows what stands out. The zero Style is plain text.
type Style struct{ bold, plain string }

// Coloured is the Style of a terminal that shows colours.
var Coloured = Style{bold: "\x1b[1m", plain: "\x1b[0m"}

func (s Style) heading(text string) string { return s.bold + text + s.plain }

// List spells one line for each component, by kind. Functions are many: in the
// company of others they are only named.
func List(all []Component, style Style) string {
	var b strings.Builder
	width := 0
	for _, c := range all {
		width = max(width, len(c.Name))
	}
	kind := ""
	for i, c := range all {
		if c.Kind != kind {
			if kind != "" {
				b.WriteString("\n")
			}
			kind = c.Kind
			b.WriteString(style.heading(kind) + "\n")
			if kind == "function" && i > 0 {
				functionNames(&b, all[i:])
				break
			}
		}
		fmt.Fprintf(&b, "  %-*s  %s\n", width, c.Name, c.Summary)
	}
	return b.String()
}

// CommonArguments spells the arguments that every connector has beside its own.
func CommonArguments(style Style) string {
	var b strings.Builder
	b.WriteString(style.heading("Arguments of every connector") + "\n")
	textTable(&b, commonArguments())
	return b.String()
}

// Text spells all that there is to say about the component.
func (c Component) Text(style Style) string {
	var b strings.Builder
	if c.Signature != "" {
		c.functionText(&b, style)
	} else {
		c.text(&b, style)
	}
	return b.String()
}

func (c Component) text(b *strings.Builder, style Style) {
	fmt.Fprintf(b, "%s: %s\n", style.heading(c.Kind+" "+c.Name), c.Summary)
	if c.Doc != "" {
		fmt.Fprintf(b, "\n%s\n", c.Doc)
	}
	if len(c.Arguments) > 0 {
		b.WriteString("\n" + style.heading("Arguments") + "\n")
		textTable(b, c.Arguments)
	}
	if c.Kind == "connector" {
		b.WriteString("\nEvery connector also has codec, preprocessors and others: `flowrun doc connector` lists them.\n")
	}
	if c.Example != "" {
		b.WriteString("\n" + style.heading("Example") + "\n")
	}
	for line := range strings.Lines(c.Example) {
		b.WriteString("  " + line)
	}
}

func textTable(b *strings.Builder, list []Argument) {
	width := 0
	for _, a := range list {
		width = max(width, len(a.Name))
	}
	for _, a := range list {
		kind := a.kind()
		switch {
		case a.Required:
			kind += ", required"
		case a.Default != "":
			kind += ", default " + a.Default
		}
		fmt.Fprintf(b, "  %-*s  %s\n  %-*s  (%s)\n", width, a.Name, a.Doc, width, "", kind)
	}
}

// kind is the argument's type with the values that it may take.
func (a Argument) kind() string {
	var parts []string
	for _, v := range a.Values {
		parts = append(parts, fmt.Sprintf("%q", v))
	}
	kind := a.Type
	if len(parts) > 0 {
		kind = strings.Join(parts, ", ")
	}
	switch {
	case a.Min != "" && a.Max != "":
		kind += ", " + a.Min + " to " + a.Max
	case a.Min != "":
		kind += ", at least " + a.Min
	case a.Max != "":
		kind += ", at most " + a.Max
	}
	return kind
}

// functionText writes a function for a terminal.
func (c Component) functionText(b *strings.Builder, style Style) {
	fmt.Fprintf(b, "%s: %s\n\n  %s\n", style.heading(c.Kind+" "+c.Name), c.Summary, c.Signature)
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
		b.WriteString("\n" + style.heading("Examples") + "\n")
	}
	for _, e := range c.Calls {
		b.WriteString("  " + e.Call)
		if e.Result != "" {
			b.WriteString("  is  " + e.Result)
		}
		b.WriteString("\n")
	}
}

// functionNames lists the functions of each group, for the catalogue.
func functionNames(b *strings.Builder, all []Component) {
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
