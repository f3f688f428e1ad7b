package status

import "github.com/flowrun/flowrun/runtime/graph"

// Flow is one of the flows that run.
type Flow struct {
	Name        string
	Path        string // of the file or folder, as it was named
	Description string
	Paused      bool // by name; each of its connectors may be paused by itself
	Graph       *graph.Graph
}

// Listener is a route on which the flows can be reached.
type Listener struct {
	Flow      string
	Connector string // the block's name
	Scheme    string // "ws", "wss"
	Address   string // as bound: with the port that the system chose for port 0
	Path      string // "" where the flow names none
}

// String spells the listener as a URL.
func (l Listener) String() string { return l.Scheme + "://" + l.Address + l.Path }
