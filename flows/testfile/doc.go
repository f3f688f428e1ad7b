// Package testfile reads *.test.hcl: what is to be started, said and expected in
// each case. It starts nothing; package runner in cmd/flowrun does.
//
// A file holds cases side by side: `test` runs real flows as processes, `unit`
// sends events through one pipeline, `expression` computes expressions. The
// same words mean the same as in a flow: locals, functions, durations, blocks,
// and every mistake is reported with its place and the name that was probably
// meant.
//
//	file    a file into its cases, and what is wrong with each
//	bind    one case with the names of its run: locals, free_port()
//	test    the blocks of a test, as structs with tags
//	expect  what a test expects of exit codes, files and output
//	peer    the script of a peer: steps in the order written
//	unit    the blocks unit and expression
//
// A case is read twice. When its file is opened it is read with ports that
// nobody has leased, so that all mistakes of all files are known before anything
// starts. When it runs, [Case.Test] reads it again, with its scratch folder
// and its own ports. A mistake in one case does not concern the others.
//
// What can stand in a peer is a table that the caller brings ([Tables]), as
// package flows is given its components.
package testfile
