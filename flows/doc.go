// Package flows reads the flow language: it turns HCL files into [flow.File]s
// that the engine can run, and tells what is wrong with them. It starts
// nothing and has no effect on the world; it reads the flow's files and the
// files that these name.
//
// The way of a flow through the package, a file per step:
//
//	load       paths to flows; the same for several flows side by side
//	parse      bytes to blocks, HCL or JSON alike
//	variables  --var, --var-file, FLOWRUN_VAR_, defaults, types, validation
//	locals     named start-up values, in any order
//	evaluate   start-up expressions: which names may stand where
//	content    what stands in a block, sorted by what may stand there
//	decode     arguments into the tagged fields of a component's configuration
//	values     one argument into one field
//	component  codecs, processors and connectors with their common arguments
//	pipeline   the steps of a pipeline
//	refs       connector.edge.err: references, read and never evaluated
//	connect    the edges
//	check      what concerns several blocks or several flows
//	report     all of the problems, for people and for programs
//
// Everything that can be checked before the start is checked here, and all
// problems of a run are told at once: after a problem the reading goes on with
// what is still certain, and what depends on something broken is passed over
// in silence rather than blamed for it.
//
// A value that comes from a variable with `sensitive = true` carries a mark
// through all start-up expressions. No report quotes such a value, nor the
// line of source that spells it.
package flows
