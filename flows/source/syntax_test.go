package source

import (
	"fmt"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestMeant: the first line of what is said of a wrong argument.
func TestMeant(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{`event.a = 1`, `9 = gives a name its value, == compares: did you mean ==?`},
		{`(event.a = 1)`, `10 = gives a name its value, == compares: did you mean ==?`},
		{`[event.a = 1]`, `10 = gives a name its value, == compares: did you mean ==?`},
		{`lower(event.a = 1)`, `15 = gives a name its value, == compares: did you mean ==?`},
		{`"${event.a = 1}"`, `12 = gives a name its value, == compares: did you mean ==?`},
		{`{a = event.x = 1}`, `14 = gives a name its value, == compares: did you mean ==?`},
		{`event.a === 1`, `11 there is no such operator: did you mean ==, or !=? They compare without converting anything`},
		{`event.a =< 1`, `9 there is no operator =<: did you mean <=?`},
		{`event.a => 1`, `9 there is no operator =>: did you mean >=?`},
		{`event.a == 'x'`, `12 a text stands in double quotes: did you mean "x"?`},
		{`'x' == event.a`, `1 a text stands in double quotes: did you mean "x"?`},
		{`event.a.lower()`, `14 a value has no functions of its own: did you mean lower(event.a, …)? The functions stand in front of what they work on`},
		{`event.list[0].b.trim(1)`, `21 a value has no functions of its own: did you mean trim(event.list[0].b, …)? The functions stand in front of what they work on`},
		{`event.a and event.b`, `9 there is no operator and: did you mean &&?`},
		{`event.a or event.b`, `9 there is no operator or: did you mean ||?`},
		{`not event.a`, `5 there is no operator not: did you mean !?`},
		{`event.a?.b`, `9 there is no operator ?.: did you mean . alone? What is missing is null, never an error`},
		{`event.a <> 1`, `10 there is no operator <>: did you mean !=?`},
		{`event.a & 1`, `9 there is no operator &: did you mean &&?`},
		{`event.a | upper`, `9 there is no operator |: did you mean ||? The functions stand in front of what they work on`},
		{`event.a ** 2`, `10 there is no operator **: did you mean pow()?`},
		{`$event.a`, `1 an expression stands without $: did you mean event.a? Only what is put into a text stands in ${ }`},
		{`${event.a}`, `1 an expression stands without $: did you mean event.a? Only what is put into a text stands in ${ }`},
		{`if event.a then 1`, `4 there is no if: did you mean condition ? this : that?`},
		{`[for x in event.a : x if ]`, `26 Invalid expression: Expected the start of an expression, but found an invalid expression token.`},
		{`1 +`, `4 Invalid expression: Expected the start of an expression, but found an invalid expression token.`},
	} {
		src := []byte("where = " + test.src + "\n")
		_, diags := hclsyntax.ParseConfig(src, "flow.hcl", hcl.InitialPos)
		diags = meant(first(diags), src)
		if len(diags) == 0 {
			t.Errorf("%s: no error", test.src)
			continue
		}
		d := diags[0]
		got := fmt.Sprintf("%d %s: %s", d.Subject.Start.Column-len("where = "), d.Summary, d.Detail)
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.src, got, test.want)
		}
	}
}

// TestHereDocument: shells cut the line end behind the last line of an
// argument.
func TestHereDocument(t *testing.T) {
	for _, text := range []string{"<<END\na\nEND", "<<END\na\nEND\n", "[<<END\na\nEND\n]"} {
		var r Report
		if r.ParseExpression("expression", text) == nil {
			t.Errorf("%q: %s", text, r.Text(false))
		}
	}
}
