package main

import (
	"embed"
	"fmt"
)

// flows are what flowrun is measured with.
//
//go:embed *.hcl
var flows embed.FS

// loop, in place of a flow, is the server that is written by hand.
const loop = "loop"

// kase is one way of loading a server, what it is compared with, and the most
// that flowrun may need.
type kase struct {
	name        string
	flow        string
	against     string // another flow, or the loop
	connections int
	depth       int                                  // messages in flight on each connection; 0: idle connections
	fanOut      bool                                 // one connection sends, that many at a time, and all hear it
	crowd       others                               // who is beside the connections that are measured; against is the flow without them
	reply       string                               // what a message becomes on its way through flow; empty where it stays
	feed        func() (in, out [][]byte, err error) // what goes in at one place and leaves at another, on one connection each
	lines       bool                                 // of the feed: it comes in as lines over TCP, and leaves by a client
	adds        bool                                 // the gate is what flow costs beyond the other, in microseconds per message
	gate        float64                              // of the ratio; for idle connections, KiB per connection
}

var all = []kase{
	{name: "16x1", flow: "echo.hcl", against: loop, connections: 16, depth: 1, gate: 1.0},
	{name: "16x32", flow: "echo.hcl", against: loop, connections: 16, depth: 32, gate: 0.25},
	{name: "1000x1", flow: "echo.hcl", against: loop, connections: 1000, depth: 1, gate: 1.0},
	{name: "idle", flow: "echo.hcl", against: loop, connections: 5000, gate: 12},
	{name: "guarded", flow: "guarded.hcl", against: loop, connections: 5000, gate: 12},
	{name: "fan1", flow: "fanout.hcl", against: loop, connections: 500, depth: 1, fanOut: true, gate: 0.95},
	{name: "fan32", flow: "fanout.hcl", against: loop, connections: 500, depth: 32, fanOut: true, gate: 0.15},
	{name: "crowd", flow: "crowd.hcl", against: "crowd.hcl", connections: 500, depth: 1, crowd: others{idle: 10_000, slow: 200}, gate: 2},
	{name: "bgp1", flow: "bgp.hcl", against: loop, connections: 1, depth: 1, feed: bgpUpdates, gate: 1.3},
	{name: "bgp32", flow: "bgp.hcl", against: loop, connections: 1, depth: 32, feed: bgpUpdates, gate: 1.3},
	{name: "lines1", flow: "lines.hcl", against: loop, connections: 1, depth: 1, lines: true, feed: jsonLines, gate: 1.3},
	{name: "lines32", flow: "lines.hcl", against: loop, connections: 1, depth: 32, lines: true, feed: jsonLines, gate: 1.3},
	{name: "pipeline", flow: "pipeline.hcl", against: "echo.hcl", connections: 16, depth: 32, gate: 1.05},
	{name: "where", flow: "where.hcl", against: "echo.hcl", connections: 16, depth: 32, adds: true, gate: 1},
	{
		name: "map", flow: "map.hcl", against: "echo.hcl", connections: 16, depth: 32, adds: true, gate: 3,
		reply: `{"conn":"{conn}","seq":"{seq}","price":1.08342,"size":250000,"side":"buy"}` + "\n",
	},
}

func (c kase) messages() (f feed, err error) {
	f.in, f.out, err = c.feed()
	return f, err
}

// path is where the server has what the case is about.
func (c kase) path() string {
	if c.fanOut {
		return "/all"
	}
	return "/?token=bench" // for those who ask
}

func (c kase) title() string {
	switch {
	case c.depth == 0:
		return fmt.Sprintf("%d idle connections, %s", c.connections, c.flow)
	case c.crowd != (others{}):
		return fmt.Sprintf("p99 of %d beside %d idle and %d slow", c.connections, c.crowd.idle, c.crowd.slow)
	case c.fanOut && c.depth == 1:
		return fmt.Sprintf("to %d connections, one by one", c.connections)
	case c.fanOut:
		return fmt.Sprintf("to %d connections, %d at a time", c.connections, c.depth)
	case c.lines:
		return fmt.Sprintf("lines over TCP to frames, %d under way", c.depth)
	case c.feed != nil:
		return fmt.Sprintf("BGP json to obmp, %d under way", c.depth)
	case c.against != loop:
		return fmt.Sprintf("%s, beside %s", c.flow, c.against)
	}
	return fmt.Sprintf("%d connections, %d in flight", c.connections, c.depth)
}

// limit is the gate, for people.
func (c kase) limit() string {
	switch {
	case c.depth == 0:
		return fmt.Sprintf("%.0f KiB", c.gate)
	case c.adds:
		return fmt.Sprintf("%.0f us more", c.gate)
	}
	return fmt.Sprintf("%.2f x", c.gate)
}
