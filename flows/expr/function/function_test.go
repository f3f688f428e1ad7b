package function

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
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
