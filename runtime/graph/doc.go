// Package graph is the wiring of a checked flow, drawn out: which parts there
// will be, which port of which part leads where, and in which order the
// connectors start. It is pure: it makes nothing and runs nothing. The engine
// builds what a [Graph] says, and `flowrun graph` prints it.
//
// There are three kinds of nodes, each named by the address of the block that
// it stands for:
//
//	connector.edge        a connector
//	connect.live          an edge: takes from its `from` ports, asks `where`, passes on
//	pipeline.slim         the instance of a pipeline that all `from` and `to` share
//	connect.live.via[0]   an instance of a pipeline that belongs to one edge
//
// What `where` lets pass goes through the `via` in the order listed and then
// to each `to` in the order listed. So `where` is asked about the events as
// they leave the source, and its errors go to that source's err port.
//
//	from -> where -> via[0] -> via[1] -> to
//
// The `out` of an instance in `via` is its edge's own; `pipeline.slim.err` and
// the exits that a pipeline's route steps name join those of all its
// instances.
//
// Circles are legal where they pass a connector (an echo): nothing in a graph
// depends on the end of another part.
package graph
