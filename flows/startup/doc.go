// Package startup computes what a flow knows before its first event: the
// values of its variables and locals, and every expression that is read once.
//
// [Values] are the names that such expressions may use in one flow, or in one
// use of a module. Whoever reads a flow first lets all of them be declared, then
// set, and asks them for the value of each argument from then on:
//
//	inputs     --var, --var-file and FLOWRUN_VAR_ for the variables of all flows
//	variables  their types, defaults, values and validation
//	locals     named values, in any order
//	values     the value of an expression; each.key and each.value of for_each
//	functions  what env(), file() and all others do
//	compile    per-event expressions, which may refer to all of that
//	names      which names may stand where, also per event
//
// Per-event expressions are compiled by package expr; what they may refer to is
// checked here, since the names of the start are a part of it.
//
// A value that comes from a variable with `sensitive = true` carries a mark
// through all start-up expressions. No report quotes such a value or what was
// made of it, nor the source that spells it.
package startup
