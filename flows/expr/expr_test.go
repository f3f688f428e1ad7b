package expr

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
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

// rows is the table of the package documentation, row by row. A want that
// begins with "flow.hcl" is an error.
var rows = []struct{ src, want string }{
	// paths
	{`event.s`, `"abc"`},
	{`event["s"]`, `"abc"`},
	{`event.o.x.y`, `"z"`},
	{`event.o["a b"]`, `2`},
	{`event.o[""]`, `3`},
	{`event.o["0"]`, `"zero"`},
	{`event.list[1]`, `"b"`},
	{`event.list[3].x`, `4`},
	{`event.list.3.x`, `4`},
	{`event.list[2][0]`, `3`},
	{`event.esc`, `"a\"b"`},
	{`event.o.x`, `{"y":"z"}`},
	{`event.list[2]`, `[3]`},
	{`(event.o)["x"].y`, `"z"`},
	{`event.o[var.key]`, `2`},
	{`event["o"][var.key]`, `2`},
	{`event.list[var.limit - 9]`, `"b"`},
	{`length(event)`, `21`},

	// missing
	{`event.nothing`, `null`},
	{`event.nothing.at.all`, `null`},
	{`event.list[4]`, `null`},
	{`event.list[-1]`, `null`},
	{`event.s.x`, `null`},
	{`event.n[0]`, `null`},
	{`event.null.x`, `null`},
	{`event.o[0]`, `null`},
	{`event.list["0"]`, `null`},
	{`event.list.x`, `null`},

	// literals and templates
	{`1`, `1`},
	{`-1`, `-1`},
	{`-1.5`, `-1.5`},
	{`0.1`, `0.1`},
	{`12345678901234567890`, `12345678901234567890`},
	{`"text"`, `"text"`},
	{`""`, `""`},
	{`"$${not a template}"`, `"${not a template}"`},
	{`true`, `true`},
	{`null`, `null`},
	{`(1)`, `1`},
	{`"${event.n}"`, `1`},
	{`"${event.o.x}"`, `{"y":"z"}`},
	{`"${var.level}-${var.limit}"`, `"error-10"`},

	// == and !=
	{`event.n == 1`, `true`},
	{`event.n == 1.0`, `true`},
	{`event.one == 1`, `true`},
	{`event.e == 100`, `true`},
	{`event.small == 0.1`, `true`},
	{`event.small == var.ratio`, `true`},
	{`event.small == 0.10000000000000001`, `false`},
	{`event.n != 1`, `false`},
	{`event.n == "1"`, `false`},
	{`event.digit == 1`, `false`},
	{`event.digit != 1`, `true`},
	{`event.n == true`, `false`},
	{`event.big == 12345678901234567890`, `true`},
	{`event.big == event.big2`, `false`},
	{`event.s == "abc"`, `true`},
	{`event.s == event.t`, `false`},
	{`event.esc == "a\"b"`, `true`},
	{`event.yes == true`, `true`},
	{`event.null == null`, `true`},
	{`event.nothing == null`, `true`},
	{`event.nothing == event.null`, `true`},
	{`event.nothing != 1`, `true`},
	{`event.no == null`, `false`},
	{`event.list == event.same`, `true`},
	{`event.list != event.same`, `false`},
	{`event.p == event.q`, `true`},
	{`event.p == event.o`, `false`},
	{`event.p == event.list`, `false`},
	{`event.o == "exit"`, `false`},
	{`event.o != "exit"`, `true`},
	{`event.list == null`, `false`},
	{`event == "exit"`, `false`},
	{`event.o.x == {y = "z"}`, `true`},
	{`event.list == [1, "b", [3], {x = 4}]`, `true`},
	{`event.list == [1, "b", [3]]`, `false`},
	{`event.p == {a = 1, c = 2}`, `false`},
	{`"a" == "a"`, `true`},
	{`1 == 1.0`, `true`},
	{`"1" == 1`, `false`},

	// < <= > >=
	{`event.n < 2`, `true`},
	{`event.n < 1`, `false`},
	{`event.n <= 1`, `true`},
	{`event.n > 0.5`, `true`},
	{`event.n >= 1.0`, `true`},
	{`event.neg < 0`, `true`},
	{`event.neg >= -5`, `true`},
	{`event.big < event.big2`, `true`},
	{`event.big > event.big2`, `false`},
	{`event.big > 1`, `true`},
	{`event.small < 0.2`, `true`},
	{`event.small <= 0.1`, `true`},
	{`event.s < event.t`, `true`},
	{`event.s >= "abd"`, `false`},
	{`event.s <= "abc"`, `true`},
	{`"a" < "b"`, `true`},
	{`event.nothing < 1`, `null`},
	{`1 >= event.null`, `null`},
	{`event.nothing < event.nothing`, `null`},
	{`null < 1`, `null`},
	{`event.list > null`, `null`},
	{`event.n < "2"`, `flow.hcl:1,1: event.n (a number) and a string have no order: compare two numbers or two strings`},
	{`event.s < 2`, `flow.hcl:1,1: event.s (a string) and a number have no order: compare two numbers or two strings`},
	{`event.yes < event.no`, `flow.hcl:1,1: event.yes (a bool) and event.no (a bool) have no order: compare two numbers or two strings`},
	{`true && event.list < 2`, `flow.hcl:1,9: event.list (a list) and a number have no order: compare two numbers or two strings`},
	{`event.o < event.n`, `flow.hcl:1,1: event.o (an object) and event.n (a number) have no order: compare two numbers or two strings`},

	// && || !
	{`event.yes && event.no`, `false`},
	{`event.yes && true`, `true`},
	{`event.no || event.yes`, `true`},
	{`event.no || false`, `false`},
	{`!event.no`, `true`},
	{`!event.yes`, `false`},
	{`!event.nothing`, `true`},
	{`event.nothing && true`, `false`},
	{`event.yes && event.null`, `false`},
	{`event.nothing || event.yes`, `true`},
	{`event.nothing || event.null`, `false`},
	{`null && true`, `false`},
	{`!null`, `true`},
	{`!(event.nothing < 5)`, `true`},
	{`event.no && event.s`, `false`},
	{`event.yes || event.s`, `true`},
	{`event.yes && event.s`, `flow.hcl:1,14: event.s is a string, where true or false is needed`},
	{`event.n || true`, `flow.hcl:1,1: event.n is a number, where true or false is needed`},
	{`!event.list`, `flow.hcl:1,2: event.list is a list, where true or false is needed`},
	{`!event.o["a b"]`, `flow.hcl:1,2: event.o["a b"] is a number, where true or false is needed`},
	{`event.list[1] || event.o`, `flow.hcl:1,1: event.list[1] is a string, where true or false is needed`},
	{`coalesce(event.s) && true`, `flow.hcl:1,1: the value is a string, where true or false is needed`},

	// functions
	{`length(event.s)`, `3`},
	{`length(event.uml)`, `3`},
	{`length(event.list)`, `4`},
	{`length(event.p)`, `2`},
	{`length(event.nothing)`, `null`},
	{`length("äb")`, `2`},
	{`length(local.list)`, `3`},
	{`length(event.n)`, `flow.hcl:1,8: event.n is a number, where length takes a string, bytes, a list or an object`},
	{`upper(event.s)`, `"ABC"`},
	{`lower("ÄB")`, `"äb"`},
	{`lower(event.nothing) == null`, `true`},
	{`lower(event.list)`, `flow.hcl:1,7: event.list is a list, where lower takes a string`},
	{`upper(var.level) == "ERROR"`, `true`},
	{`startswith(event.s, "ab")`, `true`},
	{`startswith(event.s, "b")`, `false`},
	{`endswith(event.s, "bc")`, `true`},
	{`startswith(event.nothing, "b")`, `null`},
	{`startswith(event.s, event.nothing)`, `null`},
	{`endswith(event.s, event.n)`, `flow.hcl:1,19: event.n is a number, where endswith takes a string`},
	{`contains(event.s, "b")`, `true`},
	{`contains(event.s, "x")`, `false`},
	{`contains(event.list, "b")`, `true`},
	{`contains(event.list, 1.0)`, `true`},
	{`contains(event.list, [3])`, `true`},
	{`contains(event.list, 3)`, `false`},
	{`contains(local.set, event.s)`, `false`},
	{`contains(["abc", "x"], event.s)`, `true`},
	{`contains(event.s, 1)`, `flow.hcl:1,1: contains looks for a string in a string, not for a number`},
	{`contains(event.o, "x")`, `flow.hcl:1,10: event.o is an object, where contains takes a string or a list`},
	{`has(event.s)`, `true`},
	{`has(event.null)`, `true`},
	{`has(event.nothing)`, `false`},
	{`has(event.list[3].x)`, `true`},
	{`has(event.list[4])`, `false`},
	{`has(event.o.x)`, `true`},
	{`has(event)`, `true`},
	{`coalesce(event.nothing, event.empty, event.s, event.t)`, `"abc"`},
	{`coalesce(event.nothing, event.null)`, `null`},
	{`coalesce(event.nothing, event.o.x)`, `{"y":"z"}`},
	{`coalesce(event.nothing, 5) == 5`, `true`},
	{`coalesce(event.o, 5) == 5`, `false`},

	// start-up values
	{`var.level`, `"error"`},
	{`event.s == var.level`, `false`},
	{`event.n < var.limit`, `true`},
	{`event.n == var.limit - 9`, `true`},
	{`var.token == "hunter2"`, `true`},
	{`var.absent == event.nothing`, `true`},
	{`local.list`, `["x",2,true]`},
	{`local.list[1] == 2`, `true`},
	{`local.set`, `["a","b"]`},
	{`local.table.a == event.n`, `true`},
	{`event.n == (var.limit > 5 ? 1 : 2)`, `true`},
	{`contains([for x in local.list : "${x}!"], "x!")`, `true`},
	{`abs(-1) == event.n`, `true`},
	{`join("-", ["a", "b"])`, `"a-b"`},
	{`1 / 3`, `0.3333333333333333`},
}

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
		if p := x.(*expression).n.path; p != nil && p.root == "meta" {
			merged, ok := walk(flow.MapOf(e.MetaValue()), p.steps)
			got, has := p.findMeta(&e)
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
