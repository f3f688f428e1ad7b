package decode_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// values evaluates without names.
func (values) Conceal(hcl.Expression) {}

type values struct{ *source.Report }

func (v values) Evaluate(e hcl.Expression, _ string) (cty.Value, bool) {
	value, diags := e.Value(&hcl.EvalContext{Variables: map[string]cty.Value{
		"secret": cty.StringVal("hunter2").Mark("sensitive"),
		"list":   cty.ListVal([]cty.Value{cty.NumberIntVal(1), cty.NumberIntVal(2)}),
		"object": cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(1)}),
	}})
	v.HCL(diags)
	return value, !diags.HasErrors()
}

type written struct{ flow.Expr }

func (v values) Compile(hcl.Expression, string, []string) (flow.Expr, bool) {
	return written{}, true
}

func (v values) CompileAggregate(hcl.Expression, string, []string) (flow.Aggregate, bool) {
	return nil, true
}

// kinds has a field of each kind that package flow's documentation names.
type kinds struct {
	embedded
	Bool     bool                        `hcl:"bool"`
	Int      int                         `hcl:"int" min:"-5" max:"5"`
	Port     uint16                      `hcl:"port" min:"1"`
	Float    float64                     `hcl:"float" max:"1.5"`
	Text     string                      `hcl:"text" oneof:"a|b"`
	Duration setting.Duration            `hcl:"duration" max:"1m"`
	Size     setting.Size                `hcl:"size" min:"2B"`
	Secret   setting.Secret              `hcl:"secret"`
	URL      endpoint.URL                `hcl:"url"`
	Path     setting.Path                `hcl:"path"`
	Expr     flow.Expr                   `hcl:"expr"`
	Value    flow.Value                  `hcl:"value"`
	Ints     []int                       `hcl:"ints"`
	Single   []setting.Secret            `hcl:"single" single:"true"`
	Paths    []setting.Path              `hcl:"paths"`
	Exprs    []flow.Expr                 `hcl:"exprs"`
	Map      map[string]string           `hcl:"map"`
	Waits    map[string]setting.Duration `hcl:"waits"`
	Block    inner                       `hcl:"block"`
	Maybe    *inner                      `hcl:"maybe"`
	Named    []named                     `hcl:"named"`
	Pointers []*inner                    `hcl:"pointers"`
	Shapes   shapes                      `hcl:"shape"`
}

// shapes are blocks of which the label says what is in them.
type shapes []shape

type shape interface{ corners() int }

type circle struct {
	Radius int `hcl:"radius" required:"true" min:"1"`
}

type polygon struct {
	Corners int    `hcl:"corners"`
	Of      *inner `hcl:"of"`
}

func (*circle) corners() int    { return 0 }
func (p *polygon) corners() int { return p.Corners }

func (shapes) Variants() []flow.Spec[any] {
	return []flow.Spec[any]{
		{Name: "circle", Config: func() any { return &circle{} }},
		{Name: "polygon", Config: func() any { return &polygon{Corners: 3} }},
	}
}

type embedded struct {
	Common string `hcl:"common"`
}

type inner struct {
	Depth int    `hcl:"depth"`
	Deep  *inner `hcl:"deep"`
}

type named struct {
	Name  string `hcl:"name,label"`
	Value int    `hcl:"value" required:"true"`
}

func decodeText(t *testing.T, text string, into any) (*decode.Decoder, *source.Report) {
	t.Helper()
	report := &source.Report{}
	body := report.Parse("x.hcl", []byte(text), false)
	if body == nil {
		t.Fatal(report.Text(false))
	}
	d := &decode.Decoder{Report: report, Values: values{report}, Dir: "/flow"}
	d.Decode(source.Region{Owner: "thing", At: source.NoPlace("x.hcl"), Body: body}, nil, nil, into)
	if d.Failed != report.HasErrors() {
		t.Errorf("Failed is %v, and the report says:\n%s", d.Failed, report.Text(false))
	}
	return d, report
}

// A list that may have one element only is written either way.
func TestSingle(t *testing.T) {
	for text, want := range map[string][]string{
		`single = "a"`: {"a"}, `single = secret`: {"hunter2"}, `single = ["a", secret]`: {"a", "hunter2"}, `single = []`: {}, `single = null`: nil,
	} {
		var got kinds
		if _, report := decodeText(t, text, &got); report.HasErrors() {
			t.Errorf("%s: %s", text, report.Text(false))
			continue
		}
		if len(got.Single) != len(want) {
			t.Errorf("%s has %d elements", text, len(got.Single))
			continue
		}
		for i := range want {
			if got.Single[i].Reveal() != want[i] {
				t.Errorf("%s: element %d is %q", text, i, got.Single[i].Reveal())
			}
		}
	}
}

func TestKinds(t *testing.T) {
	got := kinds{Int: 4, Block: inner{Depth: 9}}
	_, report := decodeText(t, `
common   = "c"
bool     = "true"
int      = null
port     = 65535
float    = "1.25"
text     = "b"
duration = "1m"
size     = 1024
secret   = secret
url      = "ws://${secret}@h:1"
path     = "a/../b"
expr     = whatever.it.is
value    = { a = [1, 1.5, true, null, "x", 12345678901234567890] }
ints     = list
paths    = ["/abs", "rel"]
exprs    = [a, b]
map      = { a = 1, b = true }
waits    = object == null ? {} : { a = "1s" }
block {
  deep {
    depth = 2
  }
}
maybe {
}
named "x" {
  value = 1
}
named "y" {
  value = 2
}
pointers {
  depth = 1
}
shape "polygon" {
  of {
    depth = 4
  }
}
shape "circle" {
  radius = 2
}
shape "polygon" {
  corners = 5
}
`, &got)
	if text := report.Text(false); text != "" {
		t.Fatal(text)
	}
	want := kinds{
		embedded: embedded{"c"}, Bool: true, Int: 4, Port: 65535, Float: 1.25, Text: "b", Duration: setting.Duration(time.Minute), Size: 1024,
		Secret: setting.SecretOf("hunter2"), URL: got.URL, Path: setting.Path(filepath.Join("/flow", "b")), Expr: written{},
		Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.ListOf([]flow.Value{
			flow.IntOf(1), flow.NumberOf("1.5"), flow.BoolOf(true), flow.NullValue, flow.TextOf("x"), flow.NumberOf("12345678901234567890"),
		})})),
		Ints: []int{1, 2}, Paths: []setting.Path{"/abs", "/flow/rel"}, Exprs: []flow.Expr{written{}, written{}},
		Map: map[string]string{"a": "1", "b": "true"}, Waits: map[string]setting.Duration{"a": setting.Duration(time.Second)},
		Block: inner{Depth: 9, Deep: &inner{Depth: 2}}, Maybe: &inner{},
		Named: []named{{"x", 1}, {"y", 2}}, Pointers: []*inner{{Depth: 1}},
		Shapes: shapes{&polygon{3, &inner{Depth: 4}}, &circle{2}, &polygon{Corners: 5}},
	}
	options := cmp.Options{
		cmp.Comparer(func(a, b endpoint.URL) bool { return a.String() == b.String() }),
		cmp.AllowUnexported(kinds{}),
		cmp.Comparer(func(a, b setting.Secret) bool { return a.Reveal() == b.Reveal() }),
	}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.URL.User.Username() != "hunter2" {
		t.Errorf("url: %v", got.URL)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`port = 0`:                            "port must be at least 1",
		`port = 65536`:                        "port: the number is out of range",
		`port = -1`:                           "port: the number is out of range",
		`int = 6`:                             "int must be at most 5",
		`int = 1e30`:                          "int: the number is out of range",
		`float = 1.6`:                         "float must be at most 1.5",
		`float = "x"`:                         "float wants a number, not a string",
		`duration = "61s"`:                    "duration must be at most 1m",
		`size = "1B"`:                         "size must be at least 2B",
		`size = []`:                           "size wants a string, not a list",
		`text = "A"`:                          "text must be one of a, b",
		`text = secret`:                       "text must be one of a, b",
		`int = secret`:                        "int: the value, which is sensitive, cannot be used here",
		`ints = 1`:                            "ints wants a list, not a number",
		`single = object`:                     "single wants a list, not an object",
		`single = "x" + 1`:                    "invalid operand",
		`ints = [1, "x"]`:                     "ints[1] wants a whole number, not a string",
		`ints = object`:                       "ints wants a list, not an object",
		`map = list`:                          "map wants an object, not a list",
		`map = { a = [] }`:                    "map.a wants a string, not a list",
		`map = { (secret) = 1 }`:              "a key in map cannot be sensitive",
		`waits = { a = "x", b = 1 }`:          `waits.a: "x" is not a duration`,
		"named \"x\" {}":                      `named "x" in thing needs the argument value`,
		"maybe {}\nmaybe {}":                  "maybe is given twice",
		"block {\n deep {\n dept = 1\n}\n}":   `deep in block in thing has no argument "dept"`,
		"shape \"cirle\" {}":                  `thing has no shape "cirle"`,
		"shape {}":                            "shape needs 1 label",
		"shape = 1":                           "shape in thing is a block, not an argument",
		"shape \"circle\" {}":                 `shape "circle" in thing needs the argument radius`,
		"shape \"circle\" {\n radius = 0\n}":  "radius must be at least 1",
		"shape \"polygon\" {\n corner = 1\n}": `shape "polygon" in thing has no argument "corner"`,
	} {
		_, report := decodeText(t, text, &kinds{})
		if got := report.Text(false); !strings.Contains(got, "error: "+want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: want %q:\n%s", text, want, got)
		}
	}
}

// TestVariantMistakes wants all of them at once, and the label that was meant.
func TestVariantMistakes(t *testing.T) {
	_, report := decodeText(t, "shape \"cirle\" {}\nshape \"circle\" {\n radius = 0\n}\nshape \"polygon\" {\n radius = 1\n}", &kinds{})
	text := report.Text(false)
	for _, want := range []string{`thing has no shape "cirle"`, `did you mean "circle"?`, "radius must be at least 1", `shape "polygon" in thing has no argument "radius"`} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q:\n%s", want, text)
		}
	}
}

func TestAFailureKeepsTheDefault(t *testing.T) {
	got := kinds{Int: 3, Ints: []int{7}}
	decodeText(t, "int = 99\nints = [1, []]", &got)
	if got.Int != 3 || len(got.Ints) != 1 || got.Ints[0] != 7 {
		t.Errorf("%+v", got)
	}
}

func TestRefused(t *testing.T) {
	const text = "secret = secret\nmap = { a = \"x\" }\nmaybe {\n  depth = 1\n}\nnamed \"n\" {\n  value = 1\n}\nshape \"circle\" {\n  radius = 1\n}\nshape \"circle\" {\n  radius = 2\n}\n"
	for field, place := range map[string]string{
		"map":             "x.hcl:2,7-18: ",
		"map.a":           "x.hcl:2,13-16: ",
		"map.b":           "x.hcl:2,7-18: ",
		"maybe.depth":     "x.hcl:4,11-12: ",
		"maybe.x":         "x.hcl:3,1-6: ",
		"named.n":         "x.hcl:6,1-10: ",
		"shape[1].radius": "x.hcl:13,12-13: ",
		"shape[1].x":      "x.hcl:12,1-15: ",
		"other":           "x.hcl:9,9: ",
		"":                "x.hcl:9,9: ",
	} {
		d, report := decodeText(t, text, &kinds{})
		at := hcl.Range{Filename: "x.hcl", Start: hcl.Pos{Line: 9, Column: 9, Byte: 1000}}
		d.Refused("thing", at, &setting.Error{Field: field, Err: errors.New("no: /flow/a.pem")})
		if got := report.Text(false); !strings.HasPrefix(got, place+"error: thing: no: ") {
			t.Errorf("%q: want %s\n%s", field, place, got)
		}
	}
	d, report := decodeText(t, text, &kinds{})
	d.Refused("thing", hcl.Range{}, &setting.Error{Field: "secret", Err: errors.New("hunter2 is weak")})
	if got := report.Text(false); !strings.Contains(got, "which is sensitive, is not accepted") || strings.Contains(got, "hunter2") {
		t.Error(got)
	}
	d, report = decodeText(t, text, &kinds{})
	d.Refused("thing", hcl.Range{}, errors.New("it is what it is"))
	if got := report.Text(false); !strings.HasPrefix(got, "error: thing: it is what it is\n") || !d.Failed {
		t.Error(got)
	}
	d, report = decodeText(t, text, &kinds{})
	d.Refused("thing", hcl.Range{}, errors.Join(errors.New("first"), &setting.Error{Field: "map", Err: errors.New("second")}))
	if got := report.Text(false); !strings.Contains(got, "error: thing: first\n") || !strings.Contains(got, "x.hcl:2,7-18: error: thing: second\n") {
		t.Error(got)
	}
}
