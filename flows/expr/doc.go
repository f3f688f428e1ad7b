// Package expr compiles the expressions of a flow that are evaluated per
// event: the `where` of an edge or a step.
//
// Flow authors write plain HCL. HCL's own evaluator works on cty values, which
// costs tens of microseconds per event; here an expression is read once, at
// start-up, into closures over [flow.Value], and looks into an event's encoded
// form for just the fields that it names. [Compile] checks what can be checked
// before any event has come. Everything made only of start-up values (var,
// local, functions over them) is computed there and then, by HCL itself.
//
// A comparison in a JSON message of 143 bytes costs 0.1 to 0.4 us and allocates
// nothing. A list or object is decoded only when its contents matter:
// event == "exit" is false for any object.
//
// # What it means
//
// Roots are `event` (the payload), `meta` (what the transport said, with what
// the flow wrote on top) and `peer` (what the runtime vouches for). A path
// goes on with names, keys and constant indexes: event.data.list[0].x,
// event["a b"].
//
//	types       null, bool, number, string, bytes, list, object
//	missing     a field that is not there, an index out of range, a field of what is no object: null.
//	            A name reads objects only, an index lists only
//	== !=       deep. Values of different types are unequal; 1 == 1.0, whatever the spelling, and
//	            a float equals every number that rounds to it. Objects compare without regard to key order
//	< <= > >=   two numbers or two strings (by bytes). With null: null. NaN is in no order: false.
//	            Anything else is an error
//	&& || !     bools, short-circuit; null counts as false; any other type is an error
//	where       true passes; false and null do not; any other type is an error
//	templates   "${x}" is x itself
//	conversion  never; "1" == 1 is false
//
// Functions, where an argument that is null makes the result null unless it
// says otherwise, and an argument of another type is an error:
//
//	length(x)               characters (Unicode code points) of a string, bytes, elements of a list, keys of an object
//	lower(s) upper(s)       the string in lower or upper case
//	startswith(s, prefix)   whether the string begins so
//	endswith(s, suffix)     whether the string ends so
//	contains(s, part)       whether the string has this part
//	contains(list, x)       whether an element equals x
//	has(path)               whether the path leads to something, even a null
//	coalesce(x, …)          the first argument that is neither null nor ""
//
// An error concerns one event and names the place: "flow.hcl:12,11: …"
// ([Error]). It names paths and types, never values, which may be secret.
package expr
