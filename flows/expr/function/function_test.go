package function

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows/expr/function/pattern"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// v reads a value from JSON.
func v(t testing.TB, s string) flow.Value {
	t.Helper()
	x, err := jsontext.Parse([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return x
}

func show(x flow.Value) string {
	b, err := jsontext.Append(nil, x, false)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// call invokes the function, with arguments in a JSON list, and returns its
// result as JSON, or its error behind an exclamation mark. It goes through
// Prepare as well, which must make no difference.
func call(t *testing.T, name, args string) string {
	t.Helper()
	f := Find(name)
	if f == nil {
		t.Fatalf("there is no function %s", name)
	}
	list := v(t, args).List()
	got := result(f.Invoke(list...))
	if f.Prepare != nil && len(list) > 0 {
		constants := make([]*flow.Value, len(list))
		for i := range list {
			constants[i] = &list[i]
		}
		p, err := f.Prepare(constants)
		if err != nil {
			if !strings.HasPrefix(got, "!") {
				t.Errorf("%s(%s) is %s, and preparing it an error: %v", name, args, got, err)
			}
			return got
		}
		if p != nil {
			g := *f
			g.Call1, g.Call2, g.Call3, g.Call = p.Call1, p.Call2, p.Call3, p.Call
			if prepared := result(g.Invoke(list...)); prepared != got {
				t.Errorf("%s(%s) is %s, and prepared %s", name, args, got, prepared)
			}
		}
	}
	return got
}

func result(x flow.Value, err error) string {
	if err != nil {
		return "!" + err.Error()
	}
	return show(x)
}

type cases []struct{ name, args, want string }

// run checks cases; a wanted error is given by an exclamation mark and a part
// of its text.
func (cs cases) run(t *testing.T) {
	t.Helper()
	for _, c := range cs {
		got := call(t, c.name, c.args)
		want, isErr := strings.CutPrefix(c.want, "!")
		if isErr && strings.HasPrefix(got, "!") && strings.Contains(got, want) || got == c.want {
			continue
		}
		t.Errorf("%s(%s) is %s, want %s", c.name, c.args, got, c.want)
	}
}

func TestTable(t *testing.T) {
	for _, f := range All {
		calls := 0
		for _, set := range []bool{f.Call1 != nil, f.Call2 != nil, f.Call3 != nil, f.Call != nil, f.Special} {
			if set {
				calls++
			}
		}
		least, most := f.Arity()
		switch {
		case calls != 1:
			t.Errorf("%s: %d ways of calling it", f.Name, calls)
		case f.Call1 != nil && (least != 1 || most != 1), f.Call2 != nil && (least != 2 || most != 2), f.Call3 != nil && (least != 3 || most != 3):
			t.Errorf("%s takes %d to %d arguments, and is called with another number", f.Name, least, most)
		case f.Doc == "" || f.Group == "" || len(f.Examples) == 0 || f.Returns == 0:
			t.Errorf("%s is not fully described", f.Name)
		case strings.HasSuffix(f.Doc, "."):
			t.Errorf("%s: its description ends with a period", f.Name)
		}
	}
	if len(byName) != len(All) {
		t.Errorf("%d names for %d functions", len(byName), len(All))
	}
}

func TestLimits(t *testing.T) {
	flowtest.Sequential(t)
	long := flow.TextOf(strings.Repeat("a", 5000))
	longer := flow.TextOf(strings.Repeat("a", MaxText/2+1))
	many := make([]flow.Value, MaxElements/2+1)
	lots := flow.ListOf(many)
	text, number := flow.TextOf, flow.IntOf
	for _, tt := range []struct {
		name string
		args []flow.Value
	}{
		{"replace", []flow.Value{long, text("a"), long}},
		{"replace", []flow.Value{long, text(""), long}},
		{"replace", []flow.Value{long, text("/a/"), long}},
		{"replace", []flow.Value{long, text("/.*/"), text(strings.Repeat("$0", 5000))}},
		{"replace", []flow.Value{longer, text("/(?:)/"), text("")}},
		{"join", []flow.Value{long, flow.ListOf(make([]flow.Value, 5000))}},
		{"split", []flow.Value{text(""), longer}},
		{"split", []flow.Value{text("a"), longer}},
		{"regexall", []flow.Value{text("a"), longer}},
		{"regexall", []flow.Value{text("(a)"), longer}},
		{"format", []flow.Value{text("%s%s"), longer, longer}},
		{"format", []flow.Value{text("%1001d"), number(1)}},
		{"format", []flow.Value{text("%.1001f"), number(1)}},
		{"format", []flow.Value{text("%99999999999999999999d"), number(1)}},
		{"indent", []flow.Value{number(1000), text(strings.Repeat("\n", 20000))}},
		{"indent", []flow.Value{number(1001), text("a")}},
		{"range", []flow.Value{number(1 << 60)}},
		{"range", []flow.Value{number(0), number(1), flow.FloatOf(1e-9)}},
		{"concat", []flow.Value{lots, lots}},
		{"flatten", []flow.Value{flow.ListOf([]flow.Value{lots, lots})}},
		{"jsonencode", []flow.Value{flow.ListOf([]flow.Value{longer, longer})}},
		{"base64encode", []flow.Value{text(strings.Repeat("a", MaxText))}},
		{"hexencode", []flow.Value{longer}},
		{"urlencode", []flow.Value{longer}},
		{"csvdecode", []flow.Value{text("a\n" + strings.Repeat("1\n", MaxElements+1))}},
		{"jsondecode", []flow.Value{text(strings.Repeat(" ", MaxText+1))}},
		{"regex", []flow.Value{text(strings.Repeat("a", pattern.MaxLength+1)), text("a")}},
		{"regex", []flow.Value{text("(a{1000}){1000}"), text("a")}},
		{"formatdate", []flow.Value{text(strings.Repeat("-", 2000)), text("2020-01-02T03:04:05Z")}},
	} {
		if x, err := Find(tt.name).Invoke(tt.args...); err == nil {
			t.Errorf("%s made a %v of %v", tt.name, x.Kind(), len(tt.args))
		}
	}
}
