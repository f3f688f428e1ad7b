package startup

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/flowrun/flowrun/flows/source"
)

// functions are those of start-up expressions: the closed list, which there is
// per event too, what only the start has, and what people who come from
// Terraform reach for. dir is what the paths in them are relative to.
func functions(dir folder, env map[string]string) map[string]function.Function {
	all := bridge.Functions()
	maps.Copy(all, map[string]function.Function{
		"formatlist": stdlib.FormatListFunc, "strrev": all["reverse"], "strcontains": all["contains"],
		"coalescelist": stdlib.CoalesceListFunc, "setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc,
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),

		"env":        envFunc(env),
		"file":       fileFunc(dir),
		"fileexists": fileExistsFunc(dir),
	})
	all["templatefile"] = templateFunc(dir, all)
	return all
}

func text(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.String}
}

func envFunc(env map[string]string) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{text("name")},
		VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true},
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) > 2 {
				return cty.NilType, fmt.Errorf("it takes a name and a default")
			}
			if len(args) == 2 && args[0].IsKnown() {
				if _, set := env[args[0].AsString()]; !set {
					return args[1].Type(), nil
				}
			}
			return cty.String, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if value, set := env[name]; set {
				return cty.StringVal(value), nil
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return cty.NilVal, fmt.Errorf("the environment variable %s is not set, and there is no default: env(%q, \"…\")", name, name)
		},
	})
}

// folder is where a flow's files are. The report hears which of them functions
// look at.
type folder struct {
	dir    string
	report *source.Report
}

func (f folder) find(name string) (path string) {
	path = name
	if !filepath.IsAbs(name) {
		path = filepath.Join(f.dir, name)
	}
	f.report.DependsOn(path)
	return path
}

func readText(dir folder, name string) (string, error) {
	path := dir.find(name)
	shown := source.ShownPath(path)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", shown)
	}
	src, err := source.Read(path)
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", shown, err)
	}
	if !utf8.Valid(src) {
		return "", fmt.Errorf("%s is not UTF-8", shown)
	}
	return string(src), nil
}

func fileFunc(dir folder) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{text("path")},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			content, err := readText(dir, args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(content), nil
		},
	})
}

func fileExistsFunc(dir folder) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{text("path")},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			info, err := os.Stat(dir.find(args[0].AsString()))
			return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
		},
	})
}

// templateFunc renders a file as a template, with the attributes of an object
// as its names. A template cannot render another.
func templateFunc(dir folder, all map[string]function.Function) function.Function {
	offered := maps.Clone(all)
	render := func(args []cty.Value) (cty.Value, error) {
		name, vars := args[0].AsString(), args[1]
		if t := vars.Type(); vars.IsNull() || !t.IsObjectType() && !t.IsMapType() {
			return cty.NilVal, fmt.Errorf("the second argument must be an object of the template's names")
		}
		text, err := readText(dir, name)
		if err != nil {
			return cty.NilVal, err
		}
		if at, deep := tooDeepTemplate(name, text); deep {
			return cty.NilVal, fmt.Errorf("%s:%d nests too deeply", name, at)
		}
		template, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
		if diags.HasErrors() {
			return cty.NilVal, diags
		}
		value, diags := template.Value(&hcl.EvalContext{Variables: vars.AsValueMap(), Functions: offered})
		if diags.HasErrors() {
			return cty.NilVal, diags
		}
		return convert.Convert(value, cty.String)
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{text("path"), {Name: "vars", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.String),
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return render(args) },
	})
}

func tooDeepTemplate(name, text string) (line int, deep bool) {
	tokens, _ := hclsyntax.LexTemplate([]byte(text), name, hcl.InitialPos)
	at, deep := source.TooDeep(tokens)
	return at.Start.Line, deep
}
