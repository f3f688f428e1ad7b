// Package std is the library of modules that comes with flowrun. A flow uses one
// like a folder of its own:
//
//	module "limit" {
//	  source = "std/rate_limit_per_peer"
//	  rate   = 100
//	}
//
// Each module is one file, named after it. Its comment says what it is for; the
// descriptions of its variables, inputs and outputs say how to use it.
package std

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.hcl
var files embed.FS

// Module returns the text of the module called name, and whether there is one.
func Module(name string) ([]byte, bool) {
	text, err := files.ReadFile(name + ".hcl")
	return text, err == nil
}

// Names lists the modules.
func Names() (names []string) {
	entries, _ := files.ReadDir(".") // the embedded folder is there
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".hcl"))
	}
	slices.Sort(names)
	return names
}
