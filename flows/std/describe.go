package std

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Description is what a module says of itself.
type Description struct {
	Name      string
	Summary   string // the description of its flow block
	Doc       string // the comment that it begins with
	Variables []Item
	Inputs    []Item
	Outputs   []Item
}

// Item is a variable or a port of a module.
type Item struct {
	Name    string
	Type    string // of a variable, as written; "any" where none is
	Default string // of a variable, as written; empty where it must be given
	Doc     string
}

// Describe reads the description out of the module called name.
func Describe(name string) Description {
	text, _ := Module(name)
	d := Description{Name: name, Doc: leading(string(text))}
	file, _ := hclsyntax.ParseConfig(text, name, hcl.InitialPos) // what is embedded was tested
	if file == nil {
		return d
	}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		written := func(argument string) string {
			if a := b.Body.Attributes[argument]; a != nil {
				return string(a.Expr.Range().SliceBytes(text))
			}
			return ""
		}
		item := Item{Doc: constant(b.Body.Attributes["description"])}
		if len(b.Labels) == 1 {
			item.Name = b.Labels[0]
		}
		switch b.Type {
		case "flow":
			d.Summary = item.Doc
		case "variable":
			item.Type, item.Default = written("type"), written("default")
			if item.Type == "" {
				item.Type = "any"
			}
			d.Variables = append(d.Variables, item)
		case "input":
			d.Inputs = append(d.Inputs, item)
		case "output":
			d.Outputs = append(d.Outputs, item)
		}
	}
	return d
}

// leading is the comment at the beginning of a text.
func leading(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		b.WriteString(strings.TrimPrefix(line, " "))
	}
	return b.String()
}

// constant is the string that an argument spells.
func constant(a *hclsyntax.Attribute) string {
	if a == nil {
		return ""
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() {
		return ""
	}
	return v.AsString()
}
