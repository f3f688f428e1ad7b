package expr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// FuzzAgainstHCL generates expressions and compares what HCL's own evaluator
// makes of them with what we do, with the values as constants and as fields of
// an event. They agree except for this, which the generator avoids:
//
//   - null: HCL refuses it in conditions, comparisons with < and templates
//   - what is missing (a field, an element): an error in HCL
//   - the two sides of a conditional: HCL makes one type of them, "1" of 1 beside "a",
//     and a list, which never equals a tuple, of tuples
//   - numbers: HCL has fractions of 512 bits, and integers without limit
//   - numbers in a template: HCL prints what they mean, not how they were spelled
//   - bools, numbers and strings: HCL takes one for the other where it can, as in
//     "1" + 1, "true" && true, o[1] and l["0"]
//   - objects: HCL goes through them in the order of their keys
func FuzzAgainstHCL(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	const raw = `{"b0": false, "b1": true, "i": 3, "j": -4, "x": 2.5, "s": "abc", "t": "äb", "null": null,
		"l": [1, -2, 7], "w": ["p", "q", "p"], "o": {"a": 5, "b": 6, "c": -7}, "r": [{"n": 1, "s": "u"}, {"n": 2.5, "s": "v"}]}`
	i := func(i int64) cty.Value { return cty.NumberIntVal(i) }
	s := cty.StringVal
	x := cty.MustParseNumberVal("2.5")
	record := func(n cty.Value, text string) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"n": n, "s": s(text)})
	}
	context := &hcl.EvalContext{
		Variables: map[string]cty.Value{"event": cty.ObjectVal(map[string]cty.Value{
			"b0": cty.False, "b1": cty.True, "i": i(3), "j": i(-4), "x": x, "s": s("abc"), "t": s("äb"), "null": cty.NullVal(cty.String),
			"l": cty.TupleVal([]cty.Value{i(1), i(-2), i(7)}), "w": cty.TupleVal([]cty.Value{s("p"), s("q"), s("p")}),
			"o": cty.ObjectVal(map[string]cty.Value{"a": i(5), "b": i(6), "c": i(-7)}),
			"r": cty.TupleVal([]cty.Value{record(i(1), "u"), record(x, "v")}),
		})},
		Functions: map[string]ctyfunction.Function{
			"upper": stdlib.UpperFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc, "abs": stdlib.AbsoluteFunc, "length": stdlib.LengthFunc, "join": stdlib.JoinFunc,
		},
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := &generator{random: rand.New(rand.NewPCG(seed, 3))}
		src := g.any(4)
		e := parse(t, src)
		value, diags := e.Value(context)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", src, diags)
		}
		want, err := bridge.From(value)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		x := compileText(t, src)
		arrived := event(t, raw)
		for _, e := range []*flow.Event{arrived, {Value: decoded(t, arrived)}} {
			got, err := x.Eval(e)
			if err != nil || !alike(got, want) {
				t.Fatalf("%s:\nHCL says %s\n we say %s", src, toJSON(want), spellOutcome(got, err))
			}
		}
	})
}

// alike is Equal with room for what rounding does to fractions.
func alike(v, w flow.Value) bool {
	switch {
	case v.IsNumber() && w.IsNumber():
		a, b := v.Float(), w.Float()
		return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
	case v.Kind() == flow.List && w.Kind() == flow.List && len(v.List()) == len(w.List()):
		for i, x := range v.List() {
			if !alike(x, w.List()[i]) {
				return false
			}
		}
		return true
	case v.Kind() == flow.Map && w.Kind() == flow.Map && v.Object().Len() == w.Object().Len():
		for _, f := range v.Object().Fields() {
			if x, ok := w.Object().Get(f.Key); !ok || !alike(f.Value, x) {
				return false
			}
		}
		return true
	}
	return v.Equal(w)
}

// generator makes expressions of a wanted type. The depth bounds them.
type generator struct {
	random         *rand.Rand
	numbers, texts []string // variables of for expressions around
	made           int
}

func (g *generator) one(of ...string) string { return of[g.random.IntN(len(of))] }

func (g *generator) any(depth int) string {
	switch g.random.IntN(6) {
	case 0:
		return g.condition(depth)
	case 1:
		return g.number(depth)
	case 2:
		return g.text(depth)
	case 3:
		return g.numberList(depth)
	case 4:
		return g.textList(depth)
	}
	return g.object(depth)
}

func (g *generator) condition(depth int) string {
	if depth <= 0 {
		return g.one("true", "false", "event.b0", "event.b1")
	}
	depth--
	switch g.random.IntN(11) {
	case 0, 1:
		return "(" + g.condition(depth) + g.one(" && ", " || ", " == ", " != ") + g.condition(depth) + ")"
	case 2:
		return "(" + g.condition(depth) + g.one(" && ", " || ") + g.condition(depth) + ")"
	case 3:
		return "!" + g.one("true", "event.b0", "("+g.condition(depth)+")")
	case 4, 5:
		return "(" + g.number(depth) + g.one(" < ", " <= ", " > ", " >= ", " == ", " != ") + g.number(depth) + ")"
	case 6:
		return "(" + g.text(depth) + g.one(" == ", " != ") + g.text(depth) + ")"
	case 7:
		return "(" + g.one(g.number(depth), g.text(depth), "event.b0", "event.null") + g.one(" == ", " != ") + g.one("null", "event.null") + ")"
	case 8:
		return "(" + g.condition(depth) + " ? " + g.condition(depth) + " : " + g.condition(depth) + ")"
	case 9:
		return "(" + g.number(depth) + g.one(" == ", " != ") + g.one(g.text(depth), g.condition(depth)) + ")"
	}
	return "\"${" + g.condition(depth) + "}\""
}

// number keeps to integers and to fractions that both compute exactly.
func (g *generator) number(depth int) string {
	if depth <= 0 {
		return g.one(append(g.numbers, "0", "3", "3.0", "2.5", "1e1", "0.25", "event.i", "event.j", "event.x", strconv.Itoa(g.random.IntN(10)))...)
	}
	depth--
	switch g.random.IntN(10) {
	case 0, 1:
		return "(" + g.number(depth) + g.one(" + ", " - ") + g.number(depth) + ")"
	case 2:
		return "(" + g.number(depth) + " * " + g.number(0) + ")"
	case 3:
		return "(" + g.number(depth) + g.one(" / 2", " / 0.5", " % 3", " % 2.5") + ")"
	case 4:
		return "-(" + g.number(depth) + ")"
	case 5:
		return "(" + g.condition(depth) + " ? " + g.number(depth) + " : " + g.number(depth) + ")"
	case 6:
		return g.one("event.l[1]", "event.l[event.i - 1]", "event[\"o\"].b", "event.o[\"${\"c\"}\"]", "event.r[1].n", "(event.r[*].n)[0]", "event.r.*.n[1]")
	case 7:
		return g.one("max", "min") + "(" + g.number(depth) + ", " + g.number(depth) + ")"
	case 8:
		return "[" + g.number(depth) + ", " + g.number(depth) + "][" + g.one("0", "1", "event.i - 2", "true ? 1 : 0") + "]"
	}
	return "{a = " + g.number(depth) + ", \"b c\" = " + g.text(depth) + "}" + g.one(".a", "[\"a\"]", "[\"${\"a\"}\"]")
}

func (g *generator) text(depth int) string {
	if depth <= 0 {
		return g.one(append(g.texts, `""`, `"abc"`, `"3"`, `"äb"`, "event.s", "event.t")...)
	}
	depth--
	switch g.random.IntN(9) {
	case 0:
		return `"${` + g.text(depth) + `}-${` + g.condition(depth) + `}"`
	case 1:
		return `"n${` + g.one(append(g.numbers, "event.i", "event.j", "7", "event.i + 4")...) + `}"`
	case 2:
		return `"%{ if ` + g.condition(depth) + ` }y${` + g.text(depth) + `}%{ else }n%{ endif }"`
	case 3:
		var name string
		loop := g.over("texts", "event.w", func(v string) string { name = v; return g.text(depth) })
		return `"[%{ for ` + name + ` in event.w }${` + loop[strings.Index(loop, " : ")+3:] + `};%{ endfor }]"`
	case 4:
		return "(" + g.condition(depth) + " ? " + g.text(depth) + " : " + g.text(depth) + ")"
	case 5:
		return "upper(" + g.text(depth) + ")"
	case 6:
		return "join(\"+\", " + g.textList(depth) + ")"
	case 7:
		return g.one("event.w[1]", "event.r[0].s", "(event.r[*].s)[1]", "event.w.0")
	}
	return "\"\\n$${x}${" + g.text(depth) + "}\""
}

// bind names a variable of a for expression over in.
func (g *generator) bind(kind, in string) string {
	g.made++
	name := fmt.Sprintf("v%d", g.made)
	if kind == "texts" {
		g.texts = append(g.texts, name)
	} else {
		g.numbers = append(g.numbers, name)
	}
	return name + " in " + in
}

// over makes a for expression over numbers or texts, and lets its variable go.
func (g *generator) over(kind, collection string, body func(variable string) string) string {
	numbers, texts := g.numbers, g.texts
	head := g.bind(kind, collection)
	s := body(strings.Fields(head)[0])
	g.numbers, g.texts = numbers, texts
	return "for " + head + " : " + s
}

func (g *generator) numberList(depth int) string {
	if depth <= 0 {
		return g.one("event.l", "[]", "[1, 2]", "event.r[*].n", "event.i[*]")
	}
	depth--
	switch g.random.IntN(5) {
	case 0:
		return "[" + g.number(depth) + ", " + g.number(depth) + "]"
	case 1:
		return "[" + g.over("numbers", g.numberList(depth), func(string) string { return g.number(depth) + " if " + g.condition(depth) }) + "]"
	case 2:
		return "[for k, v in event.o : v" + g.one(" if v > 0", " * 2", "", " if k != \"b\"") + "]"
	case 3:
		return "[{n = " + g.number(depth) + "}, {n = " + g.number(depth) + "}]" + g.one("[*].n", ".*.n")
	}
	return "[" + g.over("texts", g.textList(depth), func(string) string { return g.number(depth) }) + "]"
}

func (g *generator) textList(depth int) string {
	if depth <= 0 {
		return g.one("event.w", "[]", `["x"]`, "event.r.*.s", "event.s[*]")
	}
	depth--
	switch g.random.IntN(4) {
	case 0:
		return "[" + g.text(depth) + ", " + g.text(depth) + "]"
	case 1:
		return "[" + g.over("texts", g.textList(depth), func(string) string { return g.text(depth) + " if " + g.condition(depth) }) + "]"
	case 2:
		return "[for i, v in event.w : \"${i}${v}\"]"
	}
	return "[for k, v in event.o : k if v > " + g.number(depth) + "]"
}

func (g *generator) object(depth int) string {
	if depth <= 0 {
		return g.one("event.o", "{}", "event.r[0]")
	}
	depth--
	switch g.random.IntN(5) {
	case 0:
		return "{a = " + g.any(depth) + ", (upper(\"b\")) : " + g.any(depth) + ", 1 = 2, true = 3}"
	case 1:
		return "{for i, v in event.l : i => v * " + g.number(depth) + "}"
	case 2:
		return "{for v in event.w : v => " + g.text(depth) + "...}"
	case 3:
		return "{for k, v in event.o : \"${k}!\" => v" + g.one(" if v > 5", "") + "}"
	}
	return "{a = 1, a = " + g.any(depth) + "}"
}
