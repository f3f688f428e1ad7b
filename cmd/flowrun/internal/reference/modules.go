package reference

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/flows/std"
)

// describeModules describes the modules of the library.
func describeModules() []Component {
	var all []Component
	for _, name := range std.Names() {
		d := std.Describe(name)
		doc := strings.ReplaceAll(strings.TrimSpace(d.Doc), "\n  ", "\n    ") // what is indented is code
		c := Component{Kind: "module", Name: d.Name, Summary: d.Summary, Doc: doc + ports(d), Arguments: []Argument{}}
		for _, v := range d.Variables {
			c.Arguments = append(c.Arguments, Argument{Name: v.Name, Type: v.Type, Default: v.Default, Required: v.Default == "", Doc: v.Doc})
		}
		all = append(all, c)
	}
	return all
}

// ports lists where events go in and out.
func ports(d std.Description) string {
	list := func(what string, items []std.Item) string {
		var names []string
		for _, i := range items {
			name := "`" + i.Name + "`"
			if i.Doc != "" {
				name += " (" + i.Doc + ")"
			}
			names = append(names, name)
		}
		if names == nil {
			return ""
		}
		return fmt.Sprintf("\n\n%s: %s.", what, strings.Join(names, ", "))
	}
	return list("Inputs", d.Inputs) + list("Outputs", d.Outputs)
}
