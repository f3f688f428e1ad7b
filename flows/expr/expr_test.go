package expr

import (
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/flows/expr/path"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// scope is what a flow offers: some start-up values and all roots.
func scope() Scope {
	return Scope{
		Start: &hcl.EvalContext{
			Variables: map[string]cty.Value{
				"var": cty.ObjectVal(map[string]cty.Value{
					"level":  cty.StringVal("error"),
					"limit":  cty.NumberIntVal(10),
					"ratio":  cty.MustParseNumberVal("0.1"),
					"token":  cty.StringVal("hunter2").Mark("sensitive"),
					"later":  cty.UnknownVal(cty.String),
					"absent": cty.NullVal(cty.String),
					"key":    cty.StringVal("a b"),
				}),
				"local": cty.ObjectVal(map[string]cty.Value{
					"list":  cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.NumberIntVal(2), cty.True}),
					"set":   cty.SetVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}),
					"table": cty.MapVal(map[string]cty.Value{"a": cty.NumberIntVal(1)}),
				}),
			},
			Functions: map[string]ctyfunction.Function{"abs": stdlib.AbsoluteFunc, "join": stdlib.JoinFunc, "uuid": stdlib.AbsoluteFunc},
		},
		Roots: []string{"event", "meta", "peer"},
	}
}

func parse(t testing.TB, src string) hcl.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "flow.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", src, diags)
	}
	return e
}

func compileText(t testing.TB, src string) flow.Expr {
	t.Helper()
	x, diags := Compile(parse(t, src), scope())
	if diags.HasErrors() {
		t.Fatalf("%s: %s", src, spell(diags))
	}
	return x
}

// spell writes diagnostics as "columns summary (hint)".
func spell(diags hcl.Diagnostics) string {
	var lines []string
	for _, d := range diags {
		line := strings.TrimPrefix(d.Subject.String(), "flow.hcl:1,") + " " + d.Summary
		if d.Detail != "" {
			line += " (" + d.Detail + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const payload = `{
	"n": 1, "one": 1.0, "small": 0.1, "big": 12345678901234567890, "big2": 12345678901234567891, "e": 1e2, "neg": -5,
	"s": "abc", "t": "abd", "empty": "", "digit": "1", "uml": "äöü", "esc": "a\"b",
	"yes": true, "no": false, "null": null,
	"list": [1, "b", [3], {"x": 4}], "same": [1.0, "b", [3.0], {"x": 4}], "o": {"x": {"y": "z"}, "a b": 2, "0": "zero", "": 3},
	"p": {"a": 1, "b": 2}, "q": {"b": 2, "a": 1}
}`

// outcome spells what an evaluation came to.
func spellOutcome(v flow.Value, err error) string {
	if err != nil {
		return err.Error()
	}
	return toJSON(v)
}

func TestRows(t *testing.T) {
	arrived := event(t, payload)
	whole := decoded(t, arrived)
	for _, row := range rows {
		x := compileText(t, row.src)
		for name, e := range map[string]flow.Event{
			"encoded": *arrived,
			"decoded": {Value: whole},
			"both":    {Raw: arrived.Raw, Form: arrived.Form, Value: whole},
		} {
			before := e
			v, err := x.Eval(&e)
			if got := spellOutcome(v, err); got != row.want {
				t.Errorf("%s (%s):\n got %s\nwant %s", row.src, name, got, row.want)
			}
			pass, testErr := x.Test(&e)
			switch {
			case err != nil && (testErr == nil || testErr.Error() != err.Error()):
				t.Errorf("%s (%s): Eval says %v, Test says %v", row.src, name, err, testErr)
			case err == nil && (v.Kind() == flow.Bool || v.IsNull()) && (testErr != nil || pass != v.Bool()):
				t.Errorf("%s (%s): Eval says %s, Test says %v, %v", row.src, name, toJSON(v), pass, testErr)
			case err == nil && v.Kind() != flow.Bool && !v.IsNull() && testErr == nil:
				t.Errorf("%s (%s): Eval says %s, Test says %v", row.src, name, toJSON(v), pass)
			}
			if before.Value != e.Value || len(before.Raw) != len(e.Raw) || before.Form != e.Form {
				t.Errorf("%s (%s): the event has changed", row.src, name)
			}
		}
	}
}

// TestComparisonsInComparisons: each is computed once, or this would never end.
func TestComparisonsInComparisons(t *testing.T) {
	src := `event`
	for range 90 {
		src = "[" + src + "] == event"
	}
	v, err := compileText(t, "["+src+"]").Eval(event(t, `[1]`))
	if got := spellOutcome(v, err); got != `[false]` {
		t.Errorf("got %s", got)
	}
}

// TestVisits: a list that is gone through for each of its own elements costs an
// error when it is long, and not all the memory.
func TestVisits(t *testing.T) {
	flowtest.Sequential(t)
	list := func(n int) *flow.Event { return event(t, "["+strings.TrimSuffix(strings.Repeat("1,", n), ",")+"]") }
	for _, src := range []string{
		`length([for x in event : [for y in event : y]])`,
		`length([for x in event : {for i, y in event : i => y}])`,
		`length([for x in event : event[*]])`,
		`length(event[*].a) + length([for x in event : event[*].a])`,
	} {
		x := compileText(t, src)
		for range 3 { // each evaluation counts anew
			if _, err := x.Eval(list(400)); err != nil {
				t.Errorf("%s: %v", src, err)
			}
		}
		if _, err := x.Eval(list(2000)); err == nil || !strings.Contains(err.Error(), "more than 1000000 elements in all") {
			t.Errorf("%s: %v", src, err)
		}
	}
	a := compileAggregate(t, `sum(length([for x in event : event[*]]))`)
	acc := a.New()
	for range 8 {
		if err := acc.Add(list(400)); err != nil {
			t.Error(err)
		}
	}
}

// TestWhere: what a condition says of its own value.
func TestWhere(t *testing.T) {
	e := event(t, payload)
	for src, want := range map[string]string{
		`event.yes`:     "true",
		`event.no`:      "false",
		`event.nothing`: "false",
		`event.s`:       "flow.hcl:1,1: event.s is a string, where true or false is needed",
		`event`:         "flow.hcl:1,1: event is an object, where true or false is needed",
		`meta.ws`:       "false",
	} {
		pass, err := compileText(t, src).Test(e)
		got := "false"
		if err != nil {
			got = err.Error()
		} else if pass {
			got = "true"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
}

func TestOtherPayloads(t *testing.T) {
	for _, test := range []struct {
		src   string
		value flow.Value
		want  string
	}{
		{`event == "exit"`, flow.TextOf("exit"), `true`},
		{`event == "exit"`, flow.BytesOf([]byte("exit")), `false`},
		{`length(event)`, flow.BytesOf([]byte("äb")), `3`},
		{`lower(event)`, flow.BytesOf([]byte("A")), `flow.hcl:1,7: event is bytes, where lower takes a string`},
		{`event == 0.1`, flow.FloatOf(0.1), `true`},
		{`event == 1`, flow.FloatOf(1), `true`},
		{`event[0] == 0.1`, flow.ListOf([]flow.Value{flow.FloatOf(0.1)}), `true`},
		{`event == [0.1]`, flow.ListOf([]flow.Value{flow.FloatOf(0.1)}), `true`},
		{`event < 1`, flow.FloatOf(nan()), `false`},
		{`event == event`, flow.FloatOf(nan()), `false`},
		{`event.x`, flow.TextOf("text"), `null`},
		{`event[0]`, flow.ListOf(nil), `null`},
		{`event == null`, flow.NullValue, `true`},
	} {
		e := flow.Event{Value: test.value}
		if got := spellOutcome(compileText(t, test.src).Eval(&e)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.src, got, test.want)
		}
	}
}

func TestMetaAndPeer(t *testing.T) {
	origin := &flow.Origin{
		Connector: &flow.Component{Boot: "n.b", Flow: "f", Kind: "connector", Type: "ws_server", Name: "edge"},
		Seq:       7,
		Peer: flow.Peer{
			Host: "127.0.0.1", Port: 4242, TLS: true, Path: "/a", Query: "q=1&q=2", Header: "X-Key: v\r\n",
			Params: map[string]string{"id": "net"}, Claims: flow.ObjectOf(flow.Field{Key: "sub", Value: flow.TextOf("me")}),
		},
	}
	object := func(v flow.Value, keys ...string) flow.Value {
		for i := len(keys) - 1; i >= 0; i-- {
			v = flow.MapOf(flow.ObjectOf(flow.Field{Key: keys[i], Value: v}))
		}
		return v
	}
	e := flow.Event{
		Origin: origin,
		Meta: flow.Meta{
			Said: flow.ObjectOf(
				flow.Field{Key: "ws_server", Value: object(flow.TextOf("said"), "kind")},
				flow.Field{Key: "said", Value: flow.MapOf(flow.ObjectOf(
					flow.Field{Key: "a", Value: flow.IntOf(1)},
					flow.Field{Key: "b", Value: object(flow.IntOf(2), "c")},
					flow.Field{Key: "list", Value: flow.ListOf([]flow.Value{flow.IntOf(9)})},
				))},
			),
			Wrote: flow.ObjectOf(
				flow.Field{Key: "ws_server", Value: object(flow.TextOf("10.0.0.1"), "peer", "host")},
				flow.Field{Key: "said", Value: flow.MapOf(flow.ObjectOf(
					flow.Field{Key: "a", Value: object(flow.IntOf(3), "x")},
					flow.Field{Key: "b", Value: flow.TextOf("flat")},
					flow.Field{Key: "null", Value: flow.NullValue},
				))},
			),
		},
	}
	for _, test := range []struct{ src, want, none string }{ // none: of an event without origin or meta
		{`meta.ws_server.kind`, `"said"`, `null`},
		{`meta.ws_server.peer.host`, `"10.0.0.1"`, `null`},
		{`meta.ws_server.peer.port`, `4242`, `null`},
		{`meta.ws_server.peer.id == peer.id`, `true`, `true`},
		{`meta.ws_server.tls`, `true`, `null`},
		{`meta["ws_server"].binary`, `false`, `null`},
		{`meta.said.a`, `{"x":3}`, `null`},
		{`meta.said.a.x`, `3`, `null`},
		{`meta.said.b`, `"flat"`, `null`},
		{`meta.said.b.c`, `null`, `null`},
		{`meta.said.list[0]`, `9`, `null`},
		{`meta.said.list[1]`, `null`, `null`},
		{`meta[0]`, `null`, `null`},
		{`has(meta.said.null)`, `true`, `false`},
		{`has(meta.said.b.c)`, `false`, `false`},
		{`has(meta.ws_server.tls)`, `true`, `false`},
		{`length(meta)`, `2`, `null`},
		{`meta.ws_server == "x"`, `false`, `false`},
		{`peer.host`, `"127.0.0.1"`, `null`},
		{`peer.port == 4242 && peer.tls`, `true`, `false`},
		{`peer.id`, `"n.b/f/edge/7"`, `null`},
		{`peer.connector == "edge"`, `true`, `false`},
		{`peer["params"].id`, `"net"`, `null`},
		{`peer.query.q`, `"1"`, `null`},
		{`peer.headers["x-key"]`, `"v"`, `null`},
		{`peer.claims.sub`, `"me"`, `null`},
		{`peer.subprotocol`, `null`, `null`},
		{`has(peer.path)`, `true`, `false`},
		{`has(peer.claims.iss)`, `false`, `false`},
		{`length(peer)`, `12`, `null`},
	} {
		x := compileText(t, test.src)
		if got := spellOutcome(x.Eval(&e)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.src, got, test.want)
		}
		if got := spellOutcome(x.Eval(&flow.Event{})); got != test.none {
			t.Errorf("%s without origin: got %s, want %s", test.src, got, test.none)
		}
		// The walk through the layers must say what the merged object says.
		if p := x.(*expression).n.path; p != nil && p.Root == "meta" {
			merged, ok := path.Lookup(flow.MapOf(e.MetaValue()), p.Steps)
			got, _ := p.Meta(&e, nil)
			has, _ := p.HasMeta(&e, nil)
			if d := cmp.Diff(merged, got); d != "" || ok != has {
				t.Errorf("%s: layers and merged object differ: %v %v\n%s", test.src, ok, has, d)
			}
		}
	}
}

func TestAt(t *testing.T) {
	e, _ := hclsyntax.ParseExpression([]byte(`event.a && event.b`), "flow.hcl", hcl.Pos{Line: 12, Column: 11})
	x, _ := Compile(e, scope())
	if got := x.At(); got != "flow.hcl:12,11-29" {
		t.Errorf("got %s", got)
	}
	_, err := x.Test(&flow.Event{Value: flow.MapOf(flow.ObjectOf(
		flow.Field{Key: "a", Value: flow.BoolOf(true)}, flow.Field{Key: "b", Value: flow.IntOf(1)},
	))})
	if want := "flow.hcl:12,22: event.b is a number, where true or false is needed"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if got := err.(*Error).At(); got != "flow.hcl:12,22-29" {
		t.Errorf("got %s", got)
	}
}

// TestMsgpack: the same in a binary encoding, whose fractions are floats.
func TestMsgpack(t *testing.T) {
	packed, err := codec(t, "msgpack").Encode(nil, &flow.Event{Value: decoded(t, event(t, payload))})
	if err != nil {
		t.Fatal(err)
	}
	e := &flow.Event{}
	if err := codec(t, "msgpack").Decode(e, packed); err != nil {
		t.Fatal(err)
	}
	if e.Raw == nil {
		t.Fatal("the codec has decoded the event")
	}
	for _, src := range []string{
		`event.s == "abc"`, `event.n == 1`, `event.one == 1`, `event.small == 0.1`, `event.small >= var.ratio`, `event.e == 100`,
		`event.list == event.same`, `event.o.x == {y = "z"}`, `event.o["a b"] < 3`, `event.list[3].x == 4`, `event.nothing == null`,
		`!event.no && event.yes`, `has(event.null)`, `!has(event.nothing)`, `contains(event.list, "b")`, `event != "exit"`,
	} {
		if pass, err := compileText(t, src).Test(e); !pass || err != nil {
			t.Errorf("%s: %v %v", src, pass, err)
		}
	}
}

// TestConcurrent: an expression is shared by all that evaluate it.
func TestConcurrent(t *testing.T) {
	x := compileText(t, `{for k, v in event.p : "${k}!" => [for x in [v, v + 1] : x * event.n][1] if has(event.o[k == "a" ? "x" : "nothing"]) || v > 1}`)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			e := event(t, payload)
			for range 50 {
				if got := spellOutcome(x.Eval(e)); got != `{"a!":2,"b!":3}` {
					t.Errorf("got %s", got)
					return
				}
			}
		})
	}
	wait.Wait()
}
