package expr

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// FuzzCompile: whatever parses compiles or is diagnosed, and what compiles
// evaluates, on encoded and decoded events alike.
func FuzzCompile(f *testing.F) {
	for _, row := range rows {
		f.Add(row.src, payload)
	}
	for _, src := range lazy {
		f.Add(src, message)
	}
	for _, src := range []string{
		`event.a-1`, `1e999999999 == event.n`, `-1e-999999999 < 1`, `event[1e999999999]`, `[for x in event : x]`, `event.*.x`, "<<A\n${event.s}\nA\n",
		`{for k, v in var : k => v}`, `abs(1...)`, `var.later.x[0]`, `local.table["a"]`, `!!!!event.s`, `event[""][0].x`, `"%{for x in event}%{endfor}"`,
	} {
		f.Add(src, `[1, {"s": null}]`)
	}
	s := scope()
	s.Condition = true
	f.Fuzz(func(t *testing.T, src, raw string) {
		if len(src) > 1000 || len(raw) > 5000 {
			return
		}
		if e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos); !diags.HasErrors() {
			fuzzOne(t, e, scope(), raw)
			fuzzOne(t, e, s, raw)
		}
		if file, diags := json.Parse([]byte(`{"x": `+strconv.Quote(src)+`}`), "flow.hcl"); !diags.HasErrors() {
			attrs, _ := file.Body.JustAttributes()
			fuzzOne(t, attrs["x"].Expr, scope(), raw)
		}
	})
}

func fuzzOne(t *testing.T, e hcl.Expression, s Scope, raw string) {
	x, diags := Compile(e, s)
	if (x == nil) != diags.HasErrors() {
		t.Fatalf("expression %v beside %q", x, spell(diags))
	}
	for _, d := range diags {
		if d.Subject == nil || d.Summary == "" {
			t.Fatalf("diagnostic without place or text: %v", d)
		}
	}
	if x == nil {
		return
	}
	encoded := event(t, raw)
	if encoded == nil {
		return
	}
	v, errV := x.Eval(encoded)
	w, errW := x.Eval(&flow.Event{Value: decoded(t, encoded)})
	if (errV == nil) != (errW == nil) || errV == nil && !v.Equal(w) {
		t.Fatalf("encoded: %s, decoded: %s", spellOutcome(v, errV), spellOutcome(w, errW))
	}
	pass, errT := x.Test(encoded)
	if errV != nil && errT == nil || errT == nil && pass != v.Bool() || pass && errT != nil {
		t.Fatalf("Eval: %s, Test: %v %v", spellOutcome(v, errV), pass, errT)
	}
}

// FuzzAgainstHCL generates expressions of values that HCL has as well (bools,
// numbers and strings, compared with their own kind) and compares what HCL
// makes of them with what we do, with the values as constants and as fields of
// an event.
func FuzzAgainstHCL(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := &generator{random: rand.New(rand.NewPCG(seed, 3))}
		src := g.condition(4)
		e := parse(t, src)
		want, diags := e.Value(&hcl.EvalContext{Variables: map[string]cty.Value{"event": cty.ObjectVal(map[string]cty.Value{
			"b0": cty.False, "b1": cty.True, "i": cty.NumberIntVal(3), "j": cty.NumberIntVal(-4), "x": cty.MustParseNumberVal("2.5"),
			"s": cty.StringVal("abc"), "t": cty.StringVal("äb"), "null": cty.NullVal(cty.String),
		})}})
		if diags.HasErrors() {
			t.Fatalf("%s: %v", src, diags)
		}
		x := compileText(t, src)
		const raw = `{"b0": false, "b1": true, "i": 3, "j": -4, "x": 2.5, "s": "abc", "t": "äb", "null": null}`
		got, err := x.Test(event(t, raw))
		if err != nil || got != want.True() {
			t.Fatalf("%s: HCL says %v, we say %v %v", src, want.True(), got, err)
		}
	})
}

type generator struct{ random *rand.Rand }

func (g *generator) one(of ...string) string { return of[g.random.IntN(len(of))] }

func (g *generator) condition(depth int) string {
	if depth == 0 {
		return g.one("true", "false", "event.b0", "event.b1")
	}
	switch g.random.IntN(8) {
	case 0, 1:
		return "(" + g.condition(depth-1) + g.one(" && ", " || ", " == ", " != ") + g.condition(depth-1) + ")"
	case 2:
		return g.condition(depth-1) + g.one(" && ", " || ") + g.condition(depth-1)
	case 3:
		return "!" + g.one("true", "event.b0", "("+g.condition(depth-1)+")")
	case 4:
		return g.number() + g.one(" < ", " <= ", " > ", " >= ", " == ", " != ") + g.number()
	case 5:
		return g.text() + g.one(" == ", " != ") + g.text()
	case 6:
		return g.one(g.number(), g.text(), "event.b0") + g.one(" == ", " != ") + g.one("null", "event.null")
	}
	return "\"${" + g.condition(depth-1) + "}\""
}

func (g *generator) number() string {
	return g.one("0", "3", "3.0", "-4", "2.5", "1e1", "-0.5", "12345678901234567890", "event.i", "event.j", "event.x", strconv.Itoa(g.random.IntN(10)-5))
}

func (g *generator) text() string {
	return g.one(`""`, `"abc"`, `"3"`, `"äb"`, `"a${"b"}c"`, "event.s", "event.t")
}
