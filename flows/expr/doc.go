// Package expr compiles the expressions of a flow that are evaluated per
// event (`where`, `map`, `group_by`, `key`, …) and those that make one value of
// many events (`emit` of a window).
//
// Flow authors write plain HCL. HCL's own evaluator works on cty values, which
// costs tens of microseconds per event; here an expression is read once, at
// start-up, into closures over [flow.Value], and looks into an event's encoded
// form for just the fields that it names. [Compile] checks what can be checked
// before any event has come. What is made of start-up values and constants only
// is computed there and then, with the same meaning as per event; HCL itself
// computes the functions that there are at the start-up alone (env, file).
//
// A comparison in a JSON message of 143 bytes costs 0.1 to 0.4 us and allocates
// nothing; an object made of five of its fields about 1 us. A list or object
// that an expression only passes on stays in its encoded form ([flow.LazyOf]),
// and event == "exit" is false for any object without a look into it.
//
// # What it means
//
// Roots are `event` (the payload), `meta` (what the transport said, with what
// the flow wrote on top), `peer` (what the runtime vouches for) and the names
// that the place declares ([Scope]: `group`, `state`, …). A path goes on with
// names, keys and indexes: event.data.list[0].x, event["a b"], event[event.i].
//
//	types       null, bool, number, string, bytes, list, object. Integers are exact to 64 bits; any other
//	            number keeps its spelling until somebody computes with it
//	missing     a field that is not there, an index out of range (negative or no whole number, too), an index
//	            that is null, a field of what is no object: null, never an error. A string reads objects only,
//	            a number lists only; an index of another type is an error
//	== !=       deep. Values of different types are unequal; 1 == 1.0, whatever the spelling, and
//	            a float equals every number that rounds to it. Objects compare without regard to key order
//	< <= > >=   two numbers or two strings (by bytes). With null: null. NaN is in no order: false.
//	            Anything else is an error
//	+ - * / %   numbers; 7/2 is 3.5 and 6/2 is 3. An integer result beyond 64 bits, an integer operand beyond
//	            64 bits, division by zero, null and any other type are errors. % has the sign of its left side
//	&& || !     bools, short-circuit; null counts as false; any other type is an error
//	a ? b : c   null counts as false, any other type than bool is an error; only one side is computed, and the
//	            two may be of different types
//	where       true passes; false and null do not; any other type is an error
//	templates   "${x}" is x itself, of x's type. Otherwise numbers and bools print as in JSON, null as nothing;
//	            lists, objects and bytes are errors. %{if} is a conditional and %{for} a for expression whose
//	            results are joined
//	[a, b]      a list
//	{k = v}     an object in the order written; of a repeated key the last value counts, at the first place. A
//	            key is a name, which stands for itself, or an expression (in parentheses when it is a path): a
//	            string, number or bool, the latter two as they print; null and any other type are errors
//	x[*].y      of each element; x.*.y is the same. Null counts as no element, what is no list as the only one
//	for         [for v in x : a if c], [for k, v in x : a], {for k, v in x : a => b}: over a list (k is the
//	            index) or an object, in its order; anything else, null too, is an error. Null in `if` counts as
//	            false. Two values of one key are an error, unless ... behind the value makes a list of them.
//	            All for expressions and splats of one evaluation go through 1,000,000 elements at most
//	f(x...)     the elements of the list x are the last arguments; null and any other type are errors
//	conversion  never; "1" == 1 is false. tostring, tonumber and tobool convert
//
// The functions are those of package function, where an argument that is null
// makes the result null unless the function says otherwise, and an argument of
// another type is an error. Four of them see their arguments before these are
// computed:
//
//	has(path)         whether the path leads to something, even a null
//	coalesce(x, …)    the first argument that is neither null nor ""; those behind it are not computed
//	try(x, …)         the first argument that can be computed without an error
//	can(x)            whether x can be computed without an error
//
// An error concerns one event and names the place: "flow.hcl:12,11: …"
// ([Error]). It names paths and types, never values, which may be secret. What
// is an error whatever event comes, because a type or a constant never fits, is
// a diagnostic; not so in a part that is never computed, and inside of try, can
// and has. A comparison that always comes out the same, because its sides are
// of different types, is warned of.
//
// In JSON syntax every string is a template, keys of objects too.
//
// # Over many events
//
// [CompileAggregate] compiles the `emit` of a window. A call of one of the
// functions of package aggregate in it, such as avg(event.ms), is an aggregate:
// its argument is evaluated per event, and the rest of the expression once, from
// the results. min, max, sum and distinct are also ordinary functions; they are
// aggregates when they have one argument in which there is something of the
// event: max(event.ms), but not max(sum(event.ms), 1). Aggregates do not stand in
// each other, and their arguments see the event only, not what belongs to the
// group. Null is not added. An event for which an argument is an error counts in
// none of the aggregates. Equal calls share their state.
package expr
