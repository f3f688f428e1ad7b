// Package flows reads the flow language: it turns HCL files into [flowfile.File]s
// that the engine can run, and tells what is wrong with them. It starts
// nothing and has no effect on the world; it reads the flow's files and the
// files that these name.
//
// The way of a flow through the package, a file per step:
//
//	load       paths to flows; the same for several flows side by side
//	folder     files and folders to blocks, HCL or JSON alike (a package)
//	reader     the blocks of a flow, or of one use of a module, in their order
//	settings   the block flow
//	each       the instances of a block with for_each
//	component  codecs and processors: "json", { name = "json" }, codec.<name>
//	connector  connectors with their common arguments, codec and processors
//	pipeline   the steps of a pipeline
//	module     uses of modules: arguments, inputs and outputs
//	sources    where modules come from: folders, and the library
//	refs       connector.edge["ams"].err: references as they are written
//	resolve    the ports that references mean
//	connect    the edges and their policies
//	check      what concerns several blocks or several flows
//	format     the one layout of a file
//
// Below it, source parses text and holds the report, startup computes variables,
// locals and all other values of the start, decode fills the configurations of
// components, expr compiles per-event expressions, wiring checks all edges
// together, and std is the library of modules.
//
// Everything that can be checked before the start is checked here, and all
// problems of a run are told at once: after a problem the reading goes on with
// what is still certain. What depends on something broken is passed over in
// silence rather than blamed for it; so warnings of what is not used wait until
// all references are right.
//
// # What the language leaves open
//
// A variable takes the last of: its default, FLOWRUN_VAR_x, the --var-file
// arguments in their order, the --var arguments in theirs.
//
// The argument codec must be given where a connector carries the bytes of
// others. Connectors that only make or take events of our own (a source or
// target of messages with one connection, like exit, log and metronome) have
// json without it.
//
// A [flowfile.File] knows neither modules nor for_each: their parts stand in it like
// those of the flow, under full names that stay the same as long as the blocks
// that they come from are called the same:
//
//	store             connector "store" of the flow
//	edge["ams"]       connector "edge" with for_each, for the key ams
//	audit.store       connector "store" of the module audit
//	audit["ams"].p    pipeline "p" of the module audit with for_each
//	slim@live.p       pipeline "p" of the module slim, in the via of connect "live"
//	slim@live#2.p     the same, where slim stands in that via for the second time
//	live@slim         the part of connect "live" behind the module slim
//
// A module is used once for each place in via, as a pipeline is, and beside that
// once for all that from and to say of it; without a via, it is there once
// whatever is connected to it. What from calls by an output other than out joins
// all uses.
//
// Paths in a module are relative to its folder; in one of the library, to the
// folder of the flow or module that uses it. The variables of a module get their
// values from its arguments alone.
//
// for_each takes an object or a list of strings, with 10000 elements at most, and a
// flow has at most 100000 parts, instances and uses of modules counted. Whoever
// refers to a block with for_each says which instance is meant, by an index, or
// all of them, by [*].
//
// A connector that carries bytes and lists no processor for a direction gets
// separate there: messages are lines. A list that is given is taken as it is,
// so it must begin, outwards end, with a processor that knows the borders of
// messages.
package flows
