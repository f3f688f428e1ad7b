package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/expr"
	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

func parse(t *testing.T, src string) hclsyntax.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", src, diags)
	}
	return e
}

// TestExamples runs the examples of the reference, per event and at
// start-up.
func TestExamples(t *testing.T) {
	for i := range function.All {
		f := &function.All[i]
		for _, x := range f.Examples {
			t.Run(f.Name, func(t *testing.T) {
				want, err := jsontext.Parse([]byte(x.Result))
				if err != nil {
					t.Fatalf("%s: the result is no JSON: %v", x.Call, err)
				}
				check := func(where string, got flow.Value) {
					if !got.Equal(want) {
						b, _ := jsontext.Append(nil, got, false)
						t.Errorf("%s: %s is %s, want %s", where, x.Call, b, x.Result)
					}
				}

				compiled, diags := expr.Compile(parse(t, x.Call), expr.Scope{Roots: []string{"event"}})
				if diags.HasErrors() {
					t.Fatalf("%s: %v", x.Call, diags)
				}
				got, err := compiled.Eval(&flow.Event{})
				if err != nil {
					t.Fatalf("%s: %v", x.Call, err)
				}
				check("per event", got)

				v, diags := parse(t, x.Call).Value(&hcl.EvalContext{Functions: bridge.Functions()})
				if diags.HasErrors() {
					t.Fatalf("%s: %v", x.Call, diags)
				}
				got, err = bridge.From(v)
				if err != nil {
					t.Fatalf("%s: %v", x.Call, err)
				}
				check("at start-up", got)
			})
		}
	}
}

// TestExamplesWithEvents runs the examples with arguments that come with an
// event, decoded and as JSON.
func TestExamplesWithEvents(t *testing.T) {
	for i := range function.All {
		f := &function.All[i]
		for _, x := range f.Examples {
			call, ok := parse(t, x.Call).(*hclsyntax.FunctionCallExpr)
			if !ok || call.Name != f.Name || f.Special {
				continue
			}
			args := make([]flow.Value, len(call.Args))
			var src []string
			for i, a := range call.Args {
				v, diags := a.Value(&hcl.EvalContext{Functions: bridge.Functions()})
				if diags.HasErrors() {
					t.Fatalf("%s: %v", x.Call, diags)
				}
				var err error
				if args[i], err = bridge.From(v); err != nil {
					t.Fatalf("%s: %v", x.Call, err)
				}
				src = append(src, fmt.Sprintf("event[%d]", i))
			}
			compiled, diags := expr.Compile(parse(t, f.Name+"("+strings.Join(src, ", ")+")"), expr.Scope{Roots: []string{"event"}})
			if diags.HasErrors() {
				t.Fatalf("%s: %v", x.Call, diags)
			}
			want, _ := jsontext.Parse([]byte(x.Result))
			raw, err := jsontext.Append(nil, flow.ListOf(args), false)
			if err != nil {
				t.Fatal(err)
			}
			for form, e := range map[string]*flow.Event{
				"decoded": {Value: flow.ListOf(args)},
				"encoded": {Raw: raw, Form: jsontext.Form{}},
			} {
				if slices.ContainsFunc(args, func(v flow.Value) bool { return v.Kind() == flow.Bytes }) && form == "encoded" {
					continue // JSON has no bytes
				}
				if got, err := compiled.Eval(e); err != nil || !got.Equal(want) {
					b, _ := jsontext.Append(nil, got, false)
					t.Errorf("%s of an event that is %s is %s, want %s (%v)", x.Call, form, b, x.Result, err)
				}
			}
		}
	}
}

func TestStartUp(t *testing.T) {
	ctx := &hcl.EvalContext{Functions: bridge.Functions(), Variables: map[string]cty.Value{
		"secret": cty.StringVal("hush").Mark("sensitive"),
		"later":  cty.UnknownVal(cty.String),
		"part":   cty.TupleVal([]cty.Value{cty.UnknownVal(cty.String), cty.StringVal("a")}),
	}}
	for src, want := range map[string]cty.Value{
		`upper("a")`:                       cty.StringVal("A"),
		`upper(secret)`:                    cty.StringVal("HUSH").Mark("sensitive"),
		`merge({ a = secret }, { b = 1 })`: cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("hush"), "b": cty.NumberIntVal(1)}).Mark("sensitive"),
		`upper(later)`:                     cty.DynamicVal,
		`join("-", part)`:                  cty.DynamicVal,
		`upper(null)`:                      cty.NullVal(cty.DynamicPseudoType),
		`coalesce(null, "", 3)`:            cty.NumberIntVal(3),
		`coalesce(null)`:                   cty.NullVal(cty.DynamicPseudoType),
		`has(local.x)`:                     cty.False,
		`utf8(bytes("é"))`:                 cty.StringVal("é"),
		`split(",", "a,b")`:                cty.TupleVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}),
		`0.1 + tonumber("0.2")`:            cty.MustParseNumberVal("0.3"),
		`tonumber("12345678901234567890")`: cty.MustParseNumberVal("12345678901234567890"),
	} {
		v, diags := parse(t, src).Value(ctx)
		if diags.HasErrors() {
			t.Errorf("%s: %v", src, diags)
		} else if !v.RawEquals(want) {
			t.Errorf("%s is %#v, want %#v", src, v, want)
		}
	}
	for src, want := range map[string]string{
		`upper(1)`:                      `x.hcl:1,7-8: Invalid function argument; Invalid value for "string" parameter: the argument "string" must be a string, not a number.`,
		`round(1, 2, 3)`:                `x.hcl:1,1-7: Error in function call; Call to function "round" failed: round takes 1 to 2 arguments, not 3.`,
		`tonumber("x")`:                 `x.hcl:1,1-10: Error in function call; Call to function "tonumber" failed: the string spells no number.`,
		`length(tonumber("1e9999"))`:    ``,
		`tonumber("1e-99999999999999")`: ``,
	} {
		_, diags := parse(t, src).Value(ctx)
		if !diags.HasErrors() || want != "" && diags[0].Error() != want {
			t.Errorf("%s: %v, want %s", src, diags, want)
		}
	}
}
