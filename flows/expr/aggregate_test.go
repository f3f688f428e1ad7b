package expr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows/expr/aggregate"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func aggregateScope() Scope {
	s := scope()
	s.Vars = []string{"group", "window"}
	return s
}

func compileAggregate(t testing.TB, src string) flow.Aggregate {
	t.Helper()
	a, diags := CompileAggregate(parse(t, src), aggregateScope())
	if diags.HasErrors() {
		t.Fatalf("%s: %s", src, spell(diags))
	}
	return a
}

var groupAndWindow = []flow.Value{flow.TextOf("g"), flow.MapOf(flow.ObjectOf(flow.Field{Key: "start", Value: flow.IntOf(60)}))}

// TestAggregates: over all, over all in two halves that are merged, and of
// nothing.
func TestAggregates(t *testing.T) {
	events := []string{
		`{"a": 1, "s": "x", "ok": true, "f": 0.1, "l": [1]}`,
		`{"a": 4, "s": "y", "ok": false, "f": 0.2, "l": [1.0], "late": 9}`,
		`{"a": null, "s": null, "l": [2]}`,
		`{"a": 1, "s": "x", "ok": true, "f": 1e1, "l": [1]}`,
	}
	for _, test := range []struct{ src, want, none string }{
		{`count()`, `4`, `0`},
		{`count(event.ok)`, `2`, `0`},
		{`count(event.a == 1)`, `2`, `0`},
		{`sum(event.a)`, `6`, `0`},
		{`sum(event.f)`, `10.3`, `0`},
		{`sum(event.a * 2)`, `flow.hcl:1,5: event.a is null, where * takes a number`, `0`},
		{`sum(coalesce(event.a, 0) * 2)`, `12`, `0`},
		{`avg(event.a)`, `2`, `null`},
		{`avg(event.f)`, `3.4333333333333336`, `null`},
		{`min(event.a)`, `1`, `null`},
		{`max(event.a)`, `4`, `null`},
		{`max(event.f)`, `1e1`, `null`},
		{`min(event.s)`, `"x"`, `null`},
		{`max(event.s)`, `"y"`, `null`},
		{`stdev(event.a)`, `1.7320508075688772`, `null`},
		{`quantile(event.a, 0.5)`, `1`, `null`},
		{`quantile(event.a, 1)`, `4`, `null`},
		{`quantile(event.f, 0.5)`, `0.2`, `null`},
		{`first(event.a)`, `1`, `null`},
		{`last(event.s)`, `"x"`, `null`},
		{`first(event.late)`, `9`, `null`},
		{`last(event.late)`, `9`, `null`},
		{`collect(event.a)`, `[1,4,1]`, `[]`},
		{`collect(event.a, 2)`, `[1,4]`, `[]`},
		{`collect(event.l)`, `[[1],[1.0],[2],[1]]`, `[]`},
		{`distinct(event.s)`, `["x","y"]`, `[]`},
		{`distinct(event.l)`, `[[1],[2]]`, `[]`},
		{`distinct(event.l, 1)`, `[[1]]`, `[]`},
		{`collect({a = event.a})[1].a`, `4`, `null`},
		{`collect(event).*.s`, `["x","y",null,"x"]`, `[]`},

		// around them
		{`{n = count(), mean = sum(event.a) / max(count(event.ok), 1), group = group, from = window.start, lim = var.limit}`,
			`{"n":4,"mean":3,"group":"g","from":60,"lim":10}`, `{"n":0,"mean":0,"group":"g","from":60,"lim":10}`},
		{`count() > 3 ? "many" : "few"`, `"many"`, `"few"`},
		{`"${group}: ${count()}"`, `"g: 4"`, `"g: 0"`},
		{`[for x in collect(event.a) : x * count()]`, `[4,16,4]`, `[]`},
		{`max(sum(event.a), 3)`, `6`, `3`},
		{`sum([count(), 1])`, `5`, `1`},
		{`distinct([count(), 4])`, `[4]`, `[0,4]`},
		{`min(1, 2)`, `1`, `1`},
		{`avg(sum([for x in event.l : x]))`, `1.25`, `null`},
		{`sum(max(coalesce(event.a, 0), 2))`, `10`, `0`},
		{`sum(length(event.l[*]))`, `4`, `0`},
		{`[for event in [[1, 5]] : max(event)]`, `[5]`, `[5]`},
		{`5`, `5`, `5`},
		{`1 / count()`, `0.25`, `flow.hcl:1,1: division by zero`},
	} {
		a := compileAggregate(t, test.src)
		for cut := -1; cut <= len(events); cut++ {
			acc, later := a.New(), a.New()
			var err error
			for i, raw := range events {
				into := acc
				if cut >= 0 && i >= cut {
					into = later
				}
				e := event(t, raw)
				if addErr := into.Add(e); addErr != nil && err == nil {
					err = addErr
				}
				for j := range e.Raw { // it keeps nothing of the event
					e.Raw[j] = 'x'
				}
			}
			if cut >= 0 {
				acc.Merge(later)
			}
			var v flow.Value
			if err == nil {
				v, err = acc.Value(groupAndWindow...)
			}
			if got := spellOutcome(v, err); got != test.want {
				t.Errorf("%s, cut at %d:\n got %s\nwant %s", test.src, cut, got, test.want)
			}
			if again := spellOutcome(acc.Value(groupAndWindow...)); err == nil && again != test.want {
				t.Errorf("%s: at first %s, then %s", test.src, test.want, again)
			}
		}
		if got := spellOutcome(a.New().Value(groupAndWindow...)); got != test.none {
			t.Errorf("%s of nothing:\n got %s\nwant %s", test.src, got, test.none)
		}
	}
}

// TestAggregateErrors: an event that cannot be added counts in none.
func TestAggregateErrors(t *testing.T) {
	a := compileAggregate(t, `{n = count(), s = sum(event.a), m = max(event.b), c = count(event.c)}`)
	acc := a.New()
	for _, test := range []struct{ raw, want string }{
		{`{"a": 1, "b": 2, "c": true}`, ``},
		{`{"a": "1", "b": 9}`, `flow.hcl:1,19: sum takes a number, not a string`},
		{`{"a": 12345678901234567890}`, `flow.hcl:1,19: an integer beyond 64 bits can be passed on and compared, not computed with`},
		{`{"a": 5, "b": "x"}`, `flow.hcl:1,37: max has seen a number before: numbers and strings have no order`},
		{`{"a": 5, "b": true}`, `flow.hcl:1,37: max takes a number or a string, not a bool`},
		{`{"a": 5, "c": 1}`, `flow.hcl:1,55: count takes a bool, not a number`},
		{`{"a": 1e400}`, `flow.hcl:1,19: infinity and what is no number (NaN) cannot be computed with`},
		{`{}`, ``},
	} {
		got := ""
		if err := acc.Add(event(t, test.raw)); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.raw, got, test.want)
		}
	}
	if got := spellOutcome(acc.Value(groupAndWindow...)); got != `{"n":2,"s":1,"m":2,"c":1}` {
		t.Errorf("got %s", got)
	}
}

// TestAggregatesShare: equal calls have one state, equal arguments are
// evaluated once.
func TestAggregatesShare(t *testing.T) {
	a := compileAggregate(t, `{a = sum(event.a + 1), b = sum( event.a+1 ), c = avg(event.a + 1), d = sum(event.a + 2), e = sum(event.a - 1), f = count(), g = count()}`).(*aggregates)
	if len(a.uses) != 5 || len(a.args) != 3 {
		t.Errorf("%d states and %d arguments, want 5 and 3", len(a.uses), len(a.args))
	}
	tree := func(src string) string { return spellTree(parse(t, src).(hclsyntax.Expression)) }
	for _, src := range []string{`event.a`, `event["a"]`, `[for x in event.a : x]`, `{(event.a) = 1}`, `!event.a`, `-event.a`, `event.a ? 1 : 2`, `event[*].a`, `"${event.a}x"`, `max(event.a...)`, `max(event.a)`, `event[event.a]`} {
		for _, other := range []string{`event.a`, `event["a"]`, `[for y in event.a : y]`, `[for x in event.a : x if x]`, `{event = 1}`, `{a = 1}`, `event.*.b`, `event.b`} {
			if same := tree(src) == tree(other); same != (src == other) {
				t.Errorf("%s and %s: %v", src, other, same)
			}
		}
	}
}

func TestAggregateItems(t *testing.T) {
	acc := compileAggregate(t, `{a = collect(event.a), b = distinct(event.a), c = quantile(event.a, 0.5)}`).New()
	for i := range 40 {
		if err := acc.Add(event(t, fmt.Sprintf(`{"a": %d}`, i%20))); err != nil {
			t.Fatal(err)
		}
	}
	if n := acc.Items(); n != 60 {
		t.Errorf("%d items, want 60", n)
	}
}

func TestAggregateMistakes(t *testing.T) {
	const wrap = "an aggregate makes one value of them: " + aggregateNames
	for _, test := range []struct{ src, want string }{
		{`event.a`, `1-8 event is that of many events here (` + wrap + `)`},
		{`{a = event.a, b = count(), c = meta.x + sum(peer.port)}`, `6-13 event is that of many events here (` + wrap + `)` + "\n" + `32-38 meta is that of many events here (` + wrap + `)`},
		{`sum(event.a) + event.b`, `16-23 event is that of many events here (` + wrap + `)`},
		{`avg(sum(event.a))`, ``},
		{`sum(avg(event.a) + event.b)`, `5-8 avg is an aggregate, and these cannot stand in each other`},
		{`avg(count())`, `5-10 count is an aggregate, and these cannot stand in each other`},
		{`sum(group + event.a)`, `5-10 group is not known yet when an event is added to an aggregate (it can stand outside of the aggregate)`},
		{`[for x in [1] : sum(event.a + x)]`, `31-32 x is not known yet when an event is added to an aggregate (it can stand outside of the aggregate)`},
		{`{a = sum(event.a), b = [for event in [{a = 1}] : avg(event.a)]}`, `54-61 event is not known yet when an event is added to an aggregate (it can stand outside of the aggregate)`},
		{`avg()`, `1-6 avg takes 1 argument here, not 0 (as in avg(event.ms))`},
		{`max(event.a, 1)`, `5-12 event is that of many events here (` + wrap + `)`},
		{`sum(sum(event.a))`, `5-17 sum takes a list here, and this is a number (this is the ordinary function, since its argument comes from an aggregate; aggregates cannot stand in each other)`},
		{`avg(event.a, 1)`, `1-16 avg takes 1 argument here, not 2 (as in avg(event.ms))`},
		{`quantile(event.a)`, `1-18 quantile takes 2 arguments here, not 1 (as in quantile(event.ms, 0.99))`},
		{`quantile(event.a, 99)`, `19-21 quantile takes a number from 0 to 1 here, which is known at start-up (as in quantile(event.ms, 0.99))`},
		{`quantile(event.a, group)`, `19-24 quantile takes a number from 0 to 1 here, which is known at start-up (as in quantile(event.ms, 0.99))`},
		{`collect(event.a, 0)`, `18-19 collect takes a whole number above 0 here, which is known at start-up (as in collect(event.id, 100))`},
		{`distinct(event.a, var.limit)`, ``},
		{`quantile(event.a, var.later)`, ``},
		{`sum(upper(event.a))`, `5-19 sum takes a number here, and this is a string (as in sum(event.bytes))`},
		{`count(1)`, `7-8 count takes a bool here, and this is a number (as in count(event.level == "error"))`},
		{`collect(event.a...)`, `1-20 collect takes its arguments one by one`},
		{`stddev(event.a)`, `1-7 unknown function stddev (did you mean "stdev"?)`},
		{`summ(evnt.a)`, `1-5 unknown function summ (did you mean "sum"?)` + "\n" + `6-12 there is no "evnt" here (did you mean "event"?)`},
		{`cnt()`, `1-4 unknown function cnt (did you mean "count"?)`},
		{`{ m = Mean(event.a) }`, `7-11 unknown function Mean (did you mean "avg"?)`},
		{`lenght(event.a)`, `1-7 unknown function lenght (did you mean "length"?)` + "\n" + `8-15 event is that of many events here (` + wrap + `)`},
		{`sum(evnt.a)`, `5-11 there is no "evnt" here (did you mean "event"?)`},
		{`avg(event.a-1)`, `10-14 "a-1" is one name, hyphens belong to names (did you mean ` + "`event.a - 1`" + `? For the field write event["a-1"])`},
	} {
		a, diags := CompileAggregate(parse(t, test.src), aggregateScope())
		if got := spell(diags); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.src, got, test.want)
		}
		if (a == nil) != diags.HasErrors() {
			t.Errorf("%s: %v beside diagnostics %q", test.src, a, spell(diags))
		}
	}
	if _, diags := Compile(parse(t, `avg(event.a)`), scope()); spell(diags) == "" {
		t.Error("an aggregate outside of a window is no mistake")
	}
}

func TestAggregateNames(t *testing.T) {
	var names []string
	for _, f := range aggregate.All {
		names = append(names, f.Name)
	}
	last := len(names) - 1
	if got := strings.Join(names[:last], ", ") + " or " + names[last]; got != aggregateNames || slices.Contains(names, "") {
		t.Errorf("got %s", got)
	}
}
