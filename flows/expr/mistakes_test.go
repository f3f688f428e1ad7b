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
	const roots = "what can be used: event, meta, peer, local, var"
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
		{`evnt.a == 1`, `1-7 unknown name evnt (did you mean "event"?)`},
		{`something == 1`, `1-10 unknown name something (` + roots + `)`},
		{`topic == "a"`, `1-6 topic means nothing here (` + roots + `)`},
		{`window.end > group`, `1-11 window means nothing here (` + roots + `)` + "\n" + `14-19 group means nothing here (` + roots + `)`},
		{`var.limt == 1`, `1-9 unknown name var.limt (did you mean "limit"?)`},
		{`local.nothing_like_it == 1`, `1-22 unknown name local.nothing_like_it`},
		{`peer.hots == "a"`, `1-10 peer has no field "hots" (did you mean "host"?)`},
		{`peer["x y"] == "a"`, `1-12 peer has no field "x y" (its fields are id, connector, host, port, tls, path, params, query, headers, cookies, subprotocol, claims)`},
		{`peer[0] == "a"`, `1-8 peer has no field "" (its fields are id, connector, host, port, tls, path, params, query, headers, cookies, subprotocol, claims)`},
		{`event.a-1 == 2`, `6-10 "a-1" is one name, hyphens belong to names (did you mean ` + "`event.a - 1`" + `? For the field write event["a-1"])`},
		{`event.o.x-2 == 2`, `8-12 "x-2" is one name, hyphens belong to names (did you mean ` + "`event.o.x - 2`" + `? For the field write event.o["x-2"])`},
		{`event.a-event.b == 2`, `6-14 "a-event" is one name, hyphens belong to names (did you mean ` + "`event.a - event`" + `? For the field write event["a-event"])`},
		{`event-1 == 2`, `1-8 "event-1" is one name, hyphens belong to names (did you mean ` + "`event - 1`" + `?)`},
		{`event["a-1"] == event.content-type`, ``},
		{`event[0.5] == 1`, `6-11 an index is a whole number or, of an object, a string`},
		{`event[null] == 1`, `6-12 an index is a whole number or, of an object, a string`},
		{`event[1e30] == 1`, `6-12 an index is a whole number or, of an object, a string`},

		// functions
		{`lenght(event.a) > 1`, `1-7 unknown function lenght (did you mean "length"?)`},
		{`frobnicate(event.a)`, `1-11 unknown function frobnicate`},
		{`frobnicate(1)`, `1-11 unknown function frobnicate`},
		{`trim(event.a) == "a"`, `1-5 not in this version yet: the function trim on values of the event`},
		{`now() == event.time`, `1-4 not in this version yet: the function now`},
		{`uuid(1) == event.time`, `1-5 not in this version yet: the function uuid`},
		{`env(event.a) == "x"`, `1-13 env works at start-up, and nothing of the event can be in its arguments`},
		{`length() > 1`, `1-9 length takes 1 argument, not 0`},
		{`contains(event.a) == true`, `1-18 contains takes 2 arguments, not 1`},
		{`startswith(event.a, 5)`, `21-22 startswith takes a string here, and this is a number`},
		{`length(5) > 1`, `8-9 length takes a string, bytes, a list or an object here, and this is a number`},
		{`contains("a", 1)`, `1-17 contains looks for a string in a string, not for a number`},
		{`has()`, `1-6 has takes one path, like has(event.user.name)`},
		{`has(5)`, `1-7 has takes one path, like has(event.user.name)`},
		{`has(var.level)`, `1-15 has takes one path, like has(event.user.name)`},
		{`has(evnt.a)`, `5-11 unknown name evnt (did you mean "event"?)`},
		{`coalesce() == 1`, `1-11 coalesce takes at least one argument`},
		{`contains(event.a...)`, `1-21 not in this version yet: a list as the last arguments (...)`},
		{`abs("x") == event.a`, `6-7 Invalid function argument (Invalid value for "num" parameter: a number is required.)`},

		// not yet
		{`event.a + 1 == 2`, `1-12 not in this version yet: arithmetic on values of the event`},
		{`-event.a == 2`, `1-9 not in this version yet: arithmetic on values of the event`},
		{`event.a + topic == 2`, `1-16 not in this version yet: arithmetic on values of the event` + "\n" + `11-16 topic means nothing here (` + roots + `)`},
		{`event.a ? true : false`, `1-23 not in this version yet: a conditional (a ? b : c) on values of the event`},
		{`[for x in event.list : x] == [1]`, `1-26 not in this version yet: a for expression over values of the event`},
		{`event.list[*].x == [1]`, `1-16 not in this version yet: a splat ([*]) over values of the event`},
		{`event.list.*.x == [1]`, `1-15 not in this version yet: a splat ([*]) over values of the event`},
		{`"a${event.a}" == "ab"`, `1-14 not in this version yet: a template that mixes text with values of the event`},
		{`"%{ if event.a }x%{ endif }" == "x"`, `1-29 not in this version yet: a template that mixes text with values of the event`},
		{`[event.a] == [1]`, `1-10 not in this version yet: a list made of values of the event`},
		{`{a = event.a} == {a = 1}`, `1-14 not in this version yet: an object made of values of the event`},
		{`event[event.a] == 1`, `7-14 not in this version yet: an index that comes with the event`},
		{`lower(event.a)[0] == 1`, `1-18 not in this version yet: a field of what is not a path into event, meta or peer`},

		// all at once
		{
			`evnt.a == 1 && lenght(event.b) > 1 || event.c < true`,
			"1-7 unknown name evnt (did you mean \"event\"?)\n16-22 unknown function lenght (did you mean \"length\"?)\n" +
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
		{`event.a == 1`, Scope{}, `1-8 event means nothing here (what can be used: nothing but constants)`},
		{`peer.id == "a"`, Scope{Roots: []string{"event"}}, `1-8 peer means nothing here (what can be used: event)`},
		{`var.x == 1`, Scope{Roots: []string{"event"}}, `1-6 unknown name var (what can be used: event)`},
		{`group == 1`, Scope{Roots: []string{"event", "group"}}, `1-6 not in this version yet: group`},
		{`abs(1)`, Scope{}, `1-4 not in this version yet: the function abs`},
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
		{`"${evnt.a}"`, `10-16 unknown name evnt (did you mean "event"?)`},
		{`["${event.a}"]`, `7-21 not in this version yet: a list or object made of values of the event`},
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
