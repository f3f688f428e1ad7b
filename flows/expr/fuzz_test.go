package expr

import (
	"strconv"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// FuzzCompile: whatever parses compiles or is diagnosed, and what compiles
// evaluates, on encoded and decoded events alike, over one event and over many.
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
		`group.x[state.n]`, `[for group in [group] : group.x]`, `{(group) = state}`, `quantile(event.s, 0.5) + count()`, `sum(event[0]) / count(group)`,
		`[for x in collect(event, 3) : x.s]`, `max(event[0], min(event[0]))`, `{a = distinct(event), a = first(event).s}`,
	} {
		f.Add(src, `[1, {"s": null}]`)
	}
	scopes := []Scope{scope(), scope(), scope()}
	scopes[1].Condition = true
	scopes[2].Vars = []string{"group", "state"}
	f.Fuzz(func(t *testing.T, src, raw string) {
		// Loops in loops take their time, here as in a flow.
		if len(src) > 1000 || len(raw) > 5000 || strings.Count(src, "for")+strings.Count(src, "*") > 3 {
			return
		}
		if e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos); !diags.HasErrors() {
			for _, s := range scopes {
				fuzzOne(t, e, s, src, raw)
			}
			fuzzAggregate(t, e, scopes[2], raw)
		}
		if file, diags := json.Parse([]byte(`{"x": `+strconv.Quote(src)+`, "y": [{`+strconv.Quote(src)+`: 1}]}`), "flow.hcl"); !diags.HasErrors() {
			attrs, _ := file.Body.JustAttributes()
			for _, a := range attrs {
				fuzzOne(t, a.Expr, scope(), src, raw)
			}
		}
	})
}

// changing reports whether each evaluation of src may come to something else.
func changing(src string) bool {
	for _, f := range function.All {
		if f.Volatile && strings.Contains(src, f.Name) {
			return true
		}
	}
	return false
}

func fuzzDiagnostics(t *testing.T, compiled bool, diags hcl.Diagnostics) {
	if compiled == diags.HasErrors() {
		t.Fatalf("compiled: %v, beside %q", compiled, spell(diags))
	}
	for _, d := range diags {
		if d.Subject == nil || d.Summary == "" {
			t.Fatalf("diagnostic without place or text: %v", d)
		}
	}
}

func fuzzOne(t *testing.T, e hcl.Expression, s Scope, src, raw string) {
	x, diags := Compile(e, s)
	fuzzDiagnostics(t, x != nil, diags)
	if x == nil {
		return
	}
	encoded := event(t, raw)
	if encoded == nil {
		return
	}
	whole := decoded(t, encoded)
	vars := []flow.Value{whole, flow.TextOf(src)}[:len(s.Vars)]
	v, errV := x.Eval(encoded, vars...)
	w, errW := x.Eval(&flow.Event{Value: whole}, vars...)
	if changing(src) {
		return
	}
	if (errV == nil) != (errW == nil) || errV == nil && !v.Equal(w) || errV != nil && errV.Error() != errW.Error() {
		t.Fatalf("encoded: %s, decoded: %s", spellOutcome(v, errV), spellOutcome(w, errW))
	}
	pass, errT := x.Test(encoded, vars...)
	if errV != nil && errT == nil || errT == nil && pass != v.Bool() || pass && errT != nil {
		t.Fatalf("Eval: %s, Test: %v %v", spellOutcome(v, errV), pass, errT)
	}
}

// fuzzAggregate: it does not matter where the events are cut and merged.
func fuzzAggregate(t *testing.T, e hcl.Expression, s Scope, raw string) {
	a, diags := CompileAggregate(e, s)
	fuzzDiagnostics(t, a != nil, diags)
	if a == nil || event(t, raw) == nil {
		return
	}
	one, first, second := a.New(), a.New(), a.New()
	for i := range 4 {
		into := first
		if i > 1 {
			into = second
		}
		if err := one.Add(event(t, raw)); (err == nil) != (into.Add(event(t, raw)) == nil) {
			t.Fatalf("added here and not there: %v", err)
		}
	}
	first.Merge(second)
	_, errV := one.Value(flow.TextOf("g"), flow.IntOf(1))
	_, errW := first.Value(flow.TextOf("g"), flow.IntOf(1))
	if (errV == nil) != (errW == nil) || one.Items() != first.Items() {
		t.Fatalf("together: %v, merged: %v, %d and %d items", errV, errW, one.Items(), first.Items())
	}
}
