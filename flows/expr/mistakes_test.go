package expr

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// TestMistakes: what is wrong with an expression is said before any event has
// come, with its place, and all of it.
func TestMistakes(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		// conditions
		{`5`, `1-2 true or false is needed here, and this is a number (compare it with something, like event.type == "a")`},
		{`"x"`, `1-4 true or false is needed here, and this is a string (compare it with something, like event.type == "a")`},
		{`var.level`, `1-10 true or false is needed here, and this is a string (compare it with something, like event.type == "a")`},
		{`local.list`, `1-11 true or false is needed here, and this is a list (compare it with something, like event.type == "a")`},
		{`lower(event.a)`, `1-15 true or false is needed here, and this is a string (compare it with something, like event.type == "a")`},
		{`event.a && length(event.b)`, `12-27 true or false is needed here, and this is a number (compare it with something, like event.type == "a")`},
		{`!"x"`, `2-5 true or false is needed here, and this is a string (compare it with something, like event.type == "a")`},
		{`true`, ``},
		{`null`, ``},
		{`event.a`, ``},
		{`coalesce(event.a, false)`, ``},

		// comparisons that have no answer
		{`event.a < true`, `11-15 a bool has no order (< <= > >= compare two numbers or two strings)`},
		{`[1] < event.a`, `1-4 a list has no order (< <= > >= compare two numbers or two strings)`},
		{`1 < "a"`, `5-8 a number and a string have no order (< <= > >= compare two numbers or two strings)`},
		{`length(event.a) > "3"`, `19-22 a number and a string have no order (< <= > >= compare two numbers or two strings)`},
		{`has(event.a) > 0`, `1-13 a bool has no order (< <= > >= compare two numbers or two strings)`},

		// names
		{`evnt.a == 1`, `1-7 there is no "evnt" here (did you mean "event"?)`},
		{`something == 1`, `1-10 there is no "something" here (a text stands in quotes: "something")`},
		{`nil == event.a`, `1-4 there is no "nil" here (did you mean null?)`},
		{`window.end > 1`, `1-11 there is no "window" here (here stand event, meta, peer, local, var and functions)`},
		{`peer.hots == "a"`, `1-10 peer has no field "hots" (did you mean "host"?)`},
		{`peer["x y"] == "a"`, `1-12 peer has no field "x y" (its fields are id, connector, host, port, tls, path, params, query, headers, cookies, subprotocol, claims)`},
		{`peer[0] == "a"`, `1-8 peer has no field "" (its fields are id, connector, host, port, tls, path, params, query, headers, cookies, subprotocol, claims)`},
		{`event.a-1 == 2`, `6-10 "a-1" is one name, hyphens belong to names (did you mean ` + "`event.a - 1`" + `? For the field write event["a-1"])`},
		{`event.o.x-2 == 2`, `8-12 "x-2" is one name, hyphens belong to names (did you mean ` + "`event.o.x - 2`" + `? For the field write event.o["x-2"])`},
		{`event.a-event.b == 2`, `6-14 "a-event" is one name, hyphens belong to names (did you mean ` + "`event.a - event`" + `? For the field write event["a-event"])`},
		{`event-1 == 2`, "1-8 there is no \"event-1\" here (hyphens belong to names: did you mean `event - 1`?)"},
		{`event["a-1"] == event.content-type`, ``},
		{`event[0.5] == 1`, `6-11 an index is a whole number or, of an object, a string`},
		{`event[null] == 1`, `6-12 an index is a whole number or, of an object, a string`},
		{`event[1e30] == 1`, `6-12 an index is a whole number or, of an object, a string`},

		// functions
		{`lenght(event.a) > 1`, `1-7 unknown function lenght (did you mean "length"?)`},
		{`len(event.a) > 1`, `1-4 unknown function len (did you mean "length"?)`},
		{`match(event.a, "x")`, `1-6 unknown function match (did you mean "regex"?)`},
		{`filter(event.a)`, `1-7 unknown function filter (a for expression does that: [for x in event.list : x.name if x.n > 1])`},
		{`foo(event.a)`, `1-4 unknown function foo`},
		{`frobnicate(event.a)`, `1-11 unknown function frobnicate`},
		{`frobnicate(1)`, `1-11 unknown function frobnicate`},
		{`trim(event.a) == "a"`, `1-14 trim takes 2 arguments, not 1`},
		{`min() == 1`, `1-6 min takes at least 1 argument, not 0`},
		{`round(1.5, 2, 3) == 1`, `1-17 round takes 1 to 2 arguments, not 3`},
		{`coalesce([event.b]...)`, `1-23 coalesce takes its arguments one by one`},
		{`stdev(event.b) == 1`, `1-6 stdev is an aggregate: it is for values over many events, in the emit of a window`},
		{`env(event.a) == "x"`, `1-13 env works at start-up, and nothing of the event can be in its arguments`},
		{`length() > 1`, `1-9 length takes 1 argument, not 0`},
		{`contains(event.a) == true`, `1-18 contains takes 2 arguments, not 1`},
		{`startswith(event.a, 5)`, `21-22 startswith takes a string here, and this is a number`},
		{`length(5) > 1`, `8-9 length takes a string, bytes, a list or an object here, and this is a number`},
		{`contains("a", 1)`, `1-17 a string contains strings, not a number`},
		{`has()`, `1-6 has takes one path, like has(event.user.name)`},
		{`has(5)`, `1-7 has takes one path, like has(event.user.name)`},
		{`has(lower(event.a))`, `1-20 has takes one path, like has(event.user.name)`},
		{`has(try(event.a))`, `1-18 has takes one path, like has(event.user.name)`},
		{`has(path(event, "a"))`, `1-22 has takes one path, like has(event.user.name)`},
		{`has(event.list[*].a)`, `1-21 has takes one path, like has(event.user.name)`},
		{`has(upper(1))`, `1-14 has takes one path, like has(event.user.name)`},
		{`has(var.later)`, ``},
		{`has(evnt.a)`, `5-11 there is no "evnt" here (did you mean "event"?)`},
		{`coalesce() == 1`, `1-11 coalesce takes at least one argument`},
		{`abs("x") == event.a`, `5-8 abs takes a number here, and this is a string`},

		// kinds that never fit
		{`event.a + "x" == 2`, `11-14 + takes numbers, and this is a string (texts are joined in a template: "${event.a}${event.b}")`},
		{`-event.list[*] == 2`, `2-15 - takes numbers, and this is a list`},
		{`event.a * null == 2`, `11-15 * takes numbers, and this is null (null counts as nothing with coalesce: coalesce(event.n, 0))`},
		{`"x" ? true : false`, `1-4 true or false is needed here, and this is a string (compare it with something, like event.type == "a")`},
		{`[for x in "abc" : x] == event.a`, `11-16 for goes through a list or an object, and this is a string`},
		{`[for x in event.a : x if upper(x)] == event.a`, `26-34 true or false is needed here, and this is a string (compare it with something, like event.type == "a")`},
		{`{for x in event.a : [x] => x} == event.a`, `21-24 a key is a string, a number or a bool, and this is a list`},
		{`{[1] = 2} == event.a`, `2-5 a key is a string, a number or a bool, and this is a list`},
		{`{(null) = 2} == event.a`, `3-7 a key is a string, a number or a bool, and this is null`},
		{`{event.a = 2} == event.a`, "2-9 a key is a name, a text in quotes or an expression in parentheses (did you mean `(event.a)`?)"},
		{`{event.a[0]["x y"].b = 2} == event.a`, "2-21 a key is a name, a text in quotes or an expression in parentheses (did you mean `(event.a[0][\"x y\"].b)`?)"},
		{`[1] + event.a == 2`, `1-4 + takes numbers, and this is a list (concat() joins lists)`},
		{`event.a + {} == 2`, `11-13 + takes numbers, and this is an object (merge() joins objects)`},
		{`lower(event.a) * 2 == 2`, `1-15 * takes numbers, and this is a string (tonumber() makes a number of a string)`},
		{`"a${bytes("x")}" == event.b`, `5-15 bytes cannot stand in a text (utf8(), base64encode() or hexencode() make a string of them)`},
		{`"a${[event.a]}" == "ab"`, `5-14 a list cannot stand in a text (jsonencode() spells it)`},
		{`event[[event.a]] == 1`, `7-16 an index is a number or a string, and this is a list`},
		{`lower(event.a)[0] == 1`, `1-18 a string has neither fields nor elements`},
		{`lower(event.a)[event.b] == 1`, `1-24 a string has neither fields nor elements`},
		{`has(event.a).x == 1`, `1-15 a bool has neither fields nor elements`},
		{`event.a / 0 == 1`, `11-12 division by zero`},
		{`event.a % 0.0 == 1`, `11-14 division by zero`},
		{`1 / 0 == event.a`, `1-6 division by zero`},
		{`9223372036854775807 + 1 == event.a`, `1-24 the result is beyond the integers of 64 bits`},
		{`event.yes || 1 / 0 == 1`, `14-19 division by zero`},
		{`event.b ? event.a : 1 / 0 == 1`, `21-26 division by zero`},
		{`var.limit == 10 ? event.a : 1 / 0 == 1`, ``},
		{`true || 1 / 0 == 1`, ``},
		{`try(1 / 0, event.a)`, ``},
		{`[for x in range(2000) : [for y in range(2000) : x]] == event.a`, `35-46 for expressions and splats go through more than 1000000 elements in all: make them fewer`},
		{`regex("(", event.a) == 1`, `7-10 the pattern is no regular expression: missing closing )`},
		{`cidrcontains("10.0.0.0/33", event.a)`, `14-27 the string is no prefix such as 10.0.0.0/8 or 2001:db8::/32`},
		{`prefix_within(event, "10.0.0.0/33")`, `22-35 the string is no prefix such as 10.0.0.0/8 or 2001:db8::/32`},
		{`prefix_covers(event, ["10.0.0.0/8", "10.0.0.300"])`, `22-50 the string is no IP address and no prefix`},
		{`prefix_overlaps(event, 10)`, `24-26 prefix_overlaps takes a string or a list here, and this is a number`},
		{`community(event, "64501")`, `18-25 the string is no community such as 64501:100, 64501:*, 64501:1:2 or no-export`},
		{`as_origin("64501 3356")`, `11-23 as_origin takes a list or an object here, and this is a string`},
		{`[for x in event.a : y]`, `21-22 there is no "y" here (did you mean "x"?)` +
			"\n" + `1-23 true or false is needed here, and this is a list (compare it with something, like event.type == "a")`},
		{`{for key, v in event.a : key => ky} == event.b`, `33-35 there is no "ky" here (did you mean "key"?)`},
		{`[for x in event.a : x] == x`, `27-28 there is no "x" here (a text stands in quotes: "x")`},

		// all at once
		{
			`evnt.a == 1 && lenght(event.b) > 1 || event.c < true`,
			"1-7 there is no \"evnt\" here (did you mean \"event\"?)\n16-22 unknown function lenght (did you mean \"length\"?)\n" +
				"49-53 a bool has no order (< <= > >= compare two numbers or two strings)",
		},

		// what is wrong elsewhere is said there
		{`event.a == var.later && startswith(event.b, var.later)`, ``},
		{`event.list[var.later] == 1`, ``},
	} {
		s := scope()
		s.Condition = true
		x, diags := Compile(parse(t, test.src), s)
		if got := spell(diags); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.src, got, test.want)
		}
		if (x == nil) != diags.HasErrors() {
			t.Errorf("%s: expression %v beside diagnostics %q", test.src, x, spell(diags))
		}
	}
}

// TestScopes: without start-up values, and with fewer roots.
func TestScopes(t *testing.T) {
	for _, test := range []struct {
		src   string
		scope Scope
		want  string
	}{
		{`event.a == 1`, Scope{Roots: []string{"event"}}, ``},
		{`5`, Scope{}, ``},
		{`event.a == 1`, Scope{}, `1-8 there is no "event" here`},
		{`peer.id == "a"`, Scope{Roots: []string{"event"}}, `1-8 there is no "peer" here (here stand event and functions)`},
		{`var.x == 1`, Scope{Roots: []string{"event"}}, `1-6 there is no "var" here (here stand event and functions)`},
		{`group == 1`, Scope{Roots: []string{"event"}, Vars: []string{"group"}}, ``},
		{`stat + 1`, Scope{Roots: []string{"event"}, Vars: []string{"state"}}, `1-5 there is no "stat" here (did you mean "state"?)`},
		{`cnt()`, Scope{Roots: []string{"event"}}, `1-4 unknown function cnt`},
		{`abs(1)`, Scope{}, ``},
		{`env("A")`, Scope{}, `1-4 env cannot be used here`},
		{`state.n + group`, Scope{Vars: []string{"state", "group"}}, ``},
		{`stat.n`, Scope{Vars: []string{"state"}}, `1-7 there is no "stat" here (did you mean "state"?)`},
		{`env(state)`, Scope{Vars: []string{"state"}}, `1-11 env works at start-up, and nothing of the event can be in its arguments`},
	} {
		_, diags := Compile(parse(t, test.src), test.scope)
		if got := spell(diags); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.src, got, test.want)
		}
	}
}

// TestSecrets: a start-up value is never part of a message.
func TestSecrets(t *testing.T) {
	s := scope()
	s.Condition = true
	for _, src := range []string{`var.token`, `var.token < 5`, `event.a < var.token + 1`, `abs(var.token) == 1`, `length(var.token) == "x" && var.token.x`, `var.token[0] == 1`} {
		_, diags := Compile(parse(t, src), s)
		if strings.Contains(spell(diags), "hunter2") {
			t.Errorf("%s: %s", src, spell(diags))
		}
	}
	_, err := compileText(t, `event < var.token`).Eval(event(t, `[1]`))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// TestSecretSteps: a secret that is a step of a path is in no message either.
func TestSecretSteps(t *testing.T) {
	for _, src := range []string{`event[var.token] + 1`, `event.o[var.token].x < 1`, `peer[var.token] + 1`, `upper({hunter2 = 1, b = event}[var.token])`} {
		x, diags := Compile(parse(t, src), scope())
		if diags.HasErrors() {
			t.Errorf("%s: %s", src, spell(diags))
			continue
		}
		if _, err := x.Eval(event(t, `{"hunter2": "a", "o": {"hunter2": {"x": "a"}}}`)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", src, err)
		}
	}
}

// TestNeverEqual: comparisons that always come out the same are warned of.
func TestNeverEqual(t *testing.T) {
	const hint = " (nothing is converted: tostring() and tonumber() do that)"
	for _, test := range []struct{ src, want string }{
		{`length(event.a) == "3"`, `1-23 a number never equals a string: this is always false` + hint},
		{`"x" != [event.a]`, `1-17 a string never equals a list: this is always true` + hint},
		{`lower(event.a) == var.limit`, `1-28 a string never equals a number: this is always false` + hint},
		{`event.a > 1 == "yes"`, `1-21 a bool never equals a string: this is always false` + hint},
		{`[for x in event.a : x if "${x}!" == 1]`, `26-38 a string never equals a number: this is always false` + hint},
		{`length(event.a) == null`, ``},
		{`[event.a] == null`, ``},
		{`[event.a] == var.absent`, ``},
		{`var.limit == "10"`, ``},
		{`event.a == "3"`, ``},
		{`event.a > 1 == null`, ``},
		{`abs(event.a) == event.b + 1.5`, ``},
		{`coalesce(event.a, "x") == 1`, ``},
		{`try(length(event.a) == "3", false)`, ``},
		{`var.limit == 10 || length(event.a) == "3"`, ``},
	} {
		x, diags := Compile(parse(t, test.src), scope())
		if got := spell(diags); got != test.want || x == nil {
			t.Errorf("%s: expression %v\n got %s\nwant %s", test.src, x, got, test.want)
		}
	}
}

func TestJSON(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{`"${event.a == 1}"`, `true`},
		{`"${event.a}"`, `1`},
		{`true`, `true`},
		{`null`, `null`},
		{`1.5`, `1.5`},
		{`"text"`, `"text"`},
		{`"${var.limit}"`, `10`},
		{`"${event.a == \"x\"}"`, `false`},
		{`["${var.limit}", 1]`, `[10,1]`},
		{`"${evnt.a}"`, `10-16 there is no "evnt" here (did you mean "event"?)`},
		{`["${event.a}", {"${event.a}": null, "b": "x${event.a + 1}"}, [], {}]`, `[1,{"1":null,"b":"x2"},[],{}]`},
		{`["${evnt.a}"]`, `11-17 there is no "evnt" here (did you mean "event"?)`},
		{`"${event.a"`, `8-10 Unclosed template interpolation sequence`},
	} {
		file, diags := json.Parse([]byte(`{"x": `+test.src+`}`), "flow.hcl")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		attrs, _ := file.Body.JustAttributes()
		x, diags := Compile(attrs["x"].Expr, scope())
		got := spell(diags)
		if x != nil {
			got = spellOutcome(x.Eval(event(t, `{"a": 1}`)))
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\n got %s\nwant %s", test.src, got, test.want)
		}
	}

	file, _ := json.Parse([]byte(`{"where": "event.a == 1"}`), "flow.hcl")
	attrs, _ := file.Body.JustAttributes()
	s := scope()
	s.Condition = true
	_, diags := Compile(attrs["where"].Expr, s)
	want := `11-25 true or false is needed here, and this is a string (an expression in JSON stands in a template: "${event.type == \"a\"}")`
	if got := spell(diags); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestTemplates(t *testing.T) {
	e, diags := hclsyntax.ParseTemplate([]byte("two\nlines"), "flow.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x, diags := Compile(e, scope())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := spellOutcome(x.Eval(event(t, `1`))); got != `"two\nlines"` {
		t.Errorf("got %s", got)
	}
}
