package startup

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
)

// Inputs are the values for the variables of all flows; each flow takes what
// it declares. What is later in this list wins over what is earlier: a
// variable's default, Env, VarFiles in their order, Vars in theirs.
type Inputs struct {
	Vars     []string // "name=value", as of --var
	VarFiles []string // paths of files with HCL arguments, or of .json files
	Env      []string // as os.Environ returns it; FLOWRUN_VAR_x is the variable x
}

// Given are Inputs, read.
type Given struct {
	Env    map[string]string
	values map[string][]given // by variable; the last one wins
}

// given is one value for a variable from outside.
type given struct {
	from  string         // how the user said it: "--var", "FLOWRUN_VAR_x"
	text  string         // where expr and value are none
	expr  hcl.Expression // of a var-file
	value cty.Value      // of a module's argument
	at    hcl.Range
}

const envPrefix = "FLOWRUN_VAR_"

// Read reads the inputs of a run and reports those that cannot be read.
func Read(r *source.Report, in Inputs) *Given {
	all := &Given{Env: map[string]string{}, values: map[string][]given{}}
	add := func(name string, g given) { all.values[name] = append(all.values[name], g) }
	for _, e := range in.Env {
		name, value, _ := strings.Cut(e, "=")
		all.Env[name] = value
		if v, ok := strings.CutPrefix(name, envPrefix); ok && v != "" {
			add(v, given{from: name, text: value})
		}
	}
	for _, path := range in.VarFiles {
		readVarFile(r, path, add)
	}
	for _, v := range in.Vars {
		name, value, ok := strings.Cut(v, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			r.Errorf(source.NoPlace(""), "--var wants name=value")
			continue
		}
		add(name, given{from: "--var", text: value})
	}
	return all
}

func readVarFile(r *source.Report, path string, add func(string, given)) {
	shown := source.ShownPath(path)
	src, err := source.Read(path)
	if err != nil {
		r.Errorf(source.NoPlace(""), "cannot read the --var-file %s: %v", shown, err)
		return
	}
	r.Private(shown)
	body := r.Parse(shown, src, filepath.Ext(path) == ".json")
	if body == nil {
		return
	}
	arguments, diags := body.JustAttributes()
	r.HCL(diags)
	for name, a := range arguments {
		add(name, given{from: "--var-file " + shown, expr: a.Expr, at: a.Range})
	}
}

// CheckUse reports values that no flow asked for; declared are the variables
// of all flows. The environment may hold any; a var-file may serve other flows
// too; a --var is a slip.
func (g *Given) CheckUse(r *source.Report, declared []string) {
	for _, name := range slices.Sorted(maps.Keys(g.values)) {
		for _, value := range g.values[name] {
			switch {
			case slices.Contains(declared, name):
			case value.expr != nil:
				r.Warnf(value.at, "no flow declares the variable %q", name).Hint("%s", source.DidYouMean(name, declared))
			case value.from == "--var":
				r.Errorf(source.NoPlace(""), "--var %s: no flow declares the variable %q", name, name).Hint("%s", source.DidYouMean(name, declared))
			}
		}
	}
}
