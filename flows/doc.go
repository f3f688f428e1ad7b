// Package flows reads the flow language: it turns HCL files into [flow.File]s
// that the engine can run, and tells what is wrong with them. It starts
// nothing and has no effect on the world; it reads the flow's files and the
// files that these name.
//
// The way of a flow through the package, a file per step:
//
//	load       paths to flows; the same for several flows side by side
//	parse      files and folders to blocks, HCL or JSON alike
//	functions  those of start-up expressions
//	component  codecs and processors: "json", { name = "json" }, codec.<name>
//	connector  connectors with their common arguments, codec and processors
//	pipeline   the steps of a pipeline
//	refs       connector.edge.err: references, read and never evaluated
//	connect    the edges and their policies
//	reply      what can come back to whom: where a reply has nowhere to go
//	check      what concerns several blocks or several flows
//	format     the one layout of a file
//
// Below it, source parses text and holds the report, startup computes variables,
// locals and all other values of the start, decode fills the configurations of
// components, and expr compiles per-event expressions.
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
// A connector that carries bytes and lists no processor for a direction gets
// separate there: messages are lines. A list that is given is taken as it is,
// so it must begin, outwards end, with a processor that knows the borders of
// messages.
package flows
